// Where a log has the inflaters from that its rounds look into compressed batches with, and how a look is left and taken
// up again.
#include "log/log_core.h"

namespace odradek {

namespace {
// A batch that is longer than this packed will hardly be looked through within one round. A short one that becomes very
// much is begun anew when it has to wait.
constexpr size_t kLongPacked = 128 * 1024;
}  // namespace

Inflater* Log::Core::inflater(size_t packed) {
  if (lent) return lent.get();
  if (promised != Inflaters::Claim::kNone) {
    claim = std::exchange(promised, Inflaters::Claim::kNone);
    lent = threads.inflaters().take_promised();
    return lent.get();
  }
  const Inflaters::Claim asked = packed >= kLongPacked ? Inflaters::Claim::kPauses : Inflaters::Claim::kSlice;
  lent = threads.inflaters().take(asked);
  (lent ? claim : wanted) = asked;
  return lent.get();
}

// The round ended before a batch that is not looked through. Answers as serve() does; what comes after it must leave the
// log alone, for it may be served already.
bool Log::Core::look_later() {
  using Claim = Inflaters::Claim;
  Inflaters& pool = threads.inflaters();
  Claim next = std::exchange(wanted, Claim::kNone);
  if (next == Claim::kNone) {
    // The round's budget is spent. A batch that is not begun needs no inflater meanwhile.
    if (!look.under_way) {
      give_inflater_back();
      return true;
    }
    if (claim == Claim::kPauses || pool.may_pause()) {
      claim = Claim::kPauses;
      return true;
    }
    look.under_way = false;
    give_inflater_back();
    next = Claim::kPauses;
  }
  promised = next;
  return pool.wait(face->shared_from_this(), next);
}

void Log::Core::give_inflater_back() {
  const Inflaters::Claim held = std::exchange(lent ? claim : promised, Inflaters::Claim::kNone);
  if (held != Inflaters::Claim::kNone) threads.give_back(std::move(lent), held);
}

}  // namespace odradek
