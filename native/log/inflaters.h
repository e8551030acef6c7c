// The inflaters that logs share, and who waits for one. However many logs and threads there are, memory is bounded by
// these: windows for as many looks as can run at once, and for as many again that pause.
//
// A log looks into a compressed batch a slice at a time and lets other logs have their turn in between, even where there
// is one thread only. It keeps its inflater over such a pause, as one of a few that may: so whoever comes for a look that
// ends within its slice always finds one as soon as a running look has ended or paused.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/spin_lock.h"
#include "codec/inflater.h"

namespace odradek {

class Served;

// Threads: any. Lock order: nothing is called while its lock is held.
class Inflaters {
 public:
  // How long a look is expected to hold its inflater: for a slice, or over pauses too.
  enum class Claim : uint8_t { kNone, kSlice, kPauses };

  // `running`: how many looks can run at once.
  explicit Inflaters(uint32_t running) : most_(2 * running), most_pausing_(running) {}

  // Null: none is free now; wait() for one.
  std::unique_ptr<Inflater> take(Claim claim);

  // One that wait() has promised: never null.
  std::unique_ptr<Inflater> take_promised();

  // Turns a claim for a slice into one over pauses. False: too many pause already; give the inflater back.
  bool may_pause();

  // True: one is promised, at once. False: `who` is kept, and comes back out of give() once one is promised.
  bool wait(std::shared_ptr<Served> who, Claim claim);

  // Gives back what was taken or promised; null for a promise that is not needed. Answers who is to be served now.
  std::shared_ptr<Served> give(std::unique_ptr<Inflater> inflater, Claim claim);

 private:
  bool may_take(Claim claim) const { return taken_ < most_ && (claim != Claim::kPauses || pausing_ < most_pausing_); }
  void count(Claim claim);

  const uint32_t most_;
  const uint32_t most_pausing_;
  SpinLock lock_;
  // Under lock_.
  uint32_t taken_ = 0;    // promised ones included
  uint32_t pausing_ = 0;  // of them, those that may pause
  std::vector<std::unique_ptr<Inflater>> free_;  // the one used last is used first
  std::deque<std::shared_ptr<Served>> waiting_;
  std::deque<std::shared_ptr<Served>> waiting_to_pause_;
};

}  // namespace odradek
