#include "base/spin_lock.h"

#include <sched.h>

#include "base/relax.h"

namespace odradek {

void SpinLock::lock_contended() noexcept {
  for (;;) {
    for (int spin = 0; spin < 64; ++spin) {
      if (!held_.load(std::memory_order_relaxed) && try_lock()) return;
      relax();
    }
    sched_yield();
  }
}

}  // namespace odradek
