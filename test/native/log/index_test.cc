#include <doctest/doctest.h>

#include <map>
#include <random>

#include "log/offset_index.h"
#include "log/time_index.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

TEST_CASE("the offset index answers as a map does, across growth, truncation and reopening") {
  const uint64_t seed = 4711;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  MemoryFileSystem files;
  const int64_t base = 1'000'000'000'000;
  OffsetIndex index(files, "/x.index", base, 1 << 20);
  REQUIRE(index.create().ok());
  std::map<int64_t, uint32_t> model;
  int64_t offset = base;
  uint32_t position = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (random() % 1'000 == 0) {
      const int64_t to = base + static_cast<int64_t>(random() % static_cast<uint64_t>(offset - base + 1));
      index.truncate_to(to);
      model.erase(model.lower_bound(to), model.end());
      offset = model.empty() ? base : model.rbegin()->first;
      position = model.empty() ? 0 : model.rbegin()->second;
      continue;
    }
    offset += 1 + static_cast<int64_t>(random() % 50);
    position += 1 + static_cast<uint32_t>(random() % 10'000);
    REQUIRE(index.append(offset, position).ok());
    model[offset] = position;
    const int64_t asked = base + static_cast<int64_t>(random() % static_cast<uint64_t>(offset - base + 100));
    const auto above = model.upper_bound(asked);
    REQUIRE(index.lookup(asked) == (above == model.begin() ? 0 : std::prev(above)->second));
    REQUIRE(index.lookup_above(asked, 77) == (above == model.end() ? 77 : above->second));
  }
  REQUIRE(index.trim().ok());
  CHECK(files.contents("/x.index").size() == model.size() * 8);
  OffsetIndex again(files, "/x.index", base, 1 << 20);
  REQUIRE(again.open().ok());
  CHECK(again.entries() == model.size());
  CHECK(again.last_position() == position);
  CHECK(again.plausible(position + 1, offset + 1));
  CHECK(!again.plausible(position, offset + 1));
  CHECK(!again.plausible(position + 1, offset));
}

TEST_CASE("entries lie in the file as Kafka writes them") {
  MemoryFileSystem files;
  OffsetIndex offsets(files, "/x.index", 100, 4096);
  REQUIRE(offsets.create().ok());
  REQUIRE(offsets.append(0x100 + 100, 0x01020304).ok());
  REQUIRE(offsets.trim().ok());
  CHECK(files.contents("/x.index") == std::vector<uint8_t>{0, 0, 1, 0, 1, 2, 3, 4});
  TimeIndex times(files, "/x.timeindex", 100, 4096);
  REQUIRE(times.create().ok());
  REQUIRE(times.maybe_append({0x0102030405060708, 105}, false).ok());
  REQUIRE(times.trim().ok());
  CHECK(files.contents("/x.timeindex") == std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 5});
}

TEST_CASE("the time index keeps what rises, and one place for the end") {
  MemoryFileSystem files;
  TimeIndex index(files, "/x.timeindex", 0, 12 * 4);
  REQUIRE(index.create().ok());
  REQUIRE(index.maybe_append({-1, 0}, false).ok());
  CHECK(index.entries() == 0);
  CHECK(index.last_entry().timestamp == -1);
  REQUIRE(index.maybe_append({100, 1}, false).ok());
  REQUIRE(index.maybe_append({100, 2}, false).ok());
  REQUIRE(index.maybe_append({90, 3}, false).ok());
  REQUIRE(index.maybe_append({110, 4}, false).ok());
  CHECK(index.entries() == 2);
  CHECK(index.lookup(99).timestamp == -1);
  CHECK(index.lookup(100).offset == 1);
  CHECK(index.lookup(500).offset == 4);
  REQUIRE(index.maybe_append({120, 5}, false).ok());
  CHECK(index.full());
  REQUIRE(index.maybe_append({130, 6}, true).ok());
  CHECK(index.last_entry().offset == 6);
  index.truncate_to(5);
  CHECK(index.last_entry().offset == 4);
}

TEST_CASE("on a full disk an entry is refused, and can be had later") {
  MemoryFileSystem files;
  OffsetIndex index(files, "/x.index", 0, 1 << 20);
  REQUIRE(index.create().ok());
  files.set_capacity(4096);
  uint32_t entries = 0;
  while (index.append(entries, entries).ok()) ++entries;
  CHECK(entries == 4096 / 8);
  CHECK(index.entries() == entries);
  CHECK(index.append(entries, entries).code() == Code::kNoSpace);
  files.set_capacity(UINT64_MAX);
  CHECK(index.append(entries, entries).ok());
}

TEST_CASE("a file that cannot be an index is not plausible") {
  MemoryFileSystem files;
  files.put("/zeros.index", std::vector<uint8_t>(4096));
  OffsetIndex zeros(files, "/zeros.index", 10, 1 << 20);
  REQUIRE(zeros.open().ok());
  CHECK(!zeros.plausible(1 << 20, 1'000));
  files.put("/odd.index", std::vector<uint8_t>(13, 1));
  OffsetIndex odd(files, "/odd.index", 10, 1 << 20);
  REQUIRE(odd.open().ok());
  CHECK(odd.entries() == 1);
}
