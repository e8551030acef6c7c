#include <doctest/doctest.h>

#include <algorithm>

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

  Fixture() {
    driver.request().options.segment_bytes = 2'000;
    driver.request().options.index_interval_bytes = 300;
    driver.open();
  }
  void append(int batches, int64_t timestamp = 1'000) {
    for (int i = 0; i < batches; ++i) REQUIRE(driver.append(simple_batch(2, 60, timestamp + i)).done.code == Code::kOk);
  }
  std::vector<int64_t> bases() {
    std::vector<int64_t> found;
    for (const StoredBatch& batch : driver.read_all()) found.push_back(batch.base_offset);
    return found;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "truncation cuts batches and segments, and the log goes on from there") {
  append(60);
  const auto before = driver.read_all();
  REQUIRE(driver.flush().ok());
  REQUIRE(driver.truncate_to(51).ok());  // inside the batch of 50 and 51: it goes as a whole
  CHECK(driver.log().end_offset() == 51);
  CHECK(driver.log().recovery_point() == 51);
  auto after = driver.read_all();
  REQUIRE(after.size() == 25);
  for (size_t i = 0; i < after.size(); ++i) CHECK(after[i].bytes == before[i].bytes);
  CHECK(driver.append(simple_batch(1)).done.base_offset == 51);
  CHECK(driver.truncate_to(52).ok());
  CHECK(driver.truncate_to(1'000).ok());
  CHECK(driver.log().end_offset() == 52);
  append(10);
  REQUIRE(driver.close().ok());
  CHECK(check_indexes(files, kDirectory, 300, true) == "");
}

TEST_CASE_FIXTURE(Fixture, "truncating to nothing leaves an empty log that can be filled") {
  append(30);
  REQUIRE(driver.truncate_to(0).ok());
  CHECK(driver.log().end_offset() == 0);
  CHECK(driver.read_all().empty());
  append(3);
  CHECK(bases() == std::vector<int64_t>{0, 2, 4});
}

TEST_CASE_FIXTURE(Fixture, "truncation forgets the largest timestamp with the records that had it") {
  append(3, 1'000);
  append(1, 9'000);
  CHECK(driver.max_timestamp()->timestamp == 9'000);
  REQUIRE(driver.truncate_to(6).ok());
  CHECK(driver.max_timestamp()->timestamp == 1'002);
}

TEST_CASE_FIXTURE(Fixture, "a log started anew begins where it was told, under the same names too") {
  append(30);
  for (const int64_t start : {500, 500, 0}) {
    REQUIRE(driver.start_anew_at(start).ok());
    CHECK(driver.log().start_offset() == start);
    CHECK(driver.log().end_offset() == start);
    CHECK(driver.log().segment_count() == 1);
    CHECK(driver.append(simple_batch(2)).done.base_offset == start);
    CHECK(driver.read_all().size() == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "offsets that no log can have are refused") {
  append(3);
  CHECK(driver.truncate_to(-1).code() == Code::kInvalidArgument);
  CHECK(driver.start_anew_at(-1).code() == Code::kInvalidArgument);
  CHECK(driver.start_anew_at(INT64_MAX).code() == Code::kInvalidArgument);
  CHECK(driver.set_start_offset(7).code() == Code::kOffsetOutOfRange);
  CHECK(driver.set_start_offset(INT64_MIN).ok());
  CHECK(driver.locate(-1).status().code() == Code::kOffsetOutOfRange);
  CHECK(driver.scan(INT64_MIN)->batches.size() == 3);
  CHECK(bases() == std::vector<int64_t>{0, 2, 4});
  driver.kill();
  driver.request().start_offset = INT64_MAX;
  CHECK(driver.try_open().status().code() == Code::kInvalidArgument);
  driver.request().start_offset = INT64_MIN;
  driver.request().recovery_point = INT64_MIN;
  CHECK(driver.open().end_offset == 6);
  CHECK(driver.log().start_offset() == 0);
}

TEST_CASE_FIXTURE(Fixture, "retention deletes whole segments below an offset, never the active one") {
  append(60);
  const auto facts = *driver.segments();
  REQUIRE(facts.size() > 4);
  CHECK(*driver.delete_segments_below(facts[2].base_offset + 1) == 2);
  CHECK(driver.log().start_offset() == facts[2].base_offset);
  CHECK(files.exists(std::string(kDirectory) + "/" + segment_name(0) + ".log.deleted"));
  CHECK(driver.purge_deleted(driver.clock().wall_ms() - 1).ok());
  CHECK(files.exists(std::string(kDirectory) + "/" + segment_name(0) + ".log.deleted"));
  CHECK(driver.purge_deleted(driver.clock().wall_ms()).ok());
  CHECK(!files.exists(std::string(kDirectory) + "/" + segment_name(0) + ".log.deleted"));
  CHECK(bases().front() == facts[2].base_offset);
  CHECK(*driver.delete_segments_below(INT64_MAX) == static_cast<int64_t>(facts.size()) - 3);
  CHECK(driver.log().segment_count() == 1);
  CHECK(*driver.roll() == driver.log().end_offset());
  CHECK(*driver.delete_segments_below(INT64_MAX) == 1);
  CHECK(driver.log().start_offset() == driver.log().end_offset());
  CHECK(driver.log().size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "rolling an empty segment changes nothing") {
  CHECK(*driver.roll() == 0);
  append(1);
  CHECK(*driver.roll() == 2);
  CHECK(*driver.roll() == 2);
  CHECK(driver.log().segment_count() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a background flush makes rolled segments durable and moves the recovery point to the active one") {
  append(30);
  CHECK(driver.log().recovery_point() == 0);
  CHECK(*driver.flush_rolled() == driver.log().active_segment_base());
  CHECK(driver.log().recovery_point() == driver.log().active_segment_base());
  CHECK(driver.recorder().flushes() == std::vector<int64_t>{driver.log().active_segment_base()});
  files.crash(Unsynced::kDropped, 0);
  driver.request().recovery_point = driver.log().recovery_point();
  const int64_t durable = driver.log().recovery_point();
  driver.kill();
  CHECK(driver.open().end_offset >= durable);
}

TEST_CASE_FIXTURE(Fixture, "descriptors do not grow with segments") {
  append(400);
  CHECK(driver.log().segment_count() > 30);
  REQUIRE(driver.flush_rolled().ok());
  CHECK(driver.segments().ok());
  CHECK(driver.read_all().size() == 400);
  CHECK(driver.find_by_timestamp(1'000).ok());
  CHECK(files.open_files() <= 9);  // the active segment, and those with the newest batches
  driver.kill();
  driver.open();
  CHECK(driver.read_all().size() == 400);
  REQUIRE(driver.flush().ok());
  CHECK(files.open_files() == 1);
}

TEST_CASE_FIXTURE(Fixture, "new options hold from the next append on") {
  append(1);
  LogOptions options = driver.request().options;
  options.max_message_bytes = 100;
  driver.log().update_options(options);
  CHECK(driver.append(simple_batch(2, 60)).done.code == Code::kMessageTooLarge);
}

TEST_CASE_FIXTURE(Fixture, "a full disk refuses appends, goes on serving, and takes them again when there is room") {
  append(5);
  uint64_t used = 0;
  for (const std::string& name : files.names(kDirectory)) used += files.contents(std::string(kDirectory) + "/" + name).size();
  files.set_capacity(used + 100);
  const auto refused = driver.append(simple_batch(2, 60));
  CHECK(refused.done.code == Code::kNoSpace);
  CHECK(!refused.failure.status.detail().empty());
  CHECK(!driver.log().broken());
  CHECK(driver.log().end_offset() == 10);
  CHECK(bases().size() == 5);
  CHECK(driver.append(simple_batch(1, 1)).done.code == Code::kOk);  // a small one still fits
  files.set_capacity(UINT64_MAX);
  append(30);
  REQUIRE(driver.close().ok());
  CHECK(check_indexes(files, kDirectory, 300, true) == "");
}

TEST_CASE_FIXTURE(Fixture, "recovery needs no room on a full disk") {
  append(40);
  files.crash(Unsynced::kKept, 0);
  files.set_capacity(0);
  driver.kill();
  Result<OpenReport> report = driver.try_open();
  REQUIRE(report.ok());
  CHECK(report->end_offset == 80);
  CHECK(driver.append(simple_batch(1)).done.code == Code::kNoSpace);
  CHECK(driver.read_all().size() == 40);
  files.set_capacity(UINT64_MAX);
  CHECK(driver.append(simple_batch(1)).done.code == Code::kOk);
}

TEST_CASE_FIXTURE(Fixture, "a write that fails otherwise breaks the log, and everybody hears the same reason") {
  append(2);
  files.set_fault({Fault::Kind::kIoError, 0, false, true});
  CHECK(driver.append(simple_batch(1)).done.code == Code::kIoError);
  CHECK(driver.log().broken());
  CHECK(driver.recorder().broken_by()->code() == Code::kIoError);
  CHECK(driver.append(simple_batch(1)).done.code == Code::kIoError);
  CHECK(driver.flush().status().code() == Code::kIoError);
  CHECK(driver.truncate_to(0).code() == Code::kIoError);
  CHECK(bases() == std::vector<int64_t>{0, 2});  // what is there can still be read
  CHECK(driver.close().status().code() == Code::kIoError);
}

TEST_CASE_FIXTURE(Fixture, "a failed flush is final: nothing of that round is acknowledged or seen") {
  LogOptions options = driver.request().options;
  options.flush_messages = 1;
  driver.log().update_options(options);
  append(1);
  files.set_fault({Fault::Kind::kIoError, 1, false, false});  // the write succeeds, the sync does not
  CHECK(driver.append(simple_batch(1)).done.code == Code::kIoError);
  CHECK(driver.log().end_offset() == 2);
  CHECK(driver.log().broken());
  Slice slice;
  REQUIRE(driver.log().locate_hot(2, INT64_MAX, 1'000, true, &slice));
  CHECK(slice.length == 0);
}

TEST_CASE_FIXTURE(Fixture, "a follower's log keeps offsets, epochs and gaps, and finds its way over them") {
  const auto fetched = [](int64_t base, int32_t epoch) {
    TestBatch batch = simple_batch(2, 60);
    batch.base_offset = base;
    batch.leader_epoch = epoch;
    return encode(batch);
  };
  const auto done = driver.append_bytes(fetched(100, 3), kAppendFollower, 1);
  CHECK(done.done.base_offset == 100);
  CHECK(done.done.leader_epoch == -1 + 4);
  CHECK(driver.append_bytes(fetched(50, 3), kAppendFollower, 1).done.code == Code::kUnexpectedOffset);
  CHECK(driver.append_bytes(fetched(200, 3), kAppendFollower, 0).done.code == Code::kInvalidArgument);
  const uint32_t now = driver.log().generation();
  for (int i = 0; i < 40; ++i) REQUIRE(driver.append_bytes(fetched(200 + 10 * i, 4), kAppendFollower, now).done.code == Code::kOk);
  CHECK(driver.log().end_offset() == 592);
  CHECK(driver.locate(0)->first_offset == 100);
  CHECK(driver.locate(105)->first_offset == 200);
  CHECK(driver.locate(233)->first_offset == 240);
  CHECK(driver.append_bytes(fetched(592 + (int64_t{1} << 31), 4), kAppendFollower, now).done.code == Code::kOk);
  CHECK(driver.locate(600)->first_offset == 592 + (int64_t{1} << 31));
}
