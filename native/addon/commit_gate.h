// Where appends of one log that are to be acknowledged by all wait for the high watermark: not the requests, only where their
// answers are to go on.
//
// The watermark moves on the main isolate while appends end on a log thread. Under one lock, either the append sees the new
// watermark, or whoever moves that sees the append.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <vector>

#include "base/spin_lock.h"

namespace odradek {

// An append that is written and not committed.
struct ParkedAppend {
  int64_t last_offset = -1;
  uint64_t deadline_ns = 0;
  uint32_t answer = 0;
  uint32_t row = 0;
};

// Threads: arrive() from whoever serves the log, in log order; everything else from main.
class CommitGate {
 public:
  enum class Fate {
    kCommitted,
    kParked,
    kTakenBack,  // nobody leads here: `refusal` says what the client is told
  };

  struct Arrival {
    Fate fate;
    int32_t refusal;
  };

  // `before_parking` is called where the append is to be parked, while nobody can see it yet.
  template <typename BeforeParking>
  Arrival arrive(const ParkedAppend& append, BeforeParking before_parking) {
    const std::lock_guard guard(lock_);
    if (refusal_ != 0) return {Fate::kTakenBack, refusal_};
    if (alone_ || append.last_offset < watermark_) return {Fate::kCommitted, 0};
    before_parking();
    if (!listed_) {
      listed_ = true;
      unlisted_.store(true, std::memory_order_relaxed);
    }
    parked_.push_back(append);
    earliest_ns_ = std::min(earliest_ns_, append.deadline_ns);
    return {Fate::kParked, 0};
  }

  // Opens the gate, too. `end` says where the log ends; it is asked under the lock, so that what is below and not parked has
  // been let through. Where the log was alone until now, that is the watermark.
  template <typename End>
  int64_t commit_alone(bool alone, End end, std::vector<ParkedAppend>* committed) {
    const std::lock_guard guard(lock_);
    refusal_ = 0;
    const int64_t log_end = end();
    if (alone_ || alone) {
      watermark_ = std::max(watermark_, log_end);
      take_below(watermark_, committed);
    }
    alone_ = alone;
    return log_end;
  }

  // Does nothing while nobody leads: what comes then was said before.
  void advance(int64_t watermark, std::vector<ParkedAppend>* committed) {
    const std::lock_guard guard(lock_);
    if (refusal_ != 0 || watermark <= watermark_) return;
    watermark_ = watermark;
    take_below(watermark, committed);
  }

  // Closes the gate until commit_alone(). REQUIRES: refusal != 0
  void take_back(int32_t refusal, std::vector<ParkedAppend>* taken) {
    const std::lock_guard guard(lock_);
    refusal_ = refusal;
    alone_ = false;
    watermark_ = 0;  // the next leadership begins with what it finds: the log may be shorter then
    take_below(INT64_MAX, taken);
  }

  // The appends parked since it was last taken off the list began with none: it is to be listed among the gates that have
  // deadlines. Said once, to whoever serves the log.
  bool to_be_listed() { return unlisted_.load(std::memory_order_relaxed) && unlisted_.exchange(false, std::memory_order_relaxed); }

  // False: nothing is parked, and it is off the list.
  bool expire(uint64_t now_ns, std::vector<ParkedAppend>* expired) {
    const std::lock_guard guard(lock_);
    if (now_ns >= earliest_ns_) take_expired(now_ns, expired);
    listed_ = gone_ < parked_.size();
    return listed_;
  }

  size_t parked() {
    const std::lock_guard guard(lock_);
    return parked_.size() - gone_;
  }

 private:
  static constexpr size_t kKept = 1024;  // room that a gate keeps where nobody waits

  std::vector<ParkedAppend>::iterator waiting() { return parked_.begin() + static_cast<ptrdiff_t>(gone_); }

  void take_expired(uint64_t now_ns, std::vector<ParkedAppend>* expired) {
    const auto out = [&](const ParkedAppend& each) { return each.deadline_ns <= now_ns; };
    std::copy_if(waiting(), parked_.end(), std::back_inserter(*expired), out);
    parked_.erase(std::remove_if(waiting(), parked_.end(), out), parked_.end());
    earliest_ns_ = UINT64_MAX;
    for (auto each = waiting(); each != parked_.end(); ++each) earliest_ns_ = std::min(earliest_ns_, each->deadline_ns);
    tidy();
  }

  void take_below(int64_t offset, std::vector<ParkedAppend>* out) {
    while (gone_ < parked_.size() && parked_[gone_].last_offset < offset) out->push_back(parked_[gone_++]);
    tidy();
  }

  // Each append is moved at most once for every time that as many have gone.
  void tidy() {
    if (gone_ == parked_.size()) {
      parked_.clear();
      gone_ = 0;
      earliest_ns_ = UINT64_MAX;
      if (parked_.capacity() > kKept) parked_.shrink_to_fit();
    } else if (gone_ > parked_.size() / 2) {
      parked_.erase(parked_.begin(), waiting());
      gone_ = 0;
    }
  }

  SpinLock lock_;
  // All under lock_.
  std::vector<ParkedAppend> parked_;  // by offset; those before gone_ have gone on
  size_t gone_ = 0;
  uint64_t earliest_ns_ = UINT64_MAX;  // no deadline is before it
  int64_t watermark_ = 0;
  bool alone_ = false;
  bool listed_ = false;
  int32_t refusal_ = kNobodyLeads;  // Kafka's error code; 0: open
  std::atomic<bool> unlisted_{false};

 public:
  // Until somebody leads: NOT_LEADER_OR_FOLLOWER.
  static constexpr int32_t kNobodyLeads = 6;
};

}  // namespace odradek
