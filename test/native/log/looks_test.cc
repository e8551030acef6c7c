#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>

#include "support/log_driver.h"
#include "support/look.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);

// Which logs ended appends, in order.
class Order final : public LogListener {
 public:
  void completed(Log& log, std::span<const AppendDone> done) override {
    const std::lock_guard lock(mutex_);
    for (const AppendDone& each : done) ended_.emplace_back(log.directory(), each.code);
    changed_.notify_all();
  }

  std::vector<std::pair<std::string, Code>> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.size() >= count; });
    return ended_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::string, Code>> ended_;
};

// Logs on a few threads, whose appends begin at the same moment.
struct Logs {
  explicit Logs(uint32_t count) : threads({.threads = count, .name = "test-log", .cores = count}) {}
  ~Logs() { threads.close(); }

  Log& open(const std::string& name) {
    OpenRequest request;
    request.files = &files;
    request.threads = &threads;
    request.listener = &order;
    request.clock = &clock;
    request.directory = name;
    request.options.max_message_bytes = 100'000'000;
    auto opened = Log::open(request);
    REQUIRE(opened.ok());
    logs.push_back(opened->log);
    return *logs.back();
  }

  void append(Log& log, Bytes& bytes) {
    AppendJob job;
    job.bytes = bytes.data();
    job.length = static_cast<uint32_t>(bytes.size());
    job.leader_epoch = 1;
    log.append(job);
  }

  MemoryFileSystem files;
  ManualClock clock;
  Order order;
  LogThreads threads;
  std::vector<std::shared_ptr<Log>> logs;
};

// A few kilobytes that become many megabytes: one record of zeros.
Bytes bomb(Codec codec, size_t megabytes) {
  TestBatch batch = simple_batch(1);
  batch.records[0].value = std::string(megabytes << 20, '\0');
  return encode(batch, codec);
}

size_t place_of(const std::vector<std::pair<std::string, Code>>& ended, const std::string& name) {
  for (size_t i = 0; i < ended.size(); ++i) if (ended[i].first == name) return i;
  return SIZE_MAX;
}

}  // namespace

TEST_CASE("other logs do not wait for a batch that takes long, even where there is one thread") {
  for (const Codec codec : kCodecs) {
    Logs logs(1);
    Log& slow = logs.open("slow-0");
    Log& plain = logs.open("plain-0");
    Log& packed = logs.open("packed-0");
    Bytes much = bomb(codec, 60);
    Bytes little = encode(simple_batch(1));
    Bytes little_packed = encode(simple_batch(1), codec);
    logs.append(slow, much);
    logs.append(plain, little);
    logs.append(packed, little_packed);
    logs.threads.kick();
    const auto ended = logs.order.wait_for(3);
    for (const auto& each : ended) CHECK(each.second == Code::kOk);
    CHECK(ended.back().first == "slow-0");
  }
}

TEST_CASE("neither logs nor jobs wait for a search in a batch that takes long, even where there is one thread") {
  for (const Codec codec : kCodecs) {
    Logs logs(1);
    Log& searched = logs.open("searched-0");
    Log& other = logs.open("other-0");
    TestBatch late = simple_batch(2);
    late.records[0].value = std::string(60 << 20, '\0');
    late.records[1].timestamp = 2'000;
    Bytes much = encode(late, codec);
    Bytes little = encode(simple_batch(1));
    logs.append(searched, much);
    logs.threads.kick();
    logs.order.wait_for(1);

    // The search holds the thread that ends it, and that is not the one which all wait for.
    std::promise<void> release;
    std::promise<Result<TimestampAnswer>> found;
    searched.find_by_timestamp(2'000, 0, [&](Result<TimestampAnswer> answer) {
      release.get_future().wait();
      found.set_value(std::move(answer));
    });
    std::promise<void> read;
    other.locate(0, INT64_MAX, 1, true, [&](const Result<Slice>&) { read.set_value(); });
    CHECK(read.get_future().wait_for(kPatience) == std::future_status::ready);
    logs.append(other, little);
    logs.threads.kick();
    logs.order.wait_for(2);
    release.set_value();
    const Result<TimestampAnswer> answer = found.get_future().get();
    REQUIRE(answer.ok());
    CHECK(answer->offset == 1);
    CHECK(answer->timestamp == 2'000);
  }
}

