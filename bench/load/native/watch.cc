#include "watch.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace load {
namespace {

constexpr auto kSampleEvery = std::chrono::milliseconds(50);

int64_t read_clock(clockid_t clock) {
  timespec at{};
  if (clock_gettime(clock, &at) != 0) throw std::runtime_error("the watched process has gone");
  return at.tv_sec * 1'000'000'000 + at.tv_nsec;
}

// User to steal, but for idle and waiting, of all processors together.
double machine_cpu_seconds() {
  std::ifstream file("/proc/stat");
  std::string label;
  double sum = 0;
  file >> label;
  for (int field = 0; field < 8; ++field) {
    double ticks = 0;
    file >> ticks;
    if (field != 3 && field != 4) sum += ticks;
  }
  return sum / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string proc_path(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

MemoryKb memory_of(pid_t pid) {
  MemoryKb result;
  std::ifstream file(proc_path(pid, "status"));
  for (std::string line; std::getline(file, line);) {
    const auto value = [&line](const char* key) -> int64_t {
      const size_t length = std::strlen(key);
      return line.compare(0, length, key) == 0 ? std::strtoll(line.c_str() + length, nullptr, 10) : -1;
    };
    if (const int64_t kb = value("VmRSS:"); kb >= 0) result.rss = kb;
    if (const int64_t kb = value("RssAnon:"); kb >= 0) result.anon = kb;
    if (const int64_t kb = value("RssFile:"); kb >= 0) result.file = kb;
    if (const int64_t kb = value("RssShmem:"); kb >= 0) result.shared = kb;
  }
  return result;
}

}  // namespace

int64_t now_ns() { return read_clock(CLOCK_MONOTONIC); }
int64_t own_cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

Watch::Watch(const Pids& pids) {
  for (const pid_t pid : pids) {
    clockid_t clock{};
    if (clock_getcpuclockid(pid, &clock) != 0) throw std::runtime_error("no process " + std::to_string(pid));
    watched_.push_back({pid, clock});
  }
  if (watched_.empty()) return;
  sampler_ = std::thread([this] {
    while (!ending_.load(std::memory_order_relaxed)) {
      sample();
      std::this_thread::sleep_for(kSampleEvery);
    }
  });
}

Watch::~Watch() {
  ending_.store(true, std::memory_order_relaxed);
  if (sampler_.joinable()) sampler_.join();
}

void Watch::start() {
  peak_own_kb_.store(0, std::memory_order_relaxed);
  ticks_ = ticks();
  machine_cpu_seconds_ = machine_cpu_seconds();
  client_cpu_ns_ = own_cpu_ns();
  cpu_ns_ = cpu_clock_ns();
  started_ns_ = now_ns();
}

void Watch::stop() {
  stopped_ns_ = now_ns();
  cpu_ns_ = cpu_clock_ns() - cpu_ns_;
  client_cpu_ns_ = own_cpu_ns() - client_cpu_ns_;
  machine_cpu_seconds_ = machine_cpu_seconds() - machine_cpu_seconds_;
  const Ticks end = ticks();
  ticks_ = {end.user - ticks_.user, end.system - ticks_.system};
  sample();
  at_end_ = memory();
}

void Watch::report(Json& into, double gigabytes, uint64_t requests) const {
  const double client_seconds = static_cast<double>(client_cpu_ns_) / 1e9;
  into.number("clientCpuSeconds", client_seconds);
  if (!watching()) return;

  const double others = machine_cpu_seconds_ - client_seconds - broker_cpu_seconds();
  into.number("othersCpuShare", std::max(0.0, others / elapsed_seconds() / std::thread::hardware_concurrency()));

  const double per_tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  Json broker;
  broker.number("cpuSeconds", broker_cpu_seconds())
      .number("userSeconds", static_cast<double>(ticks_.user) * per_tick)
      .number("systemSeconds", static_cast<double>(ticks_.system) * per_tick);
  if (gigabytes > 0) broker.number("cpuSecondsPerGB", broker_cpu_seconds() / gigabytes);
  if (requests > 0) broker.number("cpuMicrosPerRequest", broker_cpu_seconds() * 1e6 / static_cast<double>(requests));
  broker.integer("rssKb", at_end_.rss)
      .integer("rssAnonKb", at_end_.anon)
      .integer("rssFileKb", at_end_.file)
      .integer("rssShmemKb", at_end_.shared)
      .integer("ownKb", at_end_.own())
      .integer("peakOwnKb", peak_own_kb_.load(std::memory_order_relaxed));
  into.object("broker", broker);
}

void Watch::sample() {
  if (watched_.empty()) return;
  const int64_t own = memory().own();
  if (own > peak_own_kb_.load(std::memory_order_relaxed)) peak_own_kb_.store(own, std::memory_order_relaxed);
}

int64_t Watch::cpu_clock_ns() const {
  int64_t sum = 0;
  for (const Watched& each : watched_) sum += read_clock(each.clock);
  return sum;
}

Watch::Ticks Watch::ticks() const {
  Ticks sum;
  for (const Watched& each : watched_) {
    std::ifstream file(proc_path(each.pid, "stat"));
    std::string line;
    std::getline(file, line);
    // The second field is the command's name in brackets and may hold anything; utime and stime are fields 14 and 15.
    const size_t after_name = line.rfind(')');
    if (after_name == std::string::npos) continue;
    std::istringstream fields(line.substr(after_name + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    Ticks its;
    fields >> its.user >> its.system;
    sum.user += its.user;
    sum.system += its.system;
  }
  return sum;
}

MemoryKb Watch::memory() const {
  MemoryKb largest;
  for (const Watched& each : watched_) {
    const MemoryKb its = memory_of(each.pid);
    if (its.own() > largest.own()) largest = its;
  }
  return largest;
}

}  // namespace load
