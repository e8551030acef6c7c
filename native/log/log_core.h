// The inside of a Log: its queue, and what the log thread does with it. Only log*.cc include this.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "log/hot_tail.h"
#include "log/log.h"
#include "log/look.h"
#include "log/segment_list.h"
#include "log/workspace.h"

namespace odradek {

// The disk is full or descriptors ran out: trouble that passes. Any other failed write is the directory's end.
inline bool passes(const Status& trouble) {
  return trouble.code() == Code::kNoSpace || trouble.code() == Code::kTooManyFiles || trouble.code() == Code::kOutOfMemory;
}

// What a log cannot work with is bounded here, whoever asked for it: positions are int32 in Kafka's index.
inline LogOptions bounded(LogOptions options) {
  options.segment_bytes = std::min<uint32_t>(options.segment_bytes, INT32_MAX);
  return options;
}

// Carried out in order on the log thread.
using Command = std::function<void()>;

// An entry of the queue: an append, or (when `command` is set) something else.
struct Work {
  AppendJob job;
  std::unique_ptr<Command> command;
};

// Threads: fields say whose they are. "Log thread": whichever thread serves the log, one at a time, each handing over to
// the next through the pool's lock.
//
// Invariants, on the log thread between rounds:
//   (1) next_offset_ is the end of the log's bytes; end_offset_ of the face is equal, or below while a flush failed
//   (2) recovery_point_ <= next_offset_
//   (3) the list is never empty, and its last segment is open for appending, unless broken_ or closed_
struct Log::Core final : private InflaterLender {
  Core(const OpenRequest& request, Log* face);

  // --- The queue (any thread) --------------------------------------------------------------------------------------
  void append(const AppendJob& job);
  // False when the log is closed: the command was not taken.
  bool enqueue(Command command, bool last = false);
  template <typename Done, typename Body>
  void change(Done done, Body body);
  // Runs `body` on a pool thread beside the queue. Answers kClosed after close().
  template <typename Done, typename Body>
  void beside(Done done, Body body);
  // The same for what looks into batches: `body` gets a budget for that, and is run anew without bounds when it answers
  // kWouldBlock because that is spent (LogThreads::submit_look).
  template <typename Done, typename Body>
  void beside_looking(Done done, Body body);
  bool begin_beside();
  void end_beside();
  void schedule_if_idle(bool was_scheduled);

  bool serve(Workspace& scratch);
  void flush_rolled(OffsetDone done);
  void close(bool flush, OffsetDone done);
  void abandon(StatusDone done);
  void when_readers_are_done(std::function<void()> then);

  // --- Appending (log thread; log_append.cc) -----------------------------------------------------------------------
  // How many of them are over: fewer than there are when the look into a compressed batch is not.
  size_t run_round(std::span<Work> works, Workspace& scratch);
  bool append_one(const AppendJob& job, Workspace& scratch);
  Status place(const AppendJob& job, std::span<CheckedBatch> batches, Workspace& scratch);
  void stage(const AppendJob& job, uint32_t bytes, Workspace& scratch);
  Status write_pending(Workspace& scratch);
  void fail_pending(const Status& why, Workspace& scratch);
  void fail(AppendDone& done, const Status& why, Workspace& scratch);
  void settle(Workspace& scratch);
  void enter_generation(size_t failed);

  // --- Looking into compressed batches (log thread; log_looks.cc) ----------------------------------------------------
  Inflater* inflater(size_t packed) override;
  bool look_later();
  void give_inflater_back();

  // --- Changing (log thread; log_changes.cc) -----------------------------------------------------------------------
  Status roll(int64_t base_offset, int64_t now_ms);
  Status flush_all();
  void release_flushed();
  Result<int64_t> begin_epoch(int32_t epoch);
  Status truncate_to(int64_t offset);
  Status start_anew_at(int64_t offset);
  Result<int64_t> delete_segments_below(int64_t offset);
  Status drop(std::span<const std::shared_ptr<Segment>> segments);
  Status purge_deleted(int64_t before_ms);
  Status shut(bool flush);
  void break_log(const Status& why);
  std::shared_ptr<Segment> make_segment(int64_t base_offset);
  void reset_hot_tail();
  void publish_facts();
  void recount();
  void publish_end();

  // --- Fixed ---------------------------------------------------------------------------------------------------------
  Log* const face;
  FileSystem& files;
  LogThreads& threads;
  LogListener& listener;
  Clock& clock;
  const std::string directory;

