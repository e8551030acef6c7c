// Questions: what does the log cost above the kernel's own price of a write, per byte and per small append? What do
// finding and recovering cost? Bounds: pwrite of the same bytes into the same directory; CRC-32C over the same memory.
//   log_bench [directory on a real disk]      every figure is printed beside its bound
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/crc32c.h"
#include "log/batch.h"
#include "log/hot_tail.h"
#include "log/log.h"
#include "log/offset_index.h"
#include "log/record_walk.h"
#include "log/segment_recovery.h"
#include "support/batches.h"

using namespace odradek;
using namespace odradek::test;

namespace {

SystemClock system_clock;
PosixFileSystem files;

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Meter {
  double cpu = cpu_seconds();
  uint64_t wall = system_clock.monotonic_ns();
  double cpu_spent() const { return cpu_seconds() - cpu; }
  double wall_spent() const { return static_cast<double>(system_clock.monotonic_ns() - wall) * 1e-9; }
};

class Counter final : public LogListener {
 public:
  void completed(Log&, std::span<const AppendDone> done) override {
    for (const AppendDone& one : done) {
      if (one.code != Code::kOk) std::abort();
    }
    if (done_.fetch_add(done.size()) + done.size() >= awaited_.load()) done_.notify_one();
  }
  void await(uint64_t count) {
    awaited_ = count;
    for (uint64_t seen = done_.load(); seen < count; seen = done_.load()) done_.wait(seen);
  }
  std::atomic<uint64_t> done_{0};
  std::atomic<uint64_t> awaited_{UINT64_MAX};
};

struct Opened {
  LogThreads threads{{2, "bench"}};
  Counter counter;
  std::shared_ptr<Log> log;

  explicit Opened(const std::string& directory) {
    OpenRequest request;
    request.files = &files;
    request.threads = &threads;
    request.listener = &counter;
    request.clock = &system_clock;
    request.directory = directory;
    request.options.max_message_bytes = 64 << 20;
    Result<Log::Opened> opened = Log::open(request);
    if (!opened.ok()) std::abort();
    log = opened->log;
  }
  ~Opened() {
    log.reset();
    threads.close();
  }
};

std::string scratch;

void append_large(size_t batch_bytes) {
  const std::string directory = scratch + "/large";
  std::filesystem::remove_all(directory);
  const auto records = static_cast<int32_t>(std::max<size_t>(1, batch_bytes / 1024));
  const Bytes batch = encode(simple_batch(records, 1010));
  // Many copies, so that the bytes are no warmer than those of a socket buffer.
  const size_t copies = std::max<size_t>(8, (64u << 20) / batch.size());
  std::vector<Bytes> memory(copies, batch);
  const size_t total = 1u << 30;
  const size_t count = total / batch.size();
  double log_cpu;
  double log_wall;
  {
    Opened opened(directory);
    const Meter meter;
    for (size_t i = 0; i < count; ++i) {
      AppendJob job;
      job.bytes = memory[i % copies].data();
      job.length = static_cast<uint32_t>(batch.size());
      store_i64(job.bytes, 0);
      job.leader_epoch = 1;
      job.now_ms = 1'000;
      opened.log->append(job);
      if (i % 8 == 7) opened.threads.kick();
      if (i >= copies / 2) opened.counter.await(i - copies / 2 + 1);
    }
    opened.threads.kick();
    opened.counter.await(count);
    log_cpu = meter.cpu_spent();
    log_wall = meter.wall_spent();
  }
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  Result<std::shared_ptr<File>> file = files.open(directory + "/plain", OpenMode::kCreate);
  const Meter meter;
  uint64_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    const iovec piece{memory[i % copies].data(), batch.size()};
    if (!(*file)->write_at(at, {&piece, 1}).ok()) std::abort();
    at += batch.size();
  }
  const double gb = static_cast<double>(at) * 1e-9;
  std::printf("append %7zu B batches of 1 KiB records: %.3f CPU s/GB, %.2f GB/s; plain pwrite: %.3f CPU s/GB, %.2f GB/s\n",
              batch.size(), log_cpu / gb, gb / log_wall, meter.cpu_spent() / gb, gb / meter.wall_spent());
  std::filesystem::remove_all(directory);
}

void append_small(size_t in_a_drain) {
  const std::string directory = scratch + "/small";
  std::filesystem::remove_all(directory);
  Opened opened(directory);
  const Bytes batch = encode(simple_batch(1, 100));
  const size_t window = 4096;
  std::vector<Bytes> memory(window, batch);
  const size_t count = 1'000'000;
  const Meter meter;
  for (size_t i = 0; i < count; ++i) {
    AppendJob job;
    job.bytes = memory[i % window].data();
    job.length = static_cast<uint32_t>(batch.size());
    store_i64(job.bytes, 0);
    job.leader_epoch = 1;
    job.generation = 1;
    job.now_ms = 1'000;
    job.cookie = i;
    if (i >= window / 2 && i % in_a_drain == 0) opened.counter.await(i - window / 2);
    opened.log->append(job);
    if (i % in_a_drain == in_a_drain - 1) opened.threads.kick();
  }
  opened.threads.kick();
  opened.counter.await(count);
  std::printf("append %zu B, %zu in a drain: %.0f ns of CPU each, both sides; %.2f M/s\n", batch.size(), in_a_drain,
              meter.cpu_spent() * 1e9 / count, count / meter.wall_spent() * 1e-6);
  std::filesystem::remove_all(directory);
}

