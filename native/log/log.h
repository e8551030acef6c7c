// One partition's log: a directory of segments, each a file of record batches with its two sparse indexes, in Kafka's
// names and bytes. The layer's whole face: the addon includes this, append_job.h and log_threads.h.
//
// Order. append() and every method that takes a callback and is marked [in order] go through one queue and are carried
// out one after the other, on a log thread. Methods marked [beside] run on a log thread too, but beside the queue, so
// that a cold read never stands before an append. Those without a mark answer at once, from any thread, without waiting
// for a system call anywhere.
//
// Callbacks and the listener are called on log threads, must not throw, and must not wait for the log. Small captures
// (two pointers) keep std::function free of allocation.
//
// Offsets. Offsets are those of records; `end` is the offset after the last. A record is visible (end_offset(), locate)
// once it is written, and with flush_messages once it is on disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "log/append_job.h"
#include "log/log_options.h"
#include "log/log_threads.h"
#include "log/slice.h"

namespace odradek {

class Log;

// Hears what happens in a log, on log threads. One listener may serve many logs.
// Lifetime: must outlive close() of every log it serves.
class LogListener {
 public:
  virtual ~LogListener() = default;
  // The fates of the jobs of one round, in the order they were appended. Called after the end offset was published and
  // after the flush, where flush_messages asked for one. Job memory belongs to the caller again.
  virtual void completed(Log& log, std::span<const AppendDone> done) = 0;
  // A new active segment begins at `base_offset`; called before the completions of what was written into it.
  virtual void rolled(Log& /*log*/, int64_t /*base_offset*/) {}
  // Everything below `offset` is on disk: the new recovery point.
  virtual void flushed(Log& /*log*/, int64_t /*offset*/) {}
  // A write could not be undone, or a flush failed: nobody can say what is on disk. Every later append returns this
  // status. Take the directory offline. Called once. A full disk is not such a failure.
  virtual void broken(Log& /*log*/, const Status& /*why*/) {}
};

struct OpenRequest {
  FileSystem* files = nullptr;     // outlives the log
  LogThreads* threads = nullptr;   // outlives the log
  LogListener* listener = nullptr;
  Clock* clock = nullptr;
  std::string directory;           // exists, or its parent does: then it is made
  LogOptions options;
  int64_t recovery_point = 0;      // of recovery-point-offset-checkpoint
  int64_t start_offset = 0;        // of log-start-offset-checkpoint; 0 when not listed
  bool clean_shutdown = false;     // .kafka_cleanshutdown was there
  std::atomic<uint64_t>* progress = nullptr;  // bytes rescanned so far, added to while opening
};

struct OpenReport {
  int64_t start_offset = 0;
  int64_t end_offset = 0;
  int64_t recovery_point = 0;       // raised to end_offset's segment only by a flush, lowered to end_offset if beyond it
  uint32_t segments = 0;
  uint32_t segments_recovered = 0;  // rescanned
  uint32_t segments_dropped = 0;    // after the first bad batch; renamed to .deleted
  uint64_t bytes_scanned = 0;
  uint64_t bytes_truncated = 0;     // cut off the segment with the first bad batch
};

// What ListOffsets by time found.
struct TimestampAnswer {
  enum class Kind {
    kNone,    // no such record
    kRecord,  // offset and timestamp are the answer
  };
  Kind kind = Kind::kNone;
  int64_t offset = -1;
  int64_t timestamp = -1;
  int32_t leader_epoch = -1;
};

// One batch's header, for rebuilding producer state and the epoch cache.
struct BatchFacts {
  int64_t base_offset;
  int64_t last_offset;
  int64_t max_timestamp;
  int64_t producer_id;       // -1 none
  int32_t leader_epoch;
  int32_t base_sequence;     // -1 none
  int32_t record_count;
  int16_t producer_epoch;
  int16_t attributes;        // bits of the v2 header: 3 timestamp type, 4 transactional, 5 control
  int16_t control_type;      // of control batches: 0 abort, 1 commit, ...; otherwise -1
  int32_t coordinator_epoch; // of transaction markers; otherwise -1
  uint32_t size;             // bytes of the batch
};

struct ScanAnswer {
  std::vector<BatchFacts> batches;
  int64_t next_offset = -1;  // continue here; == end: nothing more at the time of asking
};

struct SegmentFacts {
  int64_t base_offset;
  int64_t end_offset;         // base of the next segment; end of the log for the active one
  uint64_t size;              // of the .log
  int64_t largest_timestamp;  // -1: no record with one; then retention goes by modified_ms
  int64_t first_timestamp;    // of the first batch (what segment.ms counts from); -1 unknown or none
  int64_t modified_ms;
};

struct SegmentOutline {
  int64_t base_offset;
  uint64_t size;
  int64_t modified_ms;
};

struct LogOutline {
  std::vector<SegmentOutline> segments;  // oldest first
  int64_t end_offset;
};

class Log final : public Served, public std::enable_shared_from_this<Log> {
 public:
  using StatusDone = std::function<void(const Status&)>;
  using OffsetDone = std::function<void(const Result<int64_t>&)>;
  using SliceDone = std::function<void(Result<Slice>)>;
  using TimestampDone = std::function<void(Result<TimestampAnswer>)>;
  using ScanDone = std::function<void(Result<ScanAnswer>)>;
  using SegmentsDone = std::function<void(Result<std::vector<SegmentFacts>>)>;

