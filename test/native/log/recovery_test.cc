#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "base/crc32.h"
#include "log/batch.h"
#include "log/segment.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {

constexpr const char* kDirectory = "/orders-0";

struct Fixture {
  MemoryFileSystem files;
  LogDriver driver{files, kDirectory};
  std::vector<StoredBatch> written;

  Fixture() {
    driver.request().options.segment_bytes = 2'000;
    driver.request().options.index_interval_bytes = 300;
    driver.open();
    for (int i = 0; i < 60; ++i) REQUIRE(driver.append(simple_batch(2, 60, 1'000 + i)).done.code == Code::kOk);
    written = driver.read_all();
  }

  std::string path(int64_t base, const char* suffix) { return std::string(kDirectory) + "/" + segment_name(base) + suffix; }
  std::vector<int64_t> segment_bases() {
    std::vector<int64_t> bases;
    for (const std::string& name : files.names(kDirectory)) {
      if (name.ends_with(".log")) bases.push_back(std::stoll(name));
    }
    return bases;
  }
  // Everything below `end` is there, unchanged.
  void check_prefix(int64_t end) {
    const auto found = driver.read_all(0);
    REQUIRE(found.size() == static_cast<size_t>(end / 2));
    for (size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].bytes == written[i].bytes);
  }
  OpenReport reopen(bool clean, int64_t recovery_point) {
    driver.kill();
    files.crash(Unsynced::kKept, 0);
    driver.request().clean_shutdown = clean;
    driver.request().recovery_point = recovery_point;
    return driver.open();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "after a clean stop nothing is scanned and everything is there") {
  REQUIRE(*driver.close() == 120);
  CHECK(check_indexes(files, kDirectory, 300, true) == "");
  const OpenReport report = reopen(true, 120);
  CHECK(report.segments_recovered == 0);
  CHECK(report.bytes_scanned == 0);
  CHECK(report.end_offset == 120);
  CHECK(report.recovery_point == 120);
  check_prefix(120);
  // Stopped again without a change: nothing to write, nothing to sync.
  const uint64_t calls = files.calls();
  REQUIRE(*driver.close() == 120);
  CHECK(files.calls() == calls);
  reopen(true, 120);
  CHECK(driver.append(simple_batch(1)).done.base_offset == 120);
  CHECK(driver.max_timestamp()->timestamp == 1'059);
}

TEST_CASE_FIXTURE(Fixture, "after a crash only what lies past the recovery point is scanned") {
  const auto bases = segment_bases();
  REQUIRE(bases.size() > 5);
  std::atomic<uint64_t> progress{0};
  driver.request().progress = &progress;
  const OpenReport report = reopen(false, bases[3] + 1);
  CHECK(report.segments_recovered == bases.size() - 3);
  CHECK(report.bytes_truncated == 0);
  CHECK(report.bytes_scanned == progress.load());
  check_prefix(120);
  CHECK(check_indexes(files, kDirectory, 300, false) == "");
}

TEST_CASE_FIXTURE(Fixture, "a flipped bit anywhere past the recovery point ends the log before it") {
  const auto bases = segment_bases();
  std::mt19937_64 random(5);
  const std::string file = path(bases[4], ".log");
  const Bytes good = files.contents(file);
  for (int round = 0; round < 40; ++round) {
    const size_t at = random() % good.size();
    const size_t in_batch = at % written[0].bytes.size();
    const bool leaders = in_batch >= batch_at::kLeaderEpoch && in_batch < batch_at::kMagic;  // not in the CRC
    if (leaders) continue;
    Fixture fresh;
    Bytes bent = good;
    bent[at] ^= static_cast<uint8_t>(1u << (random() % 8));
    fresh.files.put(file, bent);
    const OpenReport report = fresh.reopen(false, 0);
    size_t intact = 0;
    while (intact < fresh.written.size() &&
           !(fresh.written[intact].segment == bases[4] && fresh.written[intact].position + fresh.written[intact].bytes.size() > at)) {
      ++intact;
    }
    REQUIRE(report.end_offset == static_cast<int64_t>(intact * 2));
    REQUIRE(report.segments_dropped == bases.size() - 5);
    fresh.check_prefix(report.end_offset);
    REQUIRE(check_indexes(fresh.files, kDirectory, 300, false) == "");
    REQUIRE(fresh.driver.append(simple_batch(1)).done.base_offset == report.end_offset);
  }
}

TEST_CASE_FIXTURE(Fixture, "a lost or impossible index is built anew, and no record is touched") {
  REQUIRE(driver.close().ok());
  const auto bases = segment_bases();
  const Bytes index = files.contents(path(bases[1], ".index"));
  const Bytes times = files.contents(path(bases[1], ".timeindex"));
  SUBCASE("lost, after a clean stop") { REQUIRE(files.remove(path(bases[1], ".index")).ok()); }
  SUBCASE("time index lost") { REQUIRE(files.remove(path(bases[1], ".timeindex")).ok()); }
  SUBCASE("both lost") {
    REQUIRE(files.remove(path(bases[1], ".index")).ok());
    REQUIRE(files.remove(path(bases[1], ".timeindex")).ok());
  }
  const OpenReport report = reopen(true, 120);
  CHECK(report.segments_recovered == 1);
  CHECK(files.contents(path(bases[1], ".index")) == index);
  CHECK(files.contents(path(bases[1], ".timeindex")) == times);
  check_prefix(120);
}

TEST_CASE_FIXTURE(Fixture, "an index that was never trimmed is noticed after a crash") {
  const auto bases = segment_bases();
  REQUIRE(driver.close().ok());
  const Bytes index = files.contents(path(bases[1], ".index"));
  Bytes sparse = index;
  sparse.resize(4096);
  files.put(path(bases[1], ".index"), sparse);
  const OpenReport report = reopen(false, bases[3]);
  CHECK(report.segments_recovered == bases.size() - 3 + 1);
  CHECK(files.contents(path(bases[1], ".index")) == index);
  check_prefix(120);
}

TEST_CASE_FIXTURE(Fixture, "a broken index of a cold segment makes reading slower, never wrong") {
  REQUIRE(driver.close().ok());
  const auto bases = segment_bases();
  files.put(path(bases[1], ".index"), Bytes(800, 0xff));
  files.put(path(bases[2], ".index"), Bytes(800, 0));
  files.put(path(bases[2], ".timeindex"), Bytes(12, 0xff));
  reopen(true, 120);
  check_prefix(120);
  for (int64_t offset = 0; offset < 120; ++offset) REQUIRE(driver.locate(offset)->first_offset == offset / 2 * 2);
}

TEST_CASE_FIXTURE(Fixture, "leftovers are swept away") {
  REQUIRE(driver.close().ok());
  files.put(path(7'000, ".log.deleted"), Bytes(10));
  files.put(path(7'000, ".index.cleaned"), Bytes(10));
  files.put(path(7'000, ".snapshot.deleted"), Bytes(10));
  files.put(path(9'000, ".index.swap"), Bytes(16, 1));
  files.put(path(8'000, ".index"), Bytes(16, 1));
  files.put(path(8'000, ".timeindex"), Bytes(12, 1));
  files.put(std::string(kDirectory) + "/leader-epoch-checkpoint", Bytes(3));
  files.put(std::string(kDirectory) + "/partition.metadata", Bytes(3));
  reopen(true, 120);
  check_prefix(120);
  CHECK(!files.exists(path(7'000, ".log.deleted")));
  CHECK(!files.exists(path(7'000, ".index.cleaned")));
  CHECK(!files.exists(path(7'000, ".snapshot.deleted")));
  CHECK(!files.exists(path(8'000, ".index")));
  CHECK(!files.exists(path(9'000, ".index.swap")));
  CHECK(!files.exists(path(9'000, ".index")));
  CHECK(!files.exists(path(8'000, ".timeindex")));
  CHECK(files.exists(std::string(kDirectory) + "/leader-epoch-checkpoint"));
}

TEST_CASE_FIXTURE(Fixture, "a swap that cannot be read to its end replaces nothing") {
  REQUIRE(driver.close().ok());
  const auto bases = segment_bases();
  Bytes torn = files.contents(path(bases[1], ".log"));
  torn.resize(torn.size() - 1);
  files.put(path(bases[1], ".log.swap"), torn);
  const auto before = files.names(kDirectory);
  driver.kill();
  CHECK(driver.try_open().status().code() == Code::kCorruptFile);
  CHECK(files.names(kDirectory) == before);
}

TEST_CASE_FIXTURE(Fixture, "a swap of a segment all of whose records went leaves it empty, and the next ones as they are") {
  REQUIRE(driver.close().ok());
  const auto bases = segment_bases();
  files.put(path(bases[1], ".log.swap"), {});
  files.put(path(bases[1], ".index.swap"), {});
  files.put(path(bases[1], ".timeindex.swap"), {});
  reopen(true, 120);
  CHECK(files.contents(path(bases[1], ".log")).empty());
  const auto found = driver.read_all(0);
  std::vector<StoredBatch> expected = written;
  std::erase_if(expected, [&](const StoredBatch& batch) { return batch.segment == bases[1]; });
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].bytes == expected[i].bytes);
}

TEST_CASE_FIXTURE(Fixture, "a clean-shutdown marker that lies is found out") {
  REQUIRE(driver.close().ok());
  const auto bases = segment_bases();
  Bytes last = files.contents(path(bases.back(), ".log"));
  const size_t good = last.size();
  last.resize(good + 100, 0x55);
  files.put(path(bases.back(), ".log"), last);
  const OpenReport report = reopen(true, 120);
  CHECK(report.end_offset == 120);
  CHECK(report.bytes_truncated == 100);
  CHECK(files.contents(path(bases.back(), ".log")).size() == good);
  check_prefix(120);
}

TEST_CASE_FIXTURE(Fixture, "a log that ends below its checkpointed start begins there, empty") {
  REQUIRE(driver.close().ok());
  driver.request().start_offset = 5'000;
  const OpenReport report = reopen(true, 120);
  CHECK(report.start_offset == 5'000);
  CHECK(report.end_offset == 5'000);
  CHECK(driver.append(simple_batch(1)).done.base_offset == 5'000);
}

// A topic that was compacted once and is not any more, and whose checkpoint is gone too: everything is scanned.
TEST_CASE_FIXTURE(Fixture, "a hole between segments is no fault: what follows it stays") {
  const auto bases = segment_bases();
  Bytes shorter = files.contents(path(bases[4], ".log"));
  shorter.resize(shorter.size() - written[0].bytes.size());
  files.put(path(bases[4], ".log"), shorter);
  const OpenReport report = reopen(false, 0);
  CHECK(report.segments_dropped == 0);
  CHECK(report.bytes_truncated == 0);
  CHECK(report.end_offset == 120);
  CHECK(check_indexes(files, kDirectory, 300, false) == "");
  std::vector<StoredBatch> expected = written;
  std::erase_if(expected, [&](const StoredBatch& batch) { return batch.last_offset == bases[5] - 1; });
  const auto found = driver.read_all(0);
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].bytes == expected[i].bytes);
  // Whoever asks for what is missing gets what comes next.
  CHECK(driver.locate(bases[5] - 1)->first_offset == bases[5]);
  CHECK(driver.append(simple_batch(1)).done.base_offset == 120);
}

TEST_CASE_FIXTURE(Fixture, "a roll after a truncation inside a batch leaves a hole, and a crash takes nothing behind it") {
  REQUIRE(driver.truncate_to(101).ok());
  REQUIRE(driver.roll().ok());
  for (int i = 0; i < 5; ++i) REQUIRE(driver.append(simple_batch(1, 60)).done.base_offset == 101 + i);
  const auto before = driver.read_all(0);
  const OpenReport report = reopen(false, 0);
  CHECK(report.segments_dropped == 0);
  CHECK(report.end_offset == 106);
  const auto found = driver.read_all(0);
  REQUIRE(found.size() == before.size());
  for (size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].bytes == before[i].bytes);
}

TEST_CASE_FIXTURE(Fixture, "segments that overlap are not one log: what follows the first is dropped") {
  const auto bases = segment_bases();
  Bytes longer = files.contents(path(bases[4], ".log"));
  const Bytes next = files.contents(path(bases[5], ".log"));
  longer.insert(longer.end(), next.begin(), next.begin() + static_cast<ptrdiff_t>(written[0].bytes.size()));
  files.put(path(bases[4], ".log"), longer);
  const OpenReport report = reopen(false, 0);
  CHECK(report.end_offset == bases[5] + 2);
  check_prefix(report.end_offset);
}

TEST_CASE_FIXTURE(Fixture, "records of an older format are not cut away as garbage") {
  // offset, size, crc, magic 1, attributes, timestamp, null key, value "abc"; the CRC-32 is of what follows it
  Bytes message = {0, 0, 0, 0, 0, 0, 0, 120, 0, 0, 0, 25, 0, 0, 0, 0, 1, 0, 0,
                   0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 3, 'a', 'b', 'c'};
  bool right_crc = false;
  SUBCASE("a real one") { right_crc = true; }
  SUBCASE("garbage that only looks like one") {}
  if (right_crc) store_u32(message.data() + 12, crc32({message.data() + 16, message.size() - 16}));
  const std::string last = path(segment_bases().back(), ".log");
  Bytes bytes = files.contents(last);
  bytes.insert(bytes.end(), message.begin(), message.end());
  driver.kill();
  files.put(last, bytes);
  Result<OpenReport> report = driver.try_open();
  if (right_crc) {
    CHECK(report.status().code() == Code::kUnsupportedMagic);
    CHECK(files.contents(last) == bytes);
  } else {
    REQUIRE(report.ok());
    CHECK(report->bytes_truncated == message.size());
  }
}
