#include "log/enumeration.h"

#include <doctest/doctest.h>

using namespace odradek::test;

namespace {
// A life here has one log thread at work: TSan finds little in it, and takes its time. Every call is stopped at without it.
#if defined(__SANITIZE_THREAD__)
constexpr uint64_t kEvery = 5;
#else
constexpr uint64_t kEvery = 1;
#endif

void check(const EnumerationResult& result) {
  MESSAGE(result.lives << " lives of " << result.calls << " calls");
  for (size_t i = 0; i < result.failures.size() && i < 20; ++i) FAIL_CHECK(result.failures[i]);
  CHECK(result.failures.size() == 0);
  CHECK(result.calls > 50);
}
}  // namespace

TEST_CASE("stopped after any system call, the log comes back as a prefix with everything flushed") {
  check(enumerate_crashes(false, 3, kEvery));
}

TEST_CASE("the same with every message flushed") { check(enumerate_crashes(true, 3, kEvery)); }

TEST_CASE("ENOSPC or EIO at any system call loses nothing that was acknowledged") { check(enumerate_faults(kEvery)); }
