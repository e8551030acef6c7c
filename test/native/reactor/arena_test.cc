#include "base/arena.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "fixture.h"

using namespace odradek;

namespace {

constexpr uint32_t kPage = Arena::kPageBytes;

std::unique_ptr<Arena> arena_of(uint32_t pages, uint32_t warm_pages = 1000) {
  return *Arena::reserve({.capacity = uint64_t{pages} * kPage, .warm_bytes = uint64_t{warm_pages} * kPage});
}

}  // namespace

TEST_CASE("any offset inside a block names it, and the last release frees it") {
  auto arena = arena_of(8);
  const uint32_t block = arena->lease(3 * kPage);
  std::memset(arena->at(block), 1, 3 * kPage);
  arena->retain(block + 2 * kPage + 17);
  arena->release(block + kPage);
  CHECK(arena->in_use() == 3 * kPage);
  CHECK(arena->sole_owner(block));
  arena->release(block + 3 * kPage - 1);
  CHECK(arena->in_use() == 0);
}

TEST_CASE("a lease takes whole pages, at the lowest place where they fit") {
  auto arena = arena_of(8);
  const uint32_t a = arena->lease(1);
  const uint32_t b = arena->lease(kPage + 1);
  const uint32_t c = arena->lease(1);
  CHECK(a == 0);
  CHECK(b == kPage);
  CHECK(c == 3 * kPage);
  CHECK(arena->block_bytes(b) == 2 * kPage);
  arena->release(b);
  CHECK(arena->lease(3 * kPage) == 4 * kPage);
  CHECK(arena->lease(2 * kPage) == b);
}

TEST_CASE("the whole range can be leased as one block, and again after it was cut into pieces") {
  auto arena = arena_of(130);  // more than two words of pages, the last one not full
  for (int round = 0; round < 3; ++round) {
    const uint32_t all = arena->lease(130 * kPage);
    REQUIRE(all == 0);
    CHECK(arena->lease(1) == Arena::kNoRoom);
    arena->release(all);
    std::vector<uint32_t> pieces;
    for (int i = 0; i < 130; ++i) pieces.push_back(arena->lease(kPage));
    CHECK(pieces.back() == 129 * kPage);
    CHECK(arena->lease(1) == Arena::kNoRoom);
    for (const uint32_t piece : pieces) arena->release(piece);
  }
}

TEST_CASE("who found no room is told of it, once") {
  auto arena = arena_of(4);
  int told = 0;
  arena->on_room([&] { ++told; });
  const uint32_t a = arena->lease(2 * kPage);
  const uint32_t b = arena->lease(2 * kPage);
  arena->retain(a);
  CHECK(arena->lease(1) == Arena::kNoRoom);
  CHECK(arena->lease(1) == Arena::kNoRoom);
  arena->release(a);
  CHECK(told == 0);
  arena->release(a);
  CHECK(told == 1);
  arena->release(b);
  CHECK(told == 1);
}

TEST_CASE("free memory beyond the reserve goes back to the system, and reads as zeros when it comes again") {
  auto arena = arena_of(64, 4);
  std::vector<uint32_t> blocks;
  for (int i = 0; i < 8; ++i) {
    blocks.push_back(arena->lease(8 * kPage));
    std::memset(arena->at(blocks.back()), 1, 8 * kPage);
  }
  CHECK(arena->resident() == 64 * kPage);
  for (const uint32_t block : blocks) arena->release(block);
  CHECK(arena->in_use() == 0);
  CHECK(arena->resident() == 4 * kPage);
  const uint32_t all = arena->lease(64 * kPage);
  CHECK(*arena->at(all) == 1);               // the low end was kept
  CHECK(*arena->at(all + 63 * kPage) == 0);  // the top was given back
}

TEST_CASE("capacity is checked") {
  CHECK(!Arena::reserve({.capacity = 0}).ok());
  CHECK(!Arena::reserve({.capacity = Arena::kMaxCapacity + 1}).ok());
  CHECK(Arena::reserve({.capacity = Arena::kMaxCapacity}).ok());  // reserved, not used
}

TEST_CASE("random leases and releases agree with a model") {
  const uint64_t seed = test::test_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  constexpr uint32_t kPages = 100;
  auto arena = arena_of(kPages, 10);
  struct Held { uint32_t pages; uint32_t references; uint8_t mark; };
  std::map<uint32_t, Held> held;  // by first page
  const auto longest_free = [&] {
    uint32_t longest = 0, at = 0;
    for (const auto& [first, block] : held) {
      longest = std::max(longest, first - at);
      at = first + block.pages;
    }
    return std::max(longest, kPages - at);
  };
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const uint32_t pages = 1 + static_cast<uint32_t>(random() % (random() % 4 == 0 ? 40 : 3));
      const uint32_t got = arena->lease(pages * kPage - static_cast<uint32_t>(random() % kPage));
      REQUIRE((got == Arena::kNoRoom) == (longest_free() < pages));
      if (got == Arena::kNoRoom) continue;
      const uint32_t first = got / kPage;
      const auto after = held.lower_bound(first);
      REQUIRE((after == held.end() || first + pages <= after->first));
      REQUIRE((after == held.begin() || std::prev(after)->first + std::prev(after)->second.pages <= first));
      const auto mark = static_cast<uint8_t>(random());
      *arena->at(got) = *arena->at(got + pages * kPage - 1) = mark;
      held[first] = {pages, 1, mark};
    } else if (!held.empty()) {
      const auto it = std::next(held.begin(), static_cast<ptrdiff_t>(random() % held.size()));
      auto& [first, block] = *it;
      REQUIRE(*arena->at(first * kPage) == block.mark);
      REQUIRE(*arena->at((first + block.pages) * kPage - 1) == block.mark);
      const uint32_t inside = first * kPage + static_cast<uint32_t>(random() % (block.pages * kPage));
      if (random() % 4 == 0) {
        arena->retain(inside, 2);
        block.references += 2;
      } else {
        arena->release(inside);
        if (--block.references == 0) held.erase(it);
      }
    }
  }
}

TEST_CASE("threads lease, share and release without losing a page") {
  auto arena = arena_of(64, 4);
  std::atomic<uint32_t> told{0};
  arena->on_room([&] { ++told; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&arena, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      std::vector<uint32_t> mine;
      for (int step = 0; step < 5'000; ++step) {
        if (mine.size() < 8 && random() % 2 == 0) {
          const uint32_t got = arena->lease(1 + random() % (6 * kPage));
          if (got == Arena::kNoRoom) continue;
          *arena->at(got) = static_cast<uint8_t>(t);
          mine.push_back(got);
        } else if (!mine.empty()) {
          REQUIRE(*arena->at(mine.back()) == t);
          arena->retain(mine.back());
          arena->release(mine.back(), 2);
          mine.pop_back();
        }
      }
      for (const uint32_t block : mine) arena->release(block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(arena->in_use() == 0);
  CHECK(arena->lease(64 * kPage) == 0);
}
