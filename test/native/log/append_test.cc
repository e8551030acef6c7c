#include <doctest/doctest.h>

#include <algorithm>

#include "log/batch.h"
#include "log/segment.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {
struct Fixture {
  MemoryFileSystem files;
  LogDriver driver{files, "/orders-0"};
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "a new log starts empty and gives offsets one after the other") {
  const OpenReport report = driver.open();
  CHECK(report.end_offset == 0);
  CHECK(driver.log().end_offset() == 0);

  const auto first = driver.append(simple_batch(3));
  CHECK(first.done.code == Code::kOk);
  CHECK(first.done.base_offset == 0);
  CHECK(first.done.last_offset == 2);
  CHECK(first.done.log_append_time == -1);
  CHECK(first.done.max_timestamp == 1'000);
  const auto second = driver.append(simple_batch(2));
  CHECK(second.done.base_offset == 3);
  CHECK(driver.log().end_offset() == 5);

  const auto stored = driver.read_all();
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].base_offset == 0);
  CHECK(stored[1].base_offset == 3);
  CHECK(BatchHeader(stored[1].bytes.data()).leader_epoch() == 7);
  CHECK(second.done.position == stored[1].position);
}

TEST_CASE_FIXTURE(Fixture, "what was appended is what is read, but for offset and epoch") {
  driver.open();
  TestBatch batch = simple_batch(4, 100);
  batch.records[2].key = "key";
  batch.records[3].headers = {{"trace", "1"}, {"none", std::nullopt}};
  Bytes sent = encode(batch);
  driver.append_bytes(sent);
  store_i64(sent.data(), 0);
  store_i32(sent.data() + batch_at::kLeaderEpoch, 7);
  CHECK(driver.read_all()[0].bytes == sent);
}

