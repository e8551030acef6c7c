#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "log/batch.h"
#include "log/log_threads.h"
#include "support/log_driver.h"

using namespace odradek;
using namespace odradek::test;

namespace {

// Work that can be made to wait, as for a slow disk.
class Piece final : public Served {
 public:
  bool serve(Workspace&) override {
    started.set_value();
    until.wait();
    return false;
  }
  uint64_t backlog_bytes() const override { return 10; }
  std::promise<void> started;
  std::shared_future<void> until;
};

std::shared_future<void> at_once() {
  std::promise<void> now;
  now.set_value();
  return now.get_future().share();
}

// A real directory: here threads meet the kernel.
struct Scratch {
  std::string path = (std::filesystem::temp_directory_path() / ("odradek-threads-" + std::to_string(::getpid()))).string();
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a log behind one that is stuck in a slow write is served by another thread") {
  LogThreads threads({2, "test"});
  std::promise<void> disk;
  auto slow = std::make_shared<Piece>();
  slow->until = disk.get_future().share();
  auto quick = std::make_shared<Piece>();
  quick->until = at_once();
  threads.schedule(slow);
  threads.kick();
  slow->started.get_future().wait();
  threads.schedule(quick);
  threads.kick();
  CHECK(quick->started.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  disk.set_value();
  threads.close();
}

TEST_CASE("a thread that expects work takes a log or a job, whichever comes, and sleeps when none does") {
  LogThreads threads({1, "test"});
  threads.expect();
  auto log = std::make_shared<Piece>();
  log->until = at_once();
  threads.schedule(log);
  threads.kick();
  log->started.get_future().wait();
  threads.expect();
  std::promise<void> done;
  threads.submit([&] { done.set_value(); });
  done.get_future().wait();
  threads.expect();
  threads.close();
}

TEST_CASE("expectation loses no wake-up: whatever is scheduled while a thread waits, or just ceases to, is served") {
  LogThreads threads({2, "test"});
  std::atomic<bool> over{false};
  std::thread expecting([&] {
    while (!over) {
      threads.expect();
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 5'000; ++i) {
    auto log = std::make_shared<Piece>();
    log->until = at_once();
    threads.schedule(log);
    threads.kick();
    log->started.get_future().wait();
    if (i % 3 == 0) {
      std::promise<void> done;
      threads.submit([&] { done.set_value(); });
      done.get_future().wait();
    }
  }
  over = true;
  expecting.join();
  threads.close();
}

TEST_CASE("jobs leave a thread for the logs, and all of them run") {
  LogThreads threads({3, "test"});
  std::promise<void> disk;
  const std::shared_future<void> until = disk.get_future().share();
  std::atomic<int> running{0};
  std::atomic<int> done{0};
  for (int i = 0; i < 10; ++i) {
    threads.submit([&, until] {
      ++running;
      until.wait();
      ++done;
    });
  }
  auto log = std::make_shared<Piece>();
  log->until = at_once();
  threads.schedule(log);
  threads.kick();
  CHECK(log->started.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(running <= 2);
  disk.set_value();
  threads.close();
  CHECK(done == 10);
}

TEST_CASE("closing serves what was queued, and a job submitted afterwards is dropped, not run") {
  std::atomic<int> done{0};
  LogThreads threads({2, "test"});
  for (int i = 0; i < 100; ++i) threads.submit([&] { ++done; });
  threads.close();
  CHECK(done == 100);
  auto witness = std::make_shared<int>(1);
  threads.submit([&, witness] { ++done; });
  CHECK(done == 100);
  CHECK(witness.use_count() == 1);
  threads.close();
}

TEST_CASE_FIXTURE(Scratch, "appends, reads, rolls and truncation from many threads, then close in the midst of it") {
  PosixFileSystem files;
  LogDriver driver(files, path + "/orders-0", 4);
  driver.request().options.segment_bytes = 20'000;
  driver.request().options.index_interval_bytes = 500;
  driver.request().options.hot_batches = 64;
  driver.open();
  Log& log = driver.log();
  std::atomic<bool> stop{false};
  std::atomic<int> read{0};

  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      uint64_t random = static_cast<uint64_t>(reader) + 1;
      while (!stop) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const int64_t end = log.end_offset();
        if (end == 0) continue;
        const int64_t from = static_cast<int64_t>((random >> 33) % static_cast<uint64_t>(end));
        Slice slice;
        if (!log.locate_hot(from, end, 5'000, true, &slice)) {
          Result<Slice> cold = driver.locate(from, end, 5'000, true);
          if (!cold.ok()) continue;  // truncated meanwhile, or closed
          slice = std::move(*cold);
        }
        if (slice.length == 0) continue;
        Bytes header(kBatchHeaderSize);
        Result<size_t> got = slice.file->read_at(slice.position, header);
        if (got.ok() && *got == header.size() && slice.first_offset <= from) ++read;
      }
    });
  }
  std::thread asker([&] {
    while (!stop) {
      static_cast<void>(driver.scan(0, 20));
      static_cast<void>(driver.segments());
      static_cast<void>(driver.find_by_timestamp(1'050));
      static_cast<void>(driver.flush_rolled());
    }
  });

  Bytes one = encode(simple_batch(2, 100));
  for (int round = 0; round < 150; ++round) {
    uint64_t last = 0;
    for (int i = 0; i < 20; ++i) last = driver.enqueue(one);
    driver.kick();
    if (round % 10 == 3) static_cast<void>(driver.truncate_to(log.end_offset() / 2));
    if (round % 10 == 7) static_cast<void>(driver.roll());
    if (round % 20 == 9) static_cast<void>(driver.delete_segments_below(log.end_offset() / 4));
    if (round % 5 == 1) CHECK(driver.recorder().wait_for(last).done.code == Code::kOk);
  }
  for (int i = 0; i < 50; ++i) driver.enqueue(one);
  Result<int64_t> closed = driver.close(true);
  CHECK(closed.ok());
  stop = true;
  for (std::thread& reader : readers) reader.join();
  asker.join();
  CHECK(read > 0);
  CHECK(driver.recorder().fates().size() == 150 * 20 + 50);
  for (const auto& fate : driver.recorder().fates()) CHECK(fate.done.code == Code::kOk);
  CHECK(check_indexes(files, path + "/orders-0", 500, true) == "");

  driver.request().clean_shutdown = true;
  driver.request().start_offset = log.start_offset();
  driver.kill();
  CHECK(driver.open().end_offset == *closed);
}

TEST_CASE_FIXTURE(Scratch, "two logs in one pool do not disturb each other, and one may go while the other works") {
  PosixFileSystem files;
  LogDriver busy(files, path + "/busy-0", 2);
  busy.open();
  OpenRequest other = busy.request();
  other.directory = path + "/brief-0";
  Recorder recorder;
  other.listener = &recorder;
  for (int round = 0; round < 20; ++round) {
    Result<Log::Opened> opened = Log::open(other);
    REQUIRE(opened.ok());
    Bytes bytes = encode(simple_batch(1));
    AppendJob job;
    job.bytes = bytes.data();
    job.length = static_cast<uint32_t>(bytes.size());
    job.cookie = static_cast<uint64_t>(round);
    opened->log->append(job);
    busy.append(simple_batch(3));
    std::promise<Result<int64_t>> closed;
    opened->log->close(false, [&](const Result<int64_t>& end) { closed.set_value(end); });
    REQUIRE(closed.get_future().get().ok());
    REQUIRE(recorder.wait_for(static_cast<uint64_t>(round)).done.base_offset == round);
  }
  CHECK(busy.log().end_offset() == 60);
}
