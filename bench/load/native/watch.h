// What other processes (the brokers) cost: their CPU time and their memory, read while they run.
//
// CPU comes from the process's CPU clock (nanoseconds, threads that ended included), its division into user and system
// from /proc/<pid>/stat (10 ms ticks). Memory is sampled by a thread, because a peak does not wait for the end.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "json.h"

namespace load {

int64_t now_ns();
int64_t own_cpu_ns();

struct MemoryKb {
  int64_t rss = 0;
  int64_t anon = 0;
  int64_t file = 0;
  int64_t shared = 0;
  /// RSS less mapped files: what the process would miss if it lost it.
  int64_t own() const { return rss - file; }
};

using Pids = std::vector<pid_t>;

class Watch {
 public:
  /// No pids: watches nothing and reports nothing. CPU is that of all of them together, memory that of the largest.
  explicit Watch(const Pids& pids);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// The measured interval lies between start() and stop().
  void start();
  void stop();

  double elapsed_seconds() const { return static_cast<double>(stopped_ns_ - started_ns_) / 1e9; }
  double broker_cpu_seconds() const { return static_cast<double>(cpu_ns_) / 1e9; }
  bool watching() const { return !watched_.empty(); }

  /// Adds `clientCpuSeconds`; when there is a pid, `broker`, and `othersCpuShare`: how much of the machine neither the
  /// broker nor we have used. A figure taken beside a busy neighbour says little.
  void report(Json& into, double gigabytes, uint64_t requests) const;

 private:
  struct Ticks {
    int64_t user = 0;
    int64_t system = 0;
  };
  struct Watched {
    pid_t pid;
    clockid_t clock;
  };
  Ticks ticks() const;
  MemoryKb memory() const;
  int64_t cpu_clock_ns() const;
  void sample();

  std::vector<Watched> watched_;
  int64_t started_ns_ = 0;
  int64_t stopped_ns_ = 0;
  int64_t cpu_ns_ = 0;
  int64_t client_cpu_ns_ = 0;
  double machine_cpu_seconds_ = 0;
  Ticks ticks_;
  MemoryKb at_end_;
  std::atomic<int64_t> peak_own_kb_{0};
  std::atomic<bool> ending_{false};
  std::thread sampler_;
};

}  // namespace load
