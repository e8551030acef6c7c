// The crash and fault enumeration as a program, for `npm test`: one line a part, exit code 1 when anything was lost.
#include <cstdio>

#include "log/enumeration.h"
#include "log/swap_enumeration.h"

using namespace odradek::test;

namespace {

bool report(const char* what, const EnumerationResult& result) {
  std::printf("%s: %llu lives, %llu calls, %zu failures\n", what, static_cast<unsigned long long>(result.lives),
              static_cast<unsigned long long>(result.calls), result.failures.size());
  for (size_t i = 0; i < result.failures.size() && i < 20; ++i) std::printf("  %s\n", result.failures[i].c_str());
  return result.failures.empty() && result.lives > 100;
}

}  // namespace

int main() {
  const bool crashes = report("crashes", enumerate_crashes(false, 2));
  const bool flushing = report("crashes, every message flushed", enumerate_crashes(true, 1));
  const bool faults = report("faults", enumerate_faults());
  const bool swaps = report("swaps", enumerate_swaps(0, 2));
  return crashes && flushing && faults && swaps ? 0 : 1;
}
