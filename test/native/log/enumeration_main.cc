// The crash and fault enumeration as a program, for `npm test`: one line a part, exit code 1 when anything was lost.
//   enumeration SHARE PART...     a share stays on one processor, another share on another where there is one
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "log/enumeration.h"
#include "log/swap_enumeration.h"

using namespace odradek::test;

namespace {

struct Part {
  const char* name;
  EnumerationResult (*enumerate)();
};

constexpr Part kParts[] = {
    {"crashes", [] { return enumerate_crashes(false, 2); }},
    {"crashes, every message flushed", [] { return enumerate_crashes(true, 1); }},
    {"faults", [] { return enumerate_faults(); }},
    {"swaps", [] { return enumerate_swaps(0, 2); }},
};

bool report(const char* what, const EnumerationResult& result) {
  std::printf("%s: %llu lives, %llu calls, %zu failures\n", what, static_cast<unsigned long long>(result.lives),
              static_cast<unsigned long long>(result.calls), result.failures.size());
  for (size_t i = 0; i < result.failures.size() && i < 20; ++i) std::printf("  %s\n", result.failures[i].c_str());
  return result.failures.empty() && result.lives > 100;
}

// In a life two threads take turns hundreds of times: waking one another on the same processor costs half as much.
void stay_on_one_processor(int share) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int skip = share % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    static_cast<void>(sched_setaffinity(0, sizeof one, &one));
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  stay_on_one_processor(std::atoi(argv[1]));
  bool well = true;
  for (int i = 2; i < argc; ++i) {
    const Part* part = std::begin(kParts);
    while (part != std::end(kParts) && std::strcmp(part->name, argv[i]) != 0) ++part;
    if (part == std::end(kParts)) return 2;
    well = report(part->name, part->enumerate()) && well;
  }
  return well ? 0 : 1;
}
