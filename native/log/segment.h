// One segment: a file of record batches, and the sparse indexes beside it. Named by the first offset it may hold.
//
// Threads: everything under "log thread" belongs to whoever serves the log. The rest may be called from any thread, and
// sees exactly the bytes that were published.
//
// Invariants, between calls:
//   (1) size() == the file's length == the end of the last whole batch, unless a failed write could not be cut back;
//       then the log is broken and never writes again
//   (2) index entries rise in offset and position (offset index) or timestamp (time index), and none lies past size()
//   (3) what was published stays as it is until truncate()
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/spin_lock.h"
#include "log/batch_check.h"
#include "log/log_options.h"
#include "log/offset_index.h"
#include "log/time_index.h"

namespace odradek {

// "00000000000000000042" and the like.
std::string segment_name(int64_t base_offset);
// "00000000000000000042.log" is 42 and ".log". False: no name of a segment's file. `*suffix` points into `name`.
bool parse_segment_name(std::string_view name, int64_t* base_offset, std::string_view* suffix);

class Segment {
 public:
  // What it takes to find the files.
  struct Place {
    FileSystem* files;
    std::string directory;
  };

  Segment(const Place& place, int64_t base_offset, uint32_t index_max_bytes, int64_t jitter_ms);

  // --- Coming into being (log thread) ------------------------------------------------------------------------------

  // New, empty files; space for the first index entries is really there.
  Status create(int64_t now_ms);
  // Existing files, nothing read yet but the size. The indexes are opened when first needed.
  void adopt(uint64_t size, int64_t modified_ms);
  // Opens everything for appending. REQUIRES: adopt() or recovery before.
  Status open_for_append(int64_t now_ms);
  // Forgets the indexes and opens them empty, keeping their space; for recovery and after losing one.
  Status reset_indexes();

  // --- Any thread --------------------------------------------------------------------------------------------------

  int64_t base_offset() const { return base_offset_; }
  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  std::string path(const char* suffix) const;
  // The .log. A segment that is not appended to is opened anew when nobody holds it: descriptors do not grow with segments.
  Result<std::shared_ptr<File>> file();
  // Opens the index when it is cold; one that cannot be this segment's counts as empty: slower, never wrong. The pointers
  // live as long as the segment.
  Result<const OffsetIndex*> offset_index();
  Result<const TimeIndex*> time_index();
  // The largest timestamp and the last offset of its batch. Opens the time index of a cold segment.
  Result<TimestampOffset> largest();
  // Of the first batch: what segment.ms counts from. -1: no batch, or none with a timestamp.
  Result<int64_t> first_timestamp();
  int64_t modified_ms() const { return modified_ms_.load(std::memory_order_relaxed); }

  // --- Appending (log thread) --------------------------------------------------------------------------------------

  struct Incoming {
    uint64_t already = 0;    // bytes decided on for this segment, not yet written
    int64_t already_first_timestamp = -1;  // of the first batch among them
    uint32_t bytes = 0;
    int64_t last_offset = 0;
    int64_t max_timestamp = -1;
    int64_t now_ms = 0;
  };
  // LogSegment.shouldRoll of Kafka.
  bool should_roll(const Incoming& incoming, const LogOptions& options);

  // Writes at the end. On failure the file is cut back; `*cut` is what that came to. Publishes nothing yet.
  Status write(std::span<const iovec> pieces, Status* cut);
  // Counts a batch that write() has put at `position`: largest timestamp, index entries when due.
  void note_batch(const CheckedBatch& batch, uint64_t position, uint32_t index_interval_bytes);
  // Makes `size` bytes visible to readers.
  void publish(uint64_t size, int64_t now_ms);

  // --- Ending, shrinking, keeping (log thread) ---------------------------------------------------------------------

  // Writes the last time index entry and trims the indexes. Afterwards it may still be appended to.
  Status seal();
  // Durable: the records; with `whole` the indexes too, for a segment that will not be scanned again after a crash. Any
  // thread for one that is not appended to.
  Status sync(bool whole);
  bool synced_whole() const { return synced_whole_.load(std::memory_order_acquire); }
  // Keeps the file open no longer than readers do. REQUIRES: not the active segment.
  void release_file();
  // Cuts to `position`, where the first batch with an offset at or above `offset` begins.
  Status truncate(uint64_t position, int64_t offset, int64_t now_ms);
  // Renames all files to <name>.deleted. Open ones stay readable. Producer snapshots belong to whoever writes them.
  Status rename_deleted();

  // For recovery: starts counting as if empty, then takes in scanned batches by note_batch() and publish().
  void forget_counts();
  int64_t jitter_ms() const { return jitter_ms_; }

 private:
  Status open_offset_index_locked();
  Status open_time_index_locked();
  Status reload_largest();

  const Place place_;
  const int64_t base_offset_;
  const uint32_t index_max_bytes_;
  const int64_t jitter_ms_;

  std::atomic<uint64_t> size_{0};
  std::atomic<int64_t> modified_ms_{0};

  std::mutex opening_;  // of cold files; never taken by the append path
  // Under opening_. The log thread, which alone sets and clears it, uses file_ without.
  std::shared_ptr<File> file_;       // while it is appended to, and until it was flushed
  std::weak_ptr<File> cold_file_;    // otherwise
  // Under opening_ until opened_*; then constant until destruction.
  std::unique_ptr<OffsetIndex> offset_index_;
  std::unique_ptr<TimeIndex> time_index_;
  std::atomic<OffsetIndex*> opened_offset_index_{nullptr};
  std::atomic<TimeIndex*> opened_time_index_{nullptr};

  mutable SpinLock facts_;
  // Under facts_ (written by the log thread, which reads them without).
  TimestampOffset largest_;
  bool largest_known_ = false;
  int64_t first_timestamp_ = -1;
  bool first_timestamp_known_ = false;

  // Log thread.
  uint64_t bytes_since_index_entry_ = 0;
  int64_t created_ms_ = 0;
  std::atomic<bool> synced_whole_{false};
};

}  // namespace odradek
