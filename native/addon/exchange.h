// One broker's native half: arena, reactor, log threads, and the exchange with the main isolate that joins them. Knows
// nothing of JavaScript: exchange_binding translates.
//
// The wake. Whoever has news pushes them first and then calls wake(); poll() clears the flag first and looks then. An
// append that succeeded and whose answer is sent is no news, unless the log is watched. That is Dekker's handshake: the
// main isolate sets watched[log] and then polls (a full fence lies between), a log thread pushes the completion and then
// reads watched (a full fence lies between). One of the two sees the other.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "addon/answers.h"
#include "addon/completions.h"
#include "addon/layout.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "codec/codec.h"
#include "log/log.h"
#include "log/log_threads.h"
#include "reactor/reactor.h"

namespace odradek {

struct ExchangeOptions {
  ReactorOptions reactor;
  uint32_t log_threads = 8;
  uint64_t arena_bytes = Arena::kDefaultCapacity;
};

// Threads: everything from main, except what the base classes' callbacks do.
class Exchange final : private WarmUp {
 public:
  // `wake` is called from any thread, at most once until the next poll(). It must outlive close().
  static Result<std::unique_ptr<Exchange>> start(const ExchangeOptions& options, std::function<void()> wake);
  ~Exchange() override;  // closes
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Arena& arena() { return *arena_; }
  Reactor& reactor() { return *reactor_; }
  Event* events() { return events_.data(); }
  Completion* completions() { return out_.data(); }
  double* commands() { return commands_.data(); }
  int32_t* watched() { return reinterpret_cast<int32_t*>(watched_.data()); }
  double* slice_facts() { return slice_facts_; }

  struct Polled {
    uint32_t events = 0;
    uint32_t completions = 0;
  };
  // Events are taken before completions: so the completion of an append whose answer a client has seen is always here
  // when the client's next request is. TypeScript handles completions first.
  Polled poll();

  // False: the commands contradict their layout; what came before was executed.
  bool flush(size_t words);

  // -- logs, by index. Calls on an index that is not open answer with kClosed.
  uint32_t open_log(double cookie, const OpenRequest& request);
  Log* log(uint32_t index);
  void configure_log(uint32_t log, const LogOptions& options, int64_t timestamp_before_max_ms, int64_t timestamp_after_max_ms);
  bool locate_hot(uint32_t log, int64_t from, int64_t below, uint32_t max_bytes, FirstBatch first, int32_t* slice);
  void locate(double cookie, uint32_t log, int64_t from, int64_t below, uint32_t max_bytes, FirstBatch first);
  bool slice_exists(uint32_t slice);
  uint32_t slice_length(uint32_t slice);
  void release_slice(uint32_t slice);
  // Copies the slice to `target`, which must stay until the job's completion was polled.
  void read_slice(double cookie, uint32_t slice, uint8_t* target, size_t length);
  void find_by_timestamp(double cookie, uint32_t log, int64_t timestamp, int64_t from);
  void max_timestamp(double cookie, uint32_t log);
  // As many segments as there is room for, oldest first.
  void segments(double cookie, uint32_t log, double* target, size_t room);
  void scan(double cookie, uint32_t log, int64_t from, double* target, size_t batches);
  void begin_epoch(double cookie, uint32_t log, int64_t epoch);
  void truncate(double cookie, uint32_t log, int64_t offset);
  void truncate_fully(double cookie, uint32_t log, int64_t offset);
  void roll(double cookie, uint32_t log);
  void flush_log(double cookie, uint32_t log);
  void flush_rolled(double cookie, uint32_t log);
  void set_start_offset(double cookie, uint32_t log, int64_t offset);
  void delete_segments_below(double cookie, uint32_t log, int64_t offset);
  void purge_deleted(double cookie, uint32_t log, int64_t before_ms);
  void close_log(double cookie, uint32_t log, bool flush);
  void abandon_log(double cookie, uint32_t log);
  // After the completion of close_log or abandon_log, or of an open_log that failed, was polled: frees the log; its index
  // may be used again. Nothing happens earlier.
  void forget_log(uint32_t log);
  // Checks one batch on a log thread, ahead of its append: see inspect_batch(). All memory must stay until the completion was
  // polled.
  void inspect(double cookie, uint32_t log, std::span<uint8_t> batch, uint32_t flags, std::span<double> errors);
  // Inflates on a log thread, and tells the length of it all; `plain` gets as much as there is room for. Both must stay until
  // the completion was polled.
  void inflate(double cookie, Codec codec, std::span<const uint8_t> packed, std::span<uint8_t> plain);

  // -- answers that failed: main owns one from its completion until it closes it again.
  Answer* failed_answer(uint32_t index);
  void failed_answer_read(uint32_t index);  // it says nothing twice

  // -- what is committed (commit_gate.h). -1 where the log is not open.
  int64_t commit_alone(uint32_t log, bool alone);
  void take_back(uint32_t log, int32_t refusal);
  size_t expire_parked(int32_t refusal);  // how many logs still have some


  FileSystem& files() { return files_; }
  Clock& clock() { return clock_; }
  LogThreads& threads() { return *threads_; }

  // Stops sockets, settles and closes logs that are still open (without flushing), ends threads. Safe twice.
  void close();

 private:
  struct Entry;
  class Outlet;
  explicit Exchange(std::function<void()> wake);

  void warm(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length, uint64_t ticket) override;
  void wake();
  void news_of_reactor();
  void job_done(double cookie, Code code, double first = 0, double second = 0, double third = 0, double fourth = 0);
  uint32_t keep_slice(Slice slice);
  size_t respond(AnswerBatch& batch, const double* words, size_t left);
  size_t answer(const double* words, size_t left, AnswerOutlet& outlet);
  bool begin(const double* words);
  bool append_row(const double* words);
  void advance(const double* words, AnswerOutlet& outlet);
  bool is_append(const double* operands) const;
  // REQUIRES: is_append(operands)
  void append(const double* operands, int64_t answer, uint32_t row);
  // A range that begins in a leased block and stays in the arena.
  bool is_range(double offset, double length) const;
  void refuse_append(uint64_t cookie, uint32_t log);
  void completed(Entry& entry, std::span<const AppendDone> done);
  template <typename Release>
  void let_go(Release release);

  const std::function<void()> wake_;
  std::atomic<bool> awake_{false};
  std::atomic<bool> appended_lately_{false};  // by the main isolate's last commands
  std::atomic<bool> closing_{false};
  bool closed_ = false;

  PosixFileSystem files_;
  SystemClock clock_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<LogThreads> threads_;
  std::unique_ptr<Reactor> reactor_;

  std::vector<Event> events_;
  std::vector<Completion> out_;
  std::vector<double> commands_;
  std::vector<std::atomic<int32_t>> watched_;
  double slice_facts_[4] = {};
  Completions completions_;
  Answers answers_;

  SpinLock parked_logs_lock_;
  std::vector<uint32_t> parked_logs_;  // under parked_logs_lock_: where something waits to be committed, or did

  std::vector<std::unique_ptr<Entry>> entries_;  // main only; log threads hold their own Entry
  std::vector<uint32_t> free_entries_;
  SpinLock slices_lock_;
  std::vector<Slice> slices_;           // under slices_lock_
  std::vector<uint32_t> free_slices_;   // under slices_lock_
  std::vector<Piece> pieces_;           // main's scratch
  std::vector<ParkedAppend> released_;  // the same
  std::vector<Completion> failed_;      // the same
};

}  // namespace odradek
