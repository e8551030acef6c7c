// A log and what drives it in tests: appends and waits, keeps what the listener heard, reads back what is on disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "support/batches.h"

namespace odradek::test {

// A clock that stands still until told otherwise.
class ManualClock final : public Clock {
 public:
  int64_t wall_ms() override { return wall_ms_.load(); }
  uint64_t monotonic_ns() override { return static_cast<uint64_t>(wall_ms_.load()) * 1'000'000; }
  void set(int64_t wall_ms) { wall_ms_.store(wall_ms); }

 private:
  std::atomic<int64_t> wall_ms_{1'000'000};
};

// Keeps everything; answers can be waited for.
class Recorder final : public LogListener {
 public:
  void completed(Log& log, std::span<const AppendDone> done) override;
  void rolled(Log& log, int64_t base_offset) override;
  void flushed(Log& log, int64_t offset) override;
  void broken(Log& log, const Status& why) override;

  // Waits until the job with this cookie is done. A failure's record errors and status are kept beside it.
  struct Fate {
    AppendDone done;
    AppendFailure failure;
  };
  Fate wait_for(uint64_t cookie);
  // All so far, in order of completion; how many jobs each round had.
  std::vector<Fate> fates() const;
  std::vector<size_t> rounds() const;
  std::vector<int64_t> rolls() const;
  std::vector<int64_t> flushes() const;
  std::optional<Status> broken_by() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Fate> fates_;
  std::vector<size_t> rounds_;
  std::vector<int64_t> rolls_;
  std::vector<int64_t> flushes_;
  std::optional<Status> broken_;
};

// One batch as it lies in the log.
struct StoredBatch {
  int64_t base_offset;
  int64_t last_offset;
  int64_t max_timestamp;
  uint64_t position;
  int64_t segment;
  Bytes bytes;
};

class LogDriver {
 public:
  LogDriver(FileSystem& files, std::string directory, uint32_t threads = 1);
  ~LogDriver();

  // Opens with `request_`'s options; INVARIANTs success unless `try_open` is used.
  OpenReport open();
  Result<OpenReport> try_open();
  // Forgets the log as a killed process would.
  void kill();
  Result<int64_t> close(bool flush = true);

  // Appends and waits.
  Recorder::Fate append(const TestBatch& batch, uint32_t flags = 0);
  Recorder::Fate append_bytes(Bytes bytes, uint32_t flags = 0, uint32_t generation = 0);
  // Appends without waiting or kicking; the bytes are kept alive here. Gives the cookie.
  uint64_t enqueue(Bytes bytes, uint32_t flags = 0, uint32_t generation = 0);
  void kick() { threads_.kick(); }
  // Keeps the one log thread busy until release(), so that what is enqueued meanwhile is one round.
  void hold();
  void release();

  Result<int64_t> begin_epoch(int32_t epoch);
  Status truncate_to(int64_t offset);
  Status start_anew_at(int64_t offset);
  Result<int64_t> roll();
  Result<int64_t> flush();
  Result<int64_t> flush_rolled();
  Result<int64_t> delete_segments_below(int64_t offset);
  Status set_start_offset(int64_t offset);
  Status purge_deleted(int64_t before_ms);
  Result<Slice> locate(int64_t from, int64_t max = INT64_MAX, uint32_t max_bytes = 1 << 20, bool at_least_one = true);
  Result<TimestampAnswer> find_by_timestamp(int64_t timestamp, int64_t from = 0);
  Result<TimestampAnswer> max_timestamp();
  Result<ScanAnswer> scan(int64_t from, uint32_t max_batches = 1000);
  Result<std::vector<SegmentFacts>> segments();
  Result<LogOutline> outline();

  // Every batch from `from` to the end, through locate(), each checked by its CRC.
  std::vector<StoredBatch> read_all(int64_t from = -1);

  Log& log() { return *log_; }
  LogThreads& threads() { return threads_; }
  Recorder& recorder() { return *recorder_; }
  ManualClock& clock() { return clock_; }
  OpenRequest& request() { return request_; }
  int32_t leader_epoch = 7;

 private:
  template <typename Answer, typename Ask>
  Answer wait(Ask ask);

  FileSystem& files_;
  ManualClock clock_;
  LogThreads threads_;
  std::unique_ptr<Recorder> recorder_ = std::make_unique<Recorder>();
  OpenRequest request_;
  std::shared_ptr<Log> log_;
  std::promise<void> released_;
  std::deque<Bytes> memory_;  // of jobs; they keep their place
  uint64_t next_cookie_ = 1;
};

// Checks the indexes of a closed or recovered log against its segments, and their form against Kafka's rules. Returns
// what is wrong, empty when nothing is. `directory` holds whole segments; files are read uncounted by `contents`.
std::string check_indexes(FileSystem& files, const std::string& directory, uint32_t index_interval_bytes, bool trimmed);

}  // namespace odradek::test
