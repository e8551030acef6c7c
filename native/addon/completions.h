// What the main isolate is to hear of logs, gathered from any thread until it polls.
#pragma once

#include <algorithm>
#include <cstring>
#include <mutex>
#include <span>
#include <vector>

#include "addon/layout.h"
#include "base/spin_lock.h"

namespace odradek {

// Threads: push from any, take from the main isolate.
class Completions {
 public:
  Completions() {
    gathering_.reserve(kCompletionCapacity);
    taking_.reserve(kCompletionCapacity);
  }

  void push(std::span<const Completion> completions) {
    const std::lock_guard guard(lock_);
    gathering_.insert(gathering_.end(), completions.begin(), completions.end());
  }

  // Fills `out` in the order of the pushes. Less than `capacity`: that was all.
  size_t take(Completion* out, size_t capacity) {
    if (taken_ == taking_.size()) {
      taking_.clear();
      taken_ = 0;
      const std::lock_guard guard(lock_);
      taking_.swap(gathering_);
    }
    const size_t count = std::min(capacity, taking_.size() - taken_);
    if (count > 0) std::memcpy(out, taking_.data() + taken_, count * sizeof(Completion));
    taken_ += count;
    return count;
  }

  // Main isolate: something is left after take().
  bool any() {
    if (taken_ < taking_.size()) return true;
    const std::lock_guard guard(lock_);
    return !gathering_.empty();
  }

 private:
  SpinLock lock_;
  std::vector<Completion> gathering_;  // under lock_
  // Main isolate only.
  std::vector<Completion> taking_;
  size_t taken_ = 0;
};

}  // namespace odradek
