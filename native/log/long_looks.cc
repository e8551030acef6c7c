#include "log/long_looks.h"

#include <pthread.h>

#include <cstdio>
#include <utility>

namespace odradek {

void LongLooks::submit(std::function<void()> look) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;
  looks_.push_back(std::move(look));
  changed_.notify_one();
  if (thread_.joinable()) return;
  thread_ = std::thread([this] { run(); });
  char name[16];
  std::snprintf(name, sizeof name, "%.12s-l", name_);
  pthread_setname_np(thread_.native_handle(), name);
}

void LongLooks::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void LongLooks::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !looks_.empty(); });
    if (looks_.empty()) return;
    std::function<void()> look = std::move(looks_.front());
    looks_.pop_front();
    lock.unlock();
    look();
    look = nullptr;  // what it holds is destroyed here, not under the lock
    lock.lock();
  }
}

}  // namespace odradek