  // --- Under queue_lock ----------------------------------------------------------------------------------------------
  SpinLock queue_lock;
  std::vector<Work> queue;
  bool scheduled = false;
  bool accepting = true;
  std::atomic<uint64_t> queued_bytes{0};  // written under the lock

  // --- Log thread ----------------------------------------------------------------------------------------------------
  std::vector<Work> taken;  // from the queue; those before taken_done are carried out
  size_t taken_done = 0;
  LogOptions options;
  uint64_t jitter_state;
  int64_t next_offset = 0;
  int64_t recovery_point = 0;
  uint64_t sealed_bytes = 0;  // of all segments but the active one
  uint32_t generation = 1;
  int32_t leader_epoch = -1;  // the highest that began here since it was opened
  int64_t epoch_start = 0;    // where it did
  Status broken;
  bool closed = false;
  bool touched = true;           // false: as the last clean shutdown left it
  bool directory_dirty = false;  // names were added since it was synced
  // What is decided but not written in this round. The batches and pieces are in the Workspace.
  size_t pending_done = 0;        // index of the first pending AppendDone
  uint64_t pending_bytes = 0;
  int64_t pending_from = 0;       // next_offset before them
  size_t staged_from = 0;         // start of the open run in the staging memory
  uint32_t old_generation = 1;    // when the round began
  size_t first_failed = SIZE_MAX; // the first job of the round whose failure began a generation
  Look look;
  std::unique_ptr<Inflater> lent;  // from the pool, with `claim`
  Inflaters::Claim claim = Inflaters::Claim::kNone;
  Inflaters::Claim promised = Inflaters::Claim::kNone;
  Inflaters::Claim wanted = Inflaters::Claim::kNone;  // none was free
  struct Deleted {
    std::shared_ptr<Segment> segment;
    int64_t at_ms;
  };
  std::vector<Deleted> deleted;

  // --- Shared, each safe by itself -----------------------------------------------------------------------------------
  SegmentList segments;
  HotTail hot;
  std::atomic<uint64_t> truncations{0};  // odd while one goes on; readers that saw it move look again

  // --- Under beside_lock ---------------------------------------------------------------------------------------------
  SpinLock beside_lock;
  uint32_t beside_running = 0;
  bool beside_closed = false;
  std::function<void()> when_quiet;  // close() waits for the readers
};

// Reading, pure functions over a snapshot (log_reads.cc). `end` is the end offset to respect.
struct ReadView {
  std::shared_ptr<const Segments> segments;
  int64_t start;
  int64_t end;
};
Result<Slice> locate_in(const ReadView& view, int64_t from_offset, int64_t max_offset, uint32_t max_bytes,
                        bool at_least_one_batch);
Result<TimestampAnswer> find_timestamp_in(const ReadView& view, int64_t timestamp, int64_t from_offset, uint64_t* budget);
Result<TimestampAnswer> max_timestamp_in(const ReadView& view, uint64_t* budget);
Result<ScanAnswer> scan_in(const ReadView& view, int64_t from_offset, uint32_t max_batches);
Result<std::vector<SegmentFacts>> facts_of(const ReadView& view);
Result<LogOutline> outline_of(const ReadView& view);

template <typename Done, typename Body>
void Log::Core::change(Done done, Body body) {
  const bool taken_in = enqueue([this, done, body] {
    if (closed) return done(Status(Code::kClosed));
    done(body());
  });
  if (!taken_in) done(Status(Code::kClosed));
}

template <typename Done, typename Body>
void Log::Core::beside(Done done, Body body) {
  if (!begin_beside()) return done(Status(Code::kClosed));
  threads.submit([this, keep = face->shared_from_this(), done = std::move(done), body = std::move(body)] {
    done(body());
    end_beside();
  });
}

template <typename Done, typename Body>
void Log::Core::beside_looking(Done done, Body body) {
  if (!begin_beside()) return done(Status(Code::kClosed));
  threads.submit_look([this, keep = face->shared_from_this(), done = std::move(done), body = std::move(body)](uint64_t* budget) {
    auto answer = body(budget);
    if (!answer.ok() && answer.status().code() == Code::kWouldBlock && *budget == 0) return false;
    done(std::move(answer));
    end_beside();
    return true;
  });
}

}  // namespace odradek
