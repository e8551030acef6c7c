#include "log/hot_tail.h"

#include <doctest/doctest.h>

#include <random>

#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {

struct Known {
  HotTail::Batch batch;
  int64_t segment;
  uint64_t end;
};

// What the tail must say if it says anything.
Slice expected(const std::vector<Known>& all, int64_t from, int64_t max, uint32_t max_bytes, bool at_least_one) {
  Slice slice;
  size_t i = 0;
  if (from >= max) return slice;
  while (i < all.size() && all[i].batch.last_offset() < from) ++i;
  if (i == all.size() || all[i].batch.base_offset >= max) return slice;
  uint64_t end = all[i].end;
  for (size_t j = i + 1; j < all.size() && all[j].segment == all[i].segment && all[j].batch.base_offset < max; ++j) end = all[j].end;
  slice.position = all[i].batch.position;
  slice.first_batch_length = static_cast<uint32_t>(all[i].end - slice.position);
  uint64_t length = std::min<uint64_t>(end - slice.position, max_bytes);
  if (at_least_one) length = std::max<uint64_t>(length, slice.first_batch_length);
  slice.length = static_cast<uint32_t>(length);
  slice.first_offset = all[i].batch.base_offset;
  slice.segment_base = all[i].segment;
  return slice;
}

}  // namespace

TEST_CASE("the tail agrees with a list of all batches, or says it does not know") {
  const uint64_t seed = 99;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  MemoryFileSystem files;
  HotTail tail(64);
  std::vector<Known> all;
  int64_t offset = 0;
  int64_t segment = 0;
  uint64_t position = 0;
  std::shared_ptr<File> file = *files.open("/0", OpenMode::kCreate);
  tail.begin_segment(0, file, 0, 0);
  int answered = 0;
  for (int round = 0; round < 3'000; ++round) {
    if (random() % 20 == 0) {
      segment = offset;
      position = 0;
      tail.begin_segment(segment, file, 0, offset);
    }
    std::vector<HotTail::Batch> batches;
    for (uint64_t i = random() % 8; i > 0; --i) {
      if (random() % 10 == 0) offset += 3;  // a gap
      const auto count = static_cast<int32_t>(1 + random() % 5);
      const HotTail::Batch batch{offset, static_cast<uint32_t>(position), count - 1};
      position += 70 + random() % 900;
      offset += count;
      batches.push_back(batch);
      all.push_back({batch, segment, position});
    }
    tail.push(batches, position, offset);
    for (int question = 0; question < 5; ++question) {
      const int64_t from = std::max<int64_t>(0, offset - static_cast<int64_t>(random() % 300));
      const int64_t max = random() % 3 == 0 ? INT64_MAX : from + static_cast<int64_t>(random() % 100);
      const auto bytes = static_cast<uint32_t>(random() % 5'000);
      const bool one = random() % 2 == 0;
      Slice found;
      if (!tail.locate(from, max, bytes, one, &found)) continue;
      ++answered;
      const Slice told = expected(all, from, std::min(max, offset), bytes, one);
      REQUIRE(found.length == told.length);
      if (told.length == 0 && told.first_batch_length == 0) continue;
      REQUIRE(found.position == told.position);
      REQUIRE(found.first_batch_length == told.first_batch_length);
      REQUIRE(found.first_offset == told.first_offset);
      REQUIRE(found.segment_base == told.segment_base);
    }
  }
  CHECK(answered > 5'000);
}

TEST_CASE("the newest batches are always known, as many as were promised") {
  HotTail tail(64);
  tail.begin_segment(0, nullptr, 0, 0);
  for (int i = 0; i < 1'000; ++i) {
    const HotTail::Batch batch{i, static_cast<uint32_t>(i * 100), 0};
    tail.push({&batch, 1}, static_cast<uint64_t>(i + 1) * 100, i + 1);
    Slice slice;
    const int64_t oldest = std::max(0, i - 62);
    REQUIRE(tail.locate(oldest, INT64_MAX, 1'000'000, true, &slice));
    REQUIRE(slice.position == static_cast<uint64_t>(oldest) * 100);
    REQUIRE(slice.length == static_cast<uint64_t>(i + 1 - oldest) * 100);
  }
  tail.set_capacity(16);
  Slice slice;
  CHECK(tail.locate(990, INT64_MAX, 1'000'000, true, &slice));
  CHECK(!tail.locate(900, INT64_MAX, 1'000'000, true, &slice));
  tail.clear();
  CHECK(!tail.locate(999, INT64_MAX, 1'000'000, true, &slice));
}
