#include "log/inflaters.h"

#include <mutex>
#include <utility>

namespace odradek {

void Inflaters::count(Claim claim) {
  ++taken_;
  if (claim == Claim::kPauses) ++pausing_;
}

std::unique_ptr<Inflater> Inflaters::take(Claim claim) {
  {
    const std::lock_guard guard(lock_);
    if (!may_take(claim)) return nullptr;
    count(claim);
  }
  return take_promised();
}

std::unique_ptr<Inflater> Inflaters::take_promised() {
  {
    const std::lock_guard guard(lock_);
    if (!free_.empty()) {
      std::unique_ptr<Inflater> inflater = std::move(free_.back());
      free_.pop_back();
      return inflater;
    }
  }
  return std::make_unique<Inflater>();
}

bool Inflaters::may_pause() {
  const std::lock_guard guard(lock_);
  if (pausing_ == most_pausing_) return false;
  ++pausing_;
  return true;
}

bool Inflaters::wait(std::shared_ptr<Served> who, Claim claim) {
  const std::lock_guard guard(lock_);
  if (may_take(claim)) {
    count(claim);
    return true;
  }
  (claim == Claim::kPauses ? waiting_to_pause_ : waiting_).push_back(std::move(who));
  return false;
}

std::shared_ptr<Served> Inflaters::give(std::unique_ptr<Inflater> inflater, Claim claim) {
  if (inflater) inflater->rest();
  const std::lock_guard guard(lock_);
  --taken_;
  if (claim == Claim::kPauses) --pausing_;
  if (inflater) free_.push_back(std::move(inflater));
  for (const Claim next : {Claim::kPauses, Claim::kSlice}) {
    std::deque<std::shared_ptr<Served>>& queue = next == Claim::kPauses ? waiting_to_pause_ : waiting_;
    if (queue.empty() || !may_take(next)) continue;
    count(next);
    std::shared_ptr<Served> who = std::move(queue.front());
    queue.pop_front();
    return who;
  }
  return nullptr;
}

}  // namespace odradek