  struct Opened {
    std::shared_ptr<Log> log;
    OpenReport report;
  };

  // Blocks on the disk: call it on a log thread (LogThreads::submit), several logs at once if you like.
  // After a clean shutdown nothing is read but the names, sizes and last index entries. Otherwise every segment from
  // the one holding the recovery point is rescanned: CRC of each batch, indexes rebuilt, cut at the first bad batch,
  // later segments dropped. A missing or impossible index is rebuilt in either case. Leftover .deleted and .cleaned files
  // are removed. Needs no free space unless indexes must be rebuilt.
  static Result<Opened> open(const OpenRequest& request);

  // REQUIRES: closed, or that nobody appends any more. Without close() nothing is trimmed or flushed: a crash.
  ~Log() override;

  const std::string& directory() const { return directory_; }

  // --- Appending ---------------------------------------------------------------------------------------------------

  // [in order] Queues a job; its fate comes to LogListener::completed. Wakes nobody: call LogThreads::kick() after the
  // last append of a drain. After close() the job completes with kClosed at once, on the calling thread.
  void append(const AppendJob& job);

  // --- Facts, at once, any thread ----------------------------------------------------------------------------------

  int64_t end_offset() const { return end_offset_.load(std::memory_order_acquire); }
  int64_t start_offset() const { return start_offset_.load(std::memory_order_acquire); }
  int64_t recovery_point() const { return recovery_point_.load(std::memory_order_acquire); }
  uint32_t generation() const { return generation_.load(std::memory_order_acquire); }
  uint64_t size() const { return size_.load(std::memory_order_acquire); }  // of all .log files
  uint32_t segment_count() const { return segment_count_.load(std::memory_order_acquire); }
  int64_t active_segment_base() const { return active_base_.load(std::memory_order_acquire); }
  uint64_t active_segment_size() const { return active_size_.load(std::memory_order_acquire); }
  bool broken() const { return is_broken_.load(std::memory_order_acquire); }

  // --- Reading -----------------------------------------------------------------------------------------------------

  // Finds what a fetch at `from_offset` may send, from memory alone. The slice starts at the batch that holds
  // from_offset (or, in a gap, the next one), stays within one segment, holds no batch that starts at or past
  // `max_offset` (exclusive: high watermark or last stable offset), and is cut at max_bytes, maybe inside a batch;
  // with `at_least_one_batch` the first one is whole however large. from_offset == the smaller of max_offset and end:
  // true, with length 0. False: not among the newest batches; call locate().
  bool locate_hot(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch, Slice* out) const;

  // [beside] The same from anywhere in the log: one index look-up and a bounded read. kOffsetOutOfRange below the start
  // or past the end.
  void locate(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch, SliceDone done);

