#include "log/swap_enumeration.h"

#include <doctest/doctest.h>

using namespace odradek::test;

TEST_CASE("a swap of compacted segments that was stopped anywhere is undone or ended") {
#if defined(__SANITIZE_THREAD__)
  constexpr uint64_t kEvery = 5;
#else
  constexpr uint64_t kEvery = 1;
#endif
  const EnumerationResult result = enumerate_swaps(1, kEvery);
  MESSAGE(result.lives << " lives of " << result.calls << " calls");
  for (size_t i = 0; i < result.failures.size() && i < 20; ++i) FAIL_CHECK(result.failures[i]);
  CHECK(result.failures.size() == 0);
  CHECK(result.lives > 1'000);
}
