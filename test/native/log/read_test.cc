#include <doctest/doctest.h>

#include "log/batch.h"
#include "support/log_driver.h"
#include "support/look.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {

// Ten segments or so of batches of two records; record n has timestamp 1,000 + 10 n.
struct Fixture {
  MemoryFileSystem files;
  LogDriver driver{files, "/orders-0"};
  static constexpr int kBatches = 200;

  Fixture() {
    driver.request().options.segment_bytes = 4'000;
    driver.request().options.index_interval_bytes = 400;
    driver.request().options.hot_batches = 16;
    driver.open();
    for (int i = 0; i < kBatches; ++i) {
      TestBatch batch = simple_batch(2, 50);
      batch.records[0].timestamp = 1'000 + 20 * i;
      batch.records[1].timestamp = 1'010 + 20 * i;
      REQUIRE(driver.append(batch).done.code == Code::kOk);
    }
  }

  int64_t first_offset_in(const Slice& slice) {
    Bytes header(kBatchHeaderSize);
    REQUIRE(*slice.file->read_at(slice.position, header) == kBatchHeaderSize);
    return BatchHeader(header.data()).base_offset();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "every offset is found, cold and hot alike") {
  int hot = 0;
  for (int64_t offset = 0; offset < 2 * kBatches; ++offset) {
    Result<Slice> cold = driver.locate(offset);
    REQUIRE(cold.ok());
    REQUIRE(cold->first_offset == offset / 2 * 2);
    REQUIRE(first_offset_in(*cold) == offset / 2 * 2);
    Slice slice;
    if (!driver.log().locate_hot(offset, INT64_MAX, 1 << 20, true, &slice)) continue;
    ++hot;
    REQUIRE(slice.position == cold->position);
    REQUIRE(slice.length == cold->length);
    REQUIRE(slice.segment_base == cold->segment_base);
    REQUIRE(slice.first_batch_length == cold->first_batch_length);
  }
  CHECK(hot >= 30);
}

TEST_CASE_FIXTURE(Fixture, "a slice ends at the limit, at the segment's end, at the first batch not to be seen") {
  const Slice whole = *driver.locate(0);
  CHECK(whole.length == *whole.file->size());
  const Slice until = *driver.locate(0, 8);
  CHECK(until.length == 4 * until.first_batch_length);
  CHECK(driver.locate(0, 7)->length == until.length);  // the batch of 6 and 7 begins below 7
  CHECK(driver.locate(0, 6)->length == 3 * until.first_batch_length);
  CHECK(driver.locate(0, INT64_MAX, 500, true)->length == 500);
  CHECK(driver.locate(0, INT64_MAX, 10, true)->length == until.first_batch_length);
  CHECK(driver.locate(0, INT64_MAX, 10, false)->length == 10);
  CHECK(driver.locate(4, 4)->length == 0);
  CHECK(driver.locate(400)->length == 0);
  CHECK(driver.locate(401).status().code() == Code::kOffsetOutOfRange);
  REQUIRE(driver.set_start_offset(7).ok());
  CHECK(driver.locate(6).status().code() == Code::kOffsetOutOfRange);
  CHECK(driver.locate(7)->first_offset == 6);
}

TEST_CASE_FIXTURE(Fixture, "a slice outlives the segment it is of") {
  const Slice slice = *driver.locate(0);
  REQUIRE(*driver.delete_segments_below(200) > 2);
  REQUIRE(driver.purge_deleted(INT64_MAX).ok());
  CHECK(!files.exists("/orders-0/00000000000000000000.log"));
  CHECK(!files.exists("/orders-0/00000000000000000000.log.deleted"));
  CHECK(first_offset_in(slice) == 0);
  CHECK(driver.log().start_offset() <= 200);
  CHECK(driver.locate(0).status().code() == Code::kOffsetOutOfRange);
}

TEST_CASE_FIXTURE(Fixture, "the first record at or after a time is found") {
  for (int64_t record = 0; record < 2 * kBatches; record += 7) {
    const int64_t time = 1'000 + 10 * record;
    for (const int64_t asked : {time, time - 5}) {
      Result<TimestampAnswer> answer = driver.find_by_timestamp(asked);
      REQUIRE(answer.ok());
      REQUIRE(answer->kind == TimestampAnswer::Kind::kRecord);
      REQUIRE(answer->offset == record);
      REQUIRE(answer->timestamp == time);
      REQUIRE(answer->leader_epoch == 7);
    }
  }
  CHECK(driver.find_by_timestamp(1'000 + 10 * 2 * kBatches)->kind == TimestampAnswer::Kind::kNone);
  CHECK(driver.find_by_timestamp(0)->offset == 0);
  CHECK(driver.find_by_timestamp(0, 33)->offset == 33);
  const auto latest = driver.max_timestamp();
  CHECK(latest->offset == 2 * kBatches - 1);
  CHECK(latest->timestamp == 1'000 + 10 * (2 * kBatches - 1));
}

TEST_CASE_FIXTURE(Fixture, "the search looks into compressed batches, and goes on behind one that has no such record") {
  for (const Codec codec : kCodecs) {
    TestBatch batch = simple_batch(3, 10, 50'000);
    batch.records[1].timestamp = 60'000 + static_cast<int64_t>(codec);
    driver.append_bytes(encode(batch, codec));
  }
  CHECK(driver.find_by_timestamp(49'000)->offset == 2 * kBatches);
  CHECK(driver.find_by_timestamp(60'001)->offset == 2 * kBatches + 1);
  CHECK(driver.find_by_timestamp(60'001, 2 * kBatches + 2)->offset == 2 * kBatches + 4);
  CHECK(driver.find_by_timestamp(60'004)->offset == 2 * kBatches + 10);
  CHECK(driver.find_by_timestamp(60'005)->kind == TimestampAnswer::Kind::kNone);
  CHECK(driver.max_timestamp()->offset == 2 * kBatches + 10);
  CHECK(driver.max_timestamp()->timestamp == 60'004);
}

TEST_CASE_FIXTURE(Fixture, "an outline tells of every segment, from memory") {
  const auto outline = driver.outline();
  const auto facts = driver.segments();
  REQUIRE(outline->segments.size() == facts->size());
  REQUIRE(facts->size() > 2);
  CHECK(outline->end_offset == 2 * kBatches);
  for (size_t i = 0; i < facts->size(); ++i) {
    CHECK(outline->segments[i].base_offset == (*facts)[i].base_offset);
    CHECK(outline->segments[i].size == (*facts)[i].size);
    CHECK(outline->segments[i].modified_ms == (*facts)[i].modified_ms);
  }
}

TEST_CASE_FIXTURE(Fixture, "with LogAppendTime all records of a batch bear its time") {
  driver.clock().set(90'000);
  driver.append(simple_batch(3), kAppendLogAppendTime);
  CHECK(driver.find_by_timestamp(80'000)->offset == 2 * kBatches);
  CHECK(driver.find_by_timestamp(80'000, 2 * kBatches + 1)->offset == 2 * kBatches + 1);
  CHECK(driver.max_timestamp()->offset == 2 * kBatches);
}

TEST_CASE_FIXTURE(Fixture, "a scan gives every header once, in portions, with what markers say") {
  TestBatch marker = simple_batch(1, 0, 77'000);
  marker.attributes = 0x30;
  marker.producer_id = 42;
  marker.producer_epoch = 3;
  marker.records[0].key = std::string("\0\0\0\1", 4);
  marker.records[0].value = std::string("\0\0\0\0\0\11", 6);
  driver.append(marker, kAppendInternal);
  int64_t from = 3;
  std::vector<BatchFacts> all;
  while (from < driver.log().end_offset()) {
    Result<ScanAnswer> answer = driver.scan(from, 7);
    REQUIRE(answer.ok());
    REQUIRE(answer->batches.size() <= 7);
    REQUIRE(answer->next_offset > from);
    all.insert(all.end(), answer->batches.begin(), answer->batches.end());
    from = answer->next_offset;
  }
  REQUIRE(all.size() == kBatches - 1 + 1);
  for (size_t i = 0; i + 1 < all.size(); ++i) CHECK(all[i].base_offset == static_cast<int64_t>(2 * (i + 1)));
  CHECK(all.back().producer_id == 42);
  CHECK(all.back().producer_epoch == 3);
  CHECK(all.back().control_type == 1);
  CHECK(all.back().coordinator_epoch == 9);
  CHECK(all.front().control_type == -1);
  CHECK(driver.scan(driver.log().end_offset())->batches.empty());
}

TEST_CASE_FIXTURE(Fixture, "segments tell what retention asks") {
  const auto facts = *driver.segments();
  CHECK(facts.size() == driver.log().segment_count());
  uint64_t size = 0;
  for (size_t i = 0; i < facts.size(); ++i) {
    CHECK(facts[i].largest_timestamp == 1'000 + 10 * (facts[i].end_offset - 1));
    CHECK(facts[i].first_timestamp == 1'010 + 10 * facts[i].base_offset);
    if (i > 0) CHECK(facts[i].base_offset == facts[i - 1].end_offset);
    size += facts[i].size;
  }
  CHECK(size == driver.log().size());
}

TEST_CASE_FIXTURE(Fixture, "a batch destroyed on disk is an error that names the place, not a crash or a silence") {
  Slice slice = *driver.locate(0);
  const std::string path = "/orders-0/00000000000000000000.log";
  Bytes bytes = files.contents(path);
  const size_t third = 2 * slice.first_batch_length;
  store_i32(bytes.data() + third + batch_at::kLength, 3);
  const iovec piece{bytes.data(), bytes.size()};
  REQUIRE(slice.file->write_at(0, {&piece, 1}).ok());
  const auto answer = driver.locate(6);
  CHECK(answer.status().code() == Code::kCorruptFile);
  CHECK(answer.status().detail().find("position " + std::to_string(third)) != std::string::npos);
  CHECK(driver.scan(0).status().code() == Code::kCorruptFile);
  CHECK(driver.locate(200).ok());
}
