#include "addon/answers.h"

#include <doctest/doctest.h>

#include <set>

using namespace odradek;

TEST_CASE("the pool gives each answer once, ends where it is told to, and gives again what came back") {
  constexpr uint32_t most = 2 * Answers::kChunk + 44;
  Answers answers(most);
  std::set<uint32_t> taken;
  for (uint32_t i = 0; i < most; ++i) taken.insert(answers.take().value());
  CHECK(taken.size() == most);
  CHECK(*taken.rbegin() == most - 1);
  CHECK(!answers.take());
  answers.give(7);
  CHECK(answers.take() == 7);
  CHECK(!answers.take());
}

TEST_CASE("beyond 2^18 requests without an answer there is room as long as there are slots") {
  Answers answers;
  uint32_t last = 0;
  for (uint32_t i = 0; i <= (1u << 18); ++i) last = answers.take().value();
  answers.at(last).slot = kMostSlots - 1;
  CHECK(last == 1u << 18);
  CHECK(answers.at(last).slot == kMostSlots - 1);
}
