#include "log/log_threads.h"

#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/relax.h"
#include "log/look_budget.h"
#include "log/workspace.h"

namespace odradek {

namespace {
constexpr auto kWatchInterval = std::chrono::milliseconds(1);
constexpr auto kLinger = std::chrono::microseconds(100);  // a request's decoding, and its main isolate's waking
constexpr int kPauses = 32;
constexpr int kWatchLinger = 50;  // quiet intervals until the watching thread sleeps for good
constexpr size_t kLookedAt = 16;  // of the waiting logs, when judging how much waits
constexpr uint64_t kWorthAThread = 256 * 1024;  // bytes waiting; about what a wake-up costs in copying
}  // namespace

struct LogThreads::Worker {
  std::condition_variable wake;
  // Under mutex_.
  bool woken = false;
  bool watch = false;    // woken to watch, not to work
  bool expects = false;  // woken for work that is on its way
  Workspace scratch;
  std::thread thread;
};

LogThreads::LogThreads(Options options)
    : options_(options), inflaters_(std::clamp(options.threads, 1u, std::max(1u, options.cores))), long_looks_(options.name) {
  const uint32_t count = std::max(1u, options_.threads);
  for (uint32_t i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>());
  coming_.store(count, std::memory_order_relaxed);
  for (uint32_t i = 0; i < count; ++i) {
    Worker& worker = *workers_[i];
    worker.thread = std::thread([this, &worker] { run(worker); });
    char name[16];
    std::snprintf(name, sizeof name, "%.12s-%u", options_.name, i % 100);
    pthread_setname_np(worker.thread.native_handle(), name);
  }
}

LogThreads::~LogThreads() { close(); }

void LogThreads::schedule(std::shared_ptr<Served> served) {
  const Lock lock(mutex_);
  ready_.push_back(std::move(served));
  waiting_.store(static_cast<uint32_t>(ready_.size()), std::memory_order_relaxed);
}

void LogThreads::kick() {
  if (waiting_.load() == 0 || coming_.load() > 0) return;
  const Lock lock(mutex_);
  if (ready_.empty() || coming_.load() > 0) return;
  if (busy_ == 0 || worth_another_thread()) {
    wake_one();
  } else if (!watching_ && !idle_.empty()) {
    watching_ = true;
    idle_.back()->watch = true;
    idle_.back()->wake.notify_one();
  }
}

void LogThreads::give_back(std::unique_ptr<Inflater> inflater, Inflaters::Claim claim) {
  std::shared_ptr<Served> next = inflaters_.give(std::move(inflater), claim);
  if (!next) return;
  schedule(std::move(next));
  kick();
}

void LogThreads::expect() {
  if (coming_.load() > 0 || !options_.may_linger) return;
  const Lock lock(mutex_);
  if (coming_.load() > 0 || busy_ > 0 || closing_ || idle_.empty()) return;
  idle_.back()->expects = true;
  wake_one();
}

void LogThreads::submit(std::function<void()> job) {
  const Lock lock(mutex_);
  if (closing_) return;
  jobs_.push_back(std::move(job));
  jobs_waiting_.store(static_cast<uint32_t>(jobs_.size()));
  if (job_may_start() && coming_.load() == 0) wake_one();
}

void LogThreads::submit_look(std::function<bool(uint64_t* budget)> look) {
  submit([this, look = std::move(look)] {
    uint64_t budget = kLookBudget;
    if (look(&budget)) return;
    long_looks_.submit([look] {
      uint64_t unbounded = kUnboundedLook;
      static_cast<void>(look(&unbounded));
    });
  });
}

void LogThreads::close() {
  {
    const Lock lock(mutex_);
    closing_ = true;
    while (!idle_.empty()) wake_one();
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  long_looks_.close();
}

bool LogThreads::job_may_start() const {
  const size_t most = workers_.size() > 1 ? workers_.size() - 1 : 1;
  return !jobs_.empty() && jobs_running_ < most;
}

bool LogThreads::worth_another_thread() const {
  uint64_t bytes = 0;
  const size_t most = std::min(ready_.size(), kLookedAt);
  for (size_t i = 0; i < most; ++i) bytes += ready_[i]->backlog_bytes();
  return bytes >= kWorthAThread;
}

void LogThreads::wake_one() {
  if (idle_.empty()) return;
  Worker* worker = idle_.back();
  idle_.pop_back();
  worker->woken = true;
  coming_.fetch_add(1);
  worker->wake.notify_one();
}

void LogThreads::run(Worker& self) {
  Lock lock(mutex_);
  for (;;) {
    if (serve_next(self, lock) || run_next_job(lock)) continue;
    if (closing_ && ready_.empty() && jobs_.empty() && busy_ == 0) break;
    sleep(self, lock);
  }
  coming_.fetch_sub(1);
}

void LogThreads::begin_turn() {
  coming_.fetch_sub(1);
  ++busy_;
  ++turns_;
  if (coming_.load() == 0 && (job_may_start() || worth_another_thread())) wake_one();
}

void LogThreads::end_turn() {
  --busy_;
  coming_.fetch_add(1);
}

// Takes the log that waited longest and serves it once. The lock is given up meanwhile.
bool LogThreads::serve_next(Worker& self, Lock& lock) {
  if (ready_.empty()) return false;
  std::shared_ptr<Served> served = std::move(ready_.front());
  ready_.pop_front();
  waiting_.store(static_cast<uint32_t>(ready_.size()));
  begin_turn();
  lock.unlock();
  const bool more = served->serve(self.scratch);
  if (!more) served.reset();  // maybe the last owner; not under the lock
  lock.lock();
  end_turn();
  if (more) {
    ready_.push_back(std::move(served));
    waiting_.store(static_cast<uint32_t>(ready_.size()));
  }
  return true;
}

bool LogThreads::run_next_job(Lock& lock) {
  if (!job_may_start()) return false;
  std::function<void()> job = std::move(jobs_.front());
  jobs_.pop_front();
  jobs_waiting_.store(static_cast<uint32_t>(jobs_.size()));
  ++jobs_running_;
  begin_turn();
  lock.unlock();
  job();
  job = nullptr;  // what it holds is destroyed here, not under the lock
  lock.lock();
  end_turn();
  --jobs_running_;
  return true;
}

void LogThreads::sleep(Worker& self, Lock& lock) {
  if (closing_) {
    self.wake.wait_for(lock, kWatchInterval);  // others finish; look again
    return;
  }
  if (std::exchange(self.expects, false)) {
    linger(lock);
    if (!ready_.empty() || job_may_start() || closing_) return;
  }
  coming_.fetch_sub(1);
  idle_.push_back(&self);
  self.woken = false;
  self.watch = false;
  while (!self.woken) {
    self.wake.wait(lock, [&] { return self.woken || self.watch; });
    if (self.watch && watch(self, lock)) return;
  }
}

// Awake without the lock. Whoever brings work sees in coming_ that nobody need be woken, and this thread, which takes the
// lock and looks again before it sleeps, sees the work. It gives way in between: this very core may be needed to bring it.
void LogThreads::linger(Lock& lock) {
  lock.unlock();
  const auto until = std::chrono::steady_clock::now() + kLinger;
  while (waiting_.load() == 0 && jobs_waiting_.load() == 0 && std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < kPauses; ++i) relax();
    std::this_thread::yield();
  }
  lock.lock();
}

// Looks every interval whether something waits while no turn begins: then the threads at work are stuck in slow writes,
// and this one goes to work. True: it does.
bool LogThreads::watch(Worker& self, Lock& lock) {
  int quiet = 0;
  uint64_t turns = turns_;
  while (!self.woken && quiet < kWatchLinger) {
    self.wake.wait_for(lock, kWatchInterval);
    if (self.woken) break;
    const bool stuck = turns_ == turns && (!ready_.empty() || job_may_start());
    if (stuck) {
      idle_.erase(std::find(idle_.begin(), idle_.end(), &self));
      coming_.fetch_add(1);
      watching_ = false;
      return true;
    }
    quiet = turns_ == turns ? quiet + 1 : 0;
    turns = turns_;
  }
  self.watch = false;
  watching_ = false;
  return false;
}

}  // namespace odradek