  // [beside] The first record at or past from_offset with timestamp >= `timestamp`. kUnreadable: it would lie in a
  // compressed batch that does not inflate.
  void find_by_timestamp(int64_t timestamp, int64_t from_offset, TimestampDone done);

  // [beside] The record with the largest timestamp (the first of equals in its batch).
  void max_timestamp(TimestampDone done);

  // [beside] Headers from the batch that holds from_offset on, at most max_batches.
  void scan(int64_t from_offset, uint32_t max_batches, ScanDone done);

  // [beside] All segments, oldest first. Reads last index entries of cold segments.
  void segments(SegmentsDone done);

  // [beside] The same without a look into any file.
  void outline(std::function<void(Result<LogOutline>)> done);

  // --- Changing, [in order] ----------------------------------------------------------------------------------------

  // The log's leader epoch is `epoch` from here on: appends of a lower one queued behind it fail with kFencedEpoch, whoever
  // decided them. Answers the end offset at this place: where the epoch began; the same again answers the same. A lower
  // epoch than the log's is refused with kFencedEpoch. Not kept on disk: after opening, the log has none.
  void begin_epoch(int32_t epoch, OffsetDone done);

  // Removes every batch that holds an offset >= `offset`. No-op at or past the end. Below the start, the start goes down
  // with it. Slices handed out for offsets that
  // vanish may show other bytes: only ever truncate what no consumer may see (above the high watermark).
  void truncate_to(int64_t offset, StatusDone done);

  // Drops everything; the next append gets `offset`. start_offset becomes `offset` too.
  void truncate_fully_and_start_at(int64_t offset, StatusDone done);

  // Closes the active segment and begins one at the end offset; answers its base. An empty active segment stays.
  void roll(OffsetDone done);

  // Makes everything appended before it durable; answers the recovery point. Appends queued behind wait.
  void flush(OffsetDone done);

  // Flushes every segment but the active one, beside the queue; answers the recovery point (the active segment's base
  // or more). For the background flush after `rolled`.
  void flush_rolled(OffsetDone done);

  // Reads below are refused from now on. Never lowers. kOffsetOutOfRange past the end.
  void set_start_offset(int64_t offset, StatusDone done);

  // Retention: renames segments that lie wholly below `offset` to .deleted and forgets them; never the active one (roll
  // first). Raises start_offset to the first kept segment if it was below. Answers how many were deleted.
  void delete_segments_below(int64_t offset, OffsetDone done);

  // Unlinks files renamed to .deleted that were renamed at or before `before_ms` (Clock::wall_ms). Call it
  // file.delete.delay.ms after.
  void purge_deleted(int64_t before_ms, StatusDone done);

  void update_options(const LogOptions& options);

  // Completes what is queued, flushes if asked (then a clean-shutdown marker may be written), writes the last time index
  // entry, trims the indexes to their entries, closes. `done` gets the recovery point; it is called after the last callback
  // of this log, readers' included. From the call on appends complete with kClosed and everything else answers kClosed, a
  // second close() too.
  void close(bool flush, OffsetDone done);

  // The directory is to go: closes without flushing or trimming. The files are the caller's to remove.
  void abandon(StatusDone done);

 private:
  struct Core;
  friend struct Core;
  explicit Log(const OpenRequest& request);

  bool serve(Workspace& scratch) override;
  uint64_t backlog_bytes() const override;

  const std::string directory_;
  // Published by the log thread, with release after what they speak of is readable.
  std::atomic<int64_t> end_offset_{0};
  std::atomic<int64_t> start_offset_{0};
  std::atomic<int64_t> recovery_point_{0};
  std::atomic<uint32_t> generation_{1};
  std::atomic<uint64_t> size_{0};
  std::atomic<uint32_t> segment_count_{0};
  std::atomic<int64_t> active_base_{0};
  std::atomic<uint64_t> active_size_{0};
  std::atomic<bool> is_broken_{false};
  std::unique_ptr<Core> core_;
};

}  // namespace odradek
