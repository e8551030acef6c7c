// The threads that serve logs: a few, for any number of logs. One log is served by one thread at a time, in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "log/inflaters.h"
#include "log/long_looks.h"

namespace odradek {

struct Workspace;

// Something that has work now and then. At most one thread is inside serve() at a time.
class Served {
 public:
  virtual ~Served() = default;
  // Does a bounded piece of its work, with the thread's scratch memory. True: there is more, serve again after others
  // had their turn. False: schedule() it anew when there is.
  virtual bool serve(Workspace& scratch) = 0;
  // About how many bytes wait; decides whether a second thread is worth waking. Any thread.
  virtual uint64_t backlog_bytes() const = 0;
};

// Threads: all methods from any thread, but close() not from one of its own threads.
//
// Waking a sleeping thread costs 3 to 6 us on both sides, so producers of work enqueue first and kick() once: one thread
// wakes, and it wakes the next only when what is left is worth it. A thread that is stuck in a slow write is noticed
// within about a millisecond by a watching one, which takes over what waits.
class LogThreads {
 public:
  struct Options {
    uint32_t threads = 8;             // num.io.threads
    const char* name = "odradek-log";  // at most 12 characters
    uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
    bool may_linger = std::thread::hardware_concurrency() > 1;  // alone on its core, one that waits awake is in the way
  };

  explicit LogThreads(Options options);
  ~LogThreads();  // closes
  LogThreads(const LogThreads&) = delete;
  LogThreads& operator=(const LogThreads&) = delete;

  // Queues `served`; the caller guarantees that it is queued or being served at most once (Log has a flag for it).
  // Wakes nobody: call kick() when done with this round of queueing.
  void schedule(std::shared_ptr<Served> served);

  // Sees to it that a thread comes to what was scheduled. Cheap (no lock) when nothing waits or a thread is on its way.
  void kick();

  // Something will probably be scheduled in some ten microseconds. A sleeping thread gets up and waits for it, so that
  // its waking (tens of microseconds where an idle core sleeps deeply) runs beside whatever prepares the work. Nothing
  // happens when a thread is up already.
  void expect();

  // What the logs inflate with. give_back() is give(), and serves who waited.
  Inflaters& inflaters() { return inflaters_; }
  void give_back(std::unique_ptr<Inflater> inflater, Inflaters::Claim claim);

  // Runs `job` on some thread, beside the logs: cold reads, warm-ups, flushes of rolled segments, opening. Jobs start
  // in order but run in parallel, and leave one thread free for logs when there are two or more. Wakes a thread itself.
  void submit(std::function<void()> job);

  // Runs a job that looks into compressed batches and may spend so much on it (look_budget.h). Where it says that this is
  // not enough (false), it is run once more, from its beginning and without bounds, where nobody waits for its thread.
  void submit_look(std::function<bool(uint64_t* budget)> look);

  // Serves everything that is queued, jobs included, then joins. schedule() and submit() afterwards run nothing:
  // submitted jobs are destroyed unrun. So close logs first.
  void close();

 private:
  struct Worker;
  using Lock = std::unique_lock<std::mutex>;
  void run(Worker& self);
  bool serve_next(Worker& self, Lock& lock);
  bool run_next_job(Lock& lock);
  void sleep(Worker& self, Lock& lock);
  void linger(Lock& lock);
  bool watch(Worker& self, Lock& lock);
  // REQUIRES: mutex_ held.
  void wake_one();
  void begin_turn();
  void end_turn();
  bool job_may_start() const;
  bool worth_another_thread() const;

  const Options options_;
  Inflaters inflaters_;
  LongLooks long_looks_;
  std::mutex mutex_;
  // Under mutex_.
  std::deque<std::shared_ptr<Served>> ready_;
  std::deque<std::function<void()>> jobs_;
  std::vector<Worker*> idle_;  // the one that slept last is woken first: its caches are warm
  uint32_t jobs_running_ = 0;
  uint32_t busy_ = 0;      // threads inside a turn (serving, or running a job)
  uint64_t turns_ = 0;     // begun
  bool watching_ = false;  // one idle thread looks every millisecond whether the others are stuck
  bool closing_ = false;
  // Written under mutex_, read without.
  std::atomic<uint32_t> waiting_{0};  // ready_.size()
  std::atomic<uint32_t> jobs_waiting_{0};  // jobs_.size()
  std::atomic<uint32_t> coming_{0};   // threads that are awake and will look at the queue: woken, or between two turns
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace odradek
