// odradek-load <command> [--option value]...: loads any Kafka broker and prints what it did as one JSON object.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "commands.h"

namespace {

struct Command {
  const char* name;
  int (*run)(load::Options&);
  const char* about;
};

constexpr Command kCommands[] = {
    {"produce", load::run_closed_loop,
     "closed loop: --connections C --in-flight D --records R --value-bytes N --codec X --payload words|lines|noise|sparse --acks all|1|0 --partitions P "
     "--requests N | --bytes N | --seconds S, --warmup-seconds S --send-each 1"},
    {"open-loop", load::run_open_loop, "--rate R --seconds S --connections C; latency from when a request was due"},
    {"fetch", load::run_fetch, "--connections C --partition-max-bytes N --seconds S | --bytes N --discard 0|1 --fetch-version V"},
    {"idle", load::run_idle, "--connections N --hold-seconds S: opened at once, served, then long-polling"},
    {"floor", load::run_floor, "--kind produce|open-loop|fetch: what the kernel alone costs, with the same client"},
    {"inflate", load::run_inflate, "--codec X --payload P --records R --value-bytes N --bytes B: what a decoder alone costs, over the same bytes"},
    {"topic", load::run_topic, "--create NAME --partitions P | --delete NAME | --end NAME"},
    {"warm-memory", load::run_warm_memory, "--bytes N: has the kernel use and free that much, so that its next pages are cheap"},
    {"self-check", load::run_self_check, "known vectors of the parts that everything else rests on"},
};

int usage() {
  std::fputs("usage: odradek-load <command> --broker host:port [--pid N,N] [--topic T] [--cleanup 1] ...\n", stderr);
  for (const Command& command : kCommands) std::fprintf(stderr, "  %-12s %s\n", command.name, command.about);
  return 2;
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  if (count < 2) return usage();
  try {
    for (const Command& command : kCommands) {
      if (std::string(words[1]) != command.name) continue;
      load::Options options(count - 2, words + 2);
      return command.run(options);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "odradek-load %s: %s\n", words[1], error.what());
    return 1;
  }
  return usage();
}