void walk(size_t value_bytes) {
  const auto count = static_cast<int32_t>((256 << 10) / value_bytes);
  const Bytes batch = encode(simple_batch(count, value_bytes));
  const std::span<const uint8_t> records(batch.data() + kBatchHeaderSize, batch.size() - kBatchHeaderSize);
  const int rounds = 2'000;
  RecordRules rules;
  rules.base_timestamp = 1'000;
  rules.check_timestamps = true;
  const Meter meter;
  int64_t sum = 0;
  for (int i = 0; i < rounds; ++i) sum += walk_records(records, count, rules, nullptr).max_timestamp;
  const double walked = meter.wall_spent();
  uint32_t crc = 0;
  const Meter crc_meter;
  for (int i = 0; i < rounds; ++i) crc ^= crc32c(batch);
  std::printf("walk of %zu B records: %.1f ns each; CRC (%s) of the same: %.1f GB/s%s\n", value_bytes,
              walked * 1e9 / rounds / count, crc32c_implementation(),
              static_cast<double>(batch.size()) * rounds * 1e-9 / crc_meter.wall_spent(), sum + crc == 1 ? "!" : "");
}

void look_up() {
  const std::string path = scratch + "/bench.index";
  OffsetIndex index(files, path, 0, 10 << 20);
  if (!index.create().ok()) std::abort();
  const uint32_t entries = 262'144;  // of a 1 GiB segment
  for (uint32_t i = 0; i < entries; ++i) {
    if (!index.append(static_cast<int64_t>(i) * 4 + 3, i * 4096).ok()) std::abort();
  }
  const int rounds = 2'000'000;
  uint64_t random = 1;
  uint64_t sum = 0;
  const Meter meter;
  for (int i = 0; i < rounds; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    sum += index.lookup(static_cast<int64_t>((random >> 33) % (entries * 4)));
  }
  std::printf("look-up among %u entries: %.0f ns%s\n", entries, meter.wall_spent() * 1e9 / rounds, sum == 1 ? "!" : "");
  std::filesystem::remove(path);

  HotTail tail(1024);
  tail.begin_segment(0, nullptr, 0, 0);
  std::vector<HotTail::Batch> batches;
  for (int i = 0; i < 1024; ++i) batches.push_back({i * 10, static_cast<uint32_t>(i * 1000), 9});
  tail.push(batches, 1'024'000, 10'240);
  Slice slice;
  const Meter hot;
  for (int i = 0; i < rounds; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    sum += tail.locate(static_cast<int64_t>((random >> 33) % 10'240), 10'240, 1 << 20, true, &slice);
  }
  std::printf("locate_hot among 1024 batches: %.0f ns%s\n", hot.wall_spent() * 1e9 / rounds, sum == 1 ? "!" : "");
}

void recover(size_t batch_bytes) {
  const std::string directory = scratch + "/recover";
  std::filesystem::remove_all(directory);
  const auto records = static_cast<int32_t>(std::max<size_t>(1, batch_bytes / 1024));
  const Bytes batch = encode(simple_batch(records, 1010));
  const size_t count = (900u << 20) / batch.size();
  {
    Opened opened(directory);
    std::vector<Bytes> memory(64, batch);
    for (size_t i = 0; i < count; ++i) {
      AppendJob job;
      job.bytes = memory[i % 64].data();
      job.length = static_cast<uint32_t>(batch.size());
      store_i64(job.bytes, 0);
      opened.log->append(job);
      opened.threads.kick();
      if (i >= 32) opened.counter.await(i - 31);
    }
    opened.counter.await(count);
  }
  const double gb = static_cast<double>(count * batch.size()) * 1e-9;
  for (int round = 0; round < 2; ++round) {
    const Meter meter;
    const Opened opened(directory);
    if (opened.log->end_offset() != static_cast<int64_t>(count) * records) std::abort();
    if (round == 1) {
      const double seconds = meter.cpu_spent();
      std::vector<uint8_t> all(count * batch.size());
      Result<std::shared_ptr<File>> file = files.open(directory + "/00000000000000000000.log", OpenMode::kRead);
      if (!(*file)->read_at(0, all).ok()) std::abort();
      const Meter crc_meter;
      const uint32_t crc = crc32c(all);
      const double crc_seconds = crc_meter.cpu_spent();
      std::printf("recovery, %zu B batches: %.2f GB per CPU s; CRC alone over the same memory: %.2f GB per CPU s%s\n", batch.size(),
                  gb / seconds, gb / crc_seconds, crc == 1 ? "!" : "");
    }
  }
  std::filesystem::remove_all(directory);
}

}  // namespace

int main(int argc, char** argv) {
  scratch = (argc > 1 ? std::string(argv[1]) : std::string("/tmp")) + "/odradek-log-bench-" + std::to_string(::getpid());
  std::filesystem::create_directories(scratch);
  for (const size_t bytes : {16u << 10, 64u << 10, 1u << 20}) append_large(bytes);
  for (const size_t drain : {1u, 16u, 256u}) append_small(drain);
  for (const size_t bytes : {100u, 1010u}) walk(bytes);
  look_up();
  for (const size_t bytes : {16u << 10, 1u << 20}) recover(bytes);
  std::filesystem::remove_all(scratch);
}
