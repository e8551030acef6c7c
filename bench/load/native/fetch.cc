// Fetching a topic from its start by several connections, see fetcher.h for what one does.
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include "commands.h"
#include "fetch_load.h"
#include "fetcher.h"
#include "producer.h"
#include "watch.h"

namespace load {
namespace {

struct Limits {
  size_t connections;
  double seconds;
  double warmup_seconds;
  uint64_t bytes;
  bool discard;
};

struct Totals {
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint64_t fetches = 0;
  uint64_t passes = 0;
};

Totals sum(const std::vector<Fetcher>& fetchers) {
  Totals totals;
  for (const Fetcher& fetcher : fetchers) {
    totals.bytes += fetcher.bytes();
    totals.records += fetcher.records();
    totals.fetches += fetcher.fetches();
    totals.passes += fetcher.passes();
  }
  return totals;
}

void run(std::vector<Fetcher>& fetchers, const Socket& epoll, double seconds, uint64_t bytes, Histogram& latency) {
  const int64_t deadline = now_ns() + static_cast<int64_t>(seconds * 1e9);
  const uint64_t goal = bytes == 0 ? UINT64_MAX : sum(fetchers).bytes + bytes;
  std::array<epoll_event, 64> events;
  while (now_ns() < deadline && sum(fetchers).bytes < goal) {
    const int count = epoll_wait(epoll.fd(), events.data(), static_cast<int>(events.size()), 1000);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      Fetcher& fetcher = fetchers[events[static_cast<size_t>(i)].data.u64];
      if (fetcher.receive(latency)) fetcher.ask();
    }
  }
}

Limits read_limits(Options& options) {
  return {
      .connections = static_cast<size_t>(options.integer("connections", 1)),
      .seconds = options.number("seconds", 5),
      .warmup_seconds = options.number("warmup-seconds", 0),
      .bytes = static_cast<uint64_t>(options.integer("bytes", 0)),
      .discard = options.integer("discard", 1) != 0,
  };
}

}  // namespace

FetchOptions read_fetch_options(Options& options) {
  FetchOptions fetch;
  fetch.version = static_cast<int16_t>(options.integer("fetch-version", 12));
  fetch.partition_max_bytes = static_cast<int32_t>(options.integer("partition-max-bytes", fetch.partition_max_bytes));
  fetch.max_bytes = std::max(fetch.max_bytes, fetch.partition_max_bytes);
  return fetch;
}

int fetch_load(Options& options, const FetchOptions& fetch, const std::vector<FetchedPartition>& partitions, const Pids& pids, const std::string& command) {
  const Limits limits = read_limits(options);
  options.refuse_unused();
  if (limits.connections == 0 || partitions.empty()) throw std::runtime_error("a load of nothing");

  const Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  if (epoll.fd() < 0) fail("epoll_create");
  std::vector<Fetcher> fetchers;
  fetchers.reserve(limits.connections);
  for (size_t i = 0; i < limits.connections; ++i) {
    const FetchedPartition& fetched = partitions[i % partitions.size()];
    fetchers.emplace_back(fetch, fetched.partition, fetched.end, limits.discard);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, fetchers[i].fd(), &event) != 0) fail("epoll_ctl");
    fetchers[i].ask();
  }

  Histogram latency;
  Watch watch(pids);
  if (limits.warmup_seconds > 0) run(fetchers, epoll, limits.warmup_seconds, 0, latency);
  latency.clear();
  const Totals before = sum(fetchers);
  watch.start();
  run(fetchers, epoll, limits.bytes > 0 ? std::max(limits.seconds, 600.0) : limits.seconds, limits.bytes, latency);
  watch.stop();
  const Totals after = sum(fetchers);

  const uint64_t bytes = after.bytes - before.bytes;
  const uint64_t fetches = after.fetches - before.fetches;
  const double gigabytes = static_cast<double>(bytes) / 1e9;
  Json json;
  json.string("command", command)
      .integer("connections", static_cast<int64_t>(limits.connections))
      .integer("fetchVersion", fetch.version)
      .integer("partitionMaxBytes", fetch.partition_max_bytes)
      .number("seconds", watch.elapsed_seconds())
      .integer("bytes", static_cast<int64_t>(bytes))
      .integer("records", static_cast<int64_t>(after.records - before.records))
      .integer("requests", static_cast<int64_t>(fetches))
      .integer("wholePasses", static_cast<int64_t>(after.passes))
      .number("megabytesPerSecond", gigabytes * 1e3 / watch.elapsed_seconds())
      .object("latencyMicros", percentiles(latency));
  watch.report(json, gigabytes, fetches);
  // Every answer was checked as it came; a run without any would have shown nothing.
  const bool verified = bytes > 0;
  json.boolean("verified", verified);
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

int run_fetch(Options& options) {
  const Pids pids = options.integers("pid");
  const bool cleanup = options.integer("cleanup", 0) != 0;
  const std::string topic = options.required("topic");
  Cluster cluster(options.required("broker"));
  FetchOptions fetch = read_fetch_options(options);
  fetch.version = cluster.version_of(Api::fetch, fetch.version);
  std::vector<FetchedPartition> partitions;
  for (Partition& partition : cluster.partitions(topic)) {
    const int64_t end = cluster.end_offset(partition);
    partitions.push_back({std::move(partition), end});
  }
  const int code = fetch_load(options, fetch, partitions, pids, "fetch");
  if (cleanup) cluster.delete_topic(topic);
  return code;
}

}  // namespace load
