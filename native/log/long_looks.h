// Looks into compressed batches that proved long, one after the other on a thread of their own, so that neither a log nor a
// job waits for one. There is no thread until the first comes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace odradek {

// Threads: submit() from any, close() not from its own.
class LongLooks {
 public:
  explicit LongLooks(const char* name) : name_(name) {}
  ~LongLooks() { close(); }
  LongLooks(const LongLooks&) = delete;
  LongLooks& operator=(const LongLooks&) = delete;

  void submit(std::function<void()> look);

  // Runs what was submitted, then joins. What is submitted afterwards is destroyed unrun.
  void close();

 private:
  void run();

  const char* const name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::deque<std::function<void()>> looks_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace odradek