TEST_CASE_FIXTURE(Fixture, "jobs queued together are written together and answered in order") {
  driver.open();
  std::vector<uint64_t> cookies;
  driver.hold();
  for (int i = 0; i < 100; ++i) cookies.push_back(driver.enqueue(encode(simple_batch(1 + i % 3, i % 5 == 0 ? 20'000 : 30))));
  const uint64_t before = files.calls();
  driver.release();
  const auto last = driver.recorder().wait_for(cookies.back());
  CHECK(last.done.code == Code::kOk);
  int64_t expected = 0;
  const auto fates = driver.recorder().fates();
  REQUIRE(fates.size() == 100);
  for (size_t i = 0; i < fates.size(); ++i) {
    CHECK(fates[i].done.cookie == cookies[i]);
    CHECK(fates[i].done.base_offset == expected);
    expected = fates[i].done.last_offset + 1;
  }
  CHECK(driver.recorder().rounds() == std::vector<size_t>{100});
  CHECK(files.calls() - before == 1);
  CHECK(driver.read_all().size() == 100);
}

TEST_CASE_FIXTURE(Fixture, "a bad batch fails alone") {
  driver.open();
  Bytes bent = encode(simple_batch(2));
  bent.back() ^= 1;
  driver.enqueue(encode(simple_batch(2)));
  const uint64_t bad = driver.enqueue(bent);
  const uint64_t good = driver.enqueue(encode(simple_batch(2)));
  driver.kick();
  CHECK(driver.recorder().wait_for(good).done.base_offset == 2);
  CHECK(driver.recorder().wait_for(bad).done.code == Code::kCorruptBatch);
  CHECK(driver.log().end_offset() == 4);
}

TEST_CASE_FIXTURE(Fixture, "LogAppendTime stamps the batch and says so, and the CRC still matches") {
  driver.open();
  driver.clock().set(5'000'000);
  const auto fate = driver.append(simple_batch(3, 500), kAppendLogAppendTime);
  CHECK(fate.done.log_append_time == 5'000'000);
  CHECK(fate.done.max_timestamp == 5'000'000);
  const auto stored = driver.read_all();
  const BatchHeader header(stored[0].bytes.data());
  CHECK(header.log_append_time());
  CHECK(header.max_timestamp() == 5'000'000);
}

TEST_CASE_FIXTURE(Fixture, "a wrong maxTimestamp is put right") {
  driver.open();
  Bytes bytes = encode(simple_batch(3, 10, 777));
  store_i64(bytes.data() + batch_at::kMaxTimestamp, 99);
  fix_crc(&bytes);
  CHECK(driver.append_bytes(bytes).done.max_timestamp == 777);
  CHECK(driver.read_all()[0].max_timestamp == 777);
}

TEST_CASE_FIXTURE(Fixture, "jobs decided before a failure was known are sent back") {
  driver.open();
  Bytes bent = encode(simple_batch(1));
  bent.back() ^= 1;
  driver.hold();
  const uint64_t a = driver.enqueue(encode(simple_batch(1)), 0, 1);
  const uint64_t b = driver.enqueue(bent, 0, 1);
  const uint64_t c = driver.enqueue(encode(simple_batch(1)), 0, 1);
  const uint64_t free = driver.enqueue(encode(simple_batch(1)), 0, 0);
  driver.release();
  CHECK(driver.recorder().wait_for(free).done.base_offset == 1);
  CHECK(driver.recorder().wait_for(a).done.generation == 1);
  CHECK(driver.recorder().wait_for(b).done.generation == 2);
  CHECK(driver.recorder().wait_for(c).done.code == Code::kStaleGeneration);
  CHECK(driver.recorder().wait_for(c).done.generation == 2);
  CHECK(driver.append_bytes(encode(simple_batch(1)), 0, 1).done.code == Code::kStaleGeneration);
  CHECK(driver.append_bytes(encode(simple_batch(1)), 0, 2).done.code == Code::kOk);
  CHECK(driver.log().generation() == 2);
}

TEST_CASE_FIXTURE(Fixture, "segments roll by size, and every batch is found afterwards") {
  driver.request().options.segment_bytes = 2'000;
  driver.open();
  for (int i = 0; i < 50; ++i) CHECK(driver.append(simple_batch(2, 100)).done.code == Code::kOk);
  CHECK(driver.log().segment_count() > 5);
  const auto rolls = driver.recorder().rolls();
  REQUIRE(!rolls.empty());
  CHECK(files.exists("/orders-0/" + segment_name(rolls.back()) + ".log"));
  const auto stored = driver.read_all();
  REQUIRE(stored.size() == 50);
  for (size_t i = 0; i < stored.size(); ++i) CHECK(stored[i].base_offset == static_cast<int64_t>(2 * i));
  for (size_t i = 1; i < stored.size(); ++i) {
    if (stored[i].segment != stored[i - 1].segment) CHECK(stored[i].segment == stored[i].base_offset);
  }
  REQUIRE(driver.close().ok());
  CHECK(check_indexes(files, "/orders-0", 4096, true) == "");
}

TEST_CASE_FIXTURE(Fixture, "a batch that fills the segment exactly does not roll, one byte more does") {
  const Bytes batch = encode(simple_batch(1, 100));
  driver.request().options.segment_bytes = static_cast<uint32_t>(batch.size() * 2);
  driver.open();
  driver.append_bytes(batch);
  driver.append_bytes(batch);
  CHECK(driver.log().segment_count() == 1);
  driver.append_bytes(batch);
  CHECK(driver.log().segment_count() == 2);
  CHECK(driver.append(simple_batch(3, 200)).done.code == Code::kRecordListTooLarge);
}

TEST_CASE_FIXTURE(Fixture, "segments roll by the age of their records") {
  driver.request().options.segment_ms = 1'000;
  driver.open();
  driver.append(simple_batch(1, 10, 10'000));
  driver.append(simple_batch(1, 10, 11'000));
  CHECK(driver.log().segment_count() == 1);
  driver.append(simple_batch(1, 10, 11'001));
  CHECK(driver.log().segment_count() == 2);
  // Also among jobs of one round.
  driver.hold();
  driver.enqueue(encode(simple_batch(1, 10, 11'500)));
  const uint64_t late = driver.enqueue(encode(simple_batch(1, 10, 99'000)));
  driver.release();
  driver.recorder().wait_for(late);
  CHECK(driver.log().segment_count() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a segment whose index is full rolls") {
  driver.request().options.index_max_bytes = 24;  // three offset entries, two time entries of which one is kept back
  driver.request().options.index_interval_bytes = 0;
  driver.open();
  for (int i = 0; i < 20; ++i) CHECK(driver.append(simple_batch(1, 10, 1'000 + i)).done.code == Code::kOk);
  CHECK(driver.log().segment_count() > 3);
  REQUIRE(driver.close().ok());
  CHECK(driver.recorder().broken_by() == std::nullopt);
}

TEST_CASE_FIXTURE(Fixture, "with flush.messages=1 a whole round shares one fdatasync, and is answered after it") {
  driver.request().options.flush_messages = 1;
  driver.open();
  uint64_t last = 0;
  driver.hold();
  for (int i = 0; i < 64; ++i) last = driver.enqueue(encode(simple_batch(1)));
  const size_t before = files.trace().size();
  driver.release();
  driver.recorder().wait_for(last);
  const auto trace = files.trace();
  const auto syncs = std::count_if(trace.begin() + static_cast<ptrdiff_t>(before), trace.end(),
                                   [](const std::string& call) { return call.starts_with("fdatasync"); });
  CHECK(syncs == 1);
  CHECK(driver.log().recovery_point() == 64);
  CHECK(driver.recorder().flushes().back() == 64);
}

TEST_CASE_FIXTURE(Fixture, "after close appends are refused at once, and so is everything else") {
  driver.open();
  driver.append(simple_batch(1));
  CHECK(*driver.close() == 1);
  CHECK(driver.append(simple_batch(1)).done.code == Code::kClosed);
  CHECK(driver.flush().status().code() == Code::kClosed);
  CHECK(driver.locate(0).status().code() == Code::kClosed);
  CHECK(driver.close().status().code() == Code::kClosed);
  Slice slice;
  CHECK(!driver.log().locate_hot(0, 1, 100, true, &slice));
}