TEST_CASE("searches that prove long end one after the other, and a close waits for them") {
  Logs logs(2);
  std::vector<Bytes> batches;
  for (size_t i = 0; i < 4; ++i) batches.push_back(bomb(kCodecs[i], 12));
  for (size_t i = 0; i < 4; ++i) logs.append(logs.open("topic-" + std::to_string(i)), batches[i]);
  logs.threads.kick();
  logs.order.wait_for(4);
  std::atomic<int> ended{0};
  for (const auto& log : logs.logs) {
    log->find_by_timestamp(1'000, 0, [&](const Result<TimestampAnswer>& answer) { ended += answer.ok() && answer->offset == 0 ? 1 : 0; });
  }
  std::vector<std::promise<int>> closed(4);
  for (size_t i = 0; i < 4; ++i) logs.logs[i]->close(false, [&, i](const Result<int64_t>&) { closed[i].set_value(ended.load()); });
  for (auto& each : closed) CHECK(each.get_future().get() > 0);
  CHECK(ended.load() == 4);
}

TEST_CASE("what comes behind a long batch in its own log keeps its order") {
  Logs logs(2);
  Log& log = logs.open("orders-0");
  Bytes much = bomb(Codec::kZstd, 40);
  Bytes damaged = much;
  damaged.back() ^= 1;
  fix_crc(&damaged);
  Bytes little = encode(simple_batch(1));
  Bytes packed = encode(simple_batch(1), Codec::kSnappy);
  for (Bytes* bytes : {&much, &little, &damaged, &packed}) logs.append(log, *bytes);
  logs.threads.kick();
  logs.order.wait_for(4);
  CHECK(log.end_offset() >= 3);
  CHECK(BatchHeader(much.data()).base_offset() == 0);
  CHECK(BatchHeader(little.data()).base_offset() == 1);
}

TEST_CASE("more long batches than may pause: each gets its turn, and short ones do not wait for all of them") {
  Logs logs(1);
  std::vector<Bytes> long_ones;
  for (int i = 0; i < 6; ++i) long_ones.push_back(bomb(kCodecs[i % 4], 30));
  for (int i = 0; i < 6; ++i) logs.append(logs.open("long-" + std::to_string(i)), long_ones[static_cast<size_t>(i)]);
  Bytes little = encode(simple_batch(1), Codec::kLz4);
  logs.append(logs.open("short-0"), little);
  logs.threads.kick();
  const auto ended = logs.order.wait_for(7);
  for (const auto& each : ended) CHECK(each.second == Code::kOk);
  CHECK(place_of(ended, "short-0") == 0);
}

TEST_CASE("many logs with long and short batches on several threads all come to an end, and close in the midst of it") {
  constexpr size_t kLogs = 24;
  for (const uint32_t threads : {1u, 3u}) {
    Logs logs(threads);
    std::vector<Bytes> batches;
    for (size_t i = 0; i < kLogs; ++i) {
      const Codec codec = kCodecs[i % 4];
      batches.push_back(i % 3 == 0 ? bomb(codec, 12) : i % 3 == 1 ? encode(simple_batch(3), codec) : encode(simple_batch(3)));
      logs.open("topic-" + std::to_string(i));
    }
    std::vector<Bytes> again = batches;
    for (size_t i = 0; i < kLogs; ++i) logs.append(*logs.logs[i], batches[i]);
    logs.threads.kick();
    for (size_t i = 0; i < kLogs; ++i) logs.append(*logs.logs[i], again[i]);
    std::vector<std::promise<void>> closed(kLogs);
    for (size_t i = 0; i < kLogs; ++i) logs.logs[i]->close(false, [&, i](const Result<int64_t>&) { closed[i].set_value(); });
    for (auto& each : closed) each.get_future().wait();
    for (const auto& each : logs.order.wait_for(2 * kLogs)) CHECK(each.second == Code::kOk);
  }
}
