// Leader epochs begin in the order of the appends, and fence what was decided before.
#include <doctest/doctest.h>

#include "log/batch.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {
struct Fixture {
  MemoryFileSystem files;
  LogDriver driver{files, "/orders-0"};
  Fixture() { driver.open(); }

  // Queued in the leader epoch given, for others to come behind it.
  uint64_t queue(int32_t epoch, uint32_t generation = 0) {
    driver.leader_epoch = epoch;
    return driver.enqueue(encode(simple_batch(1)), 0, generation);
  }
  Code fate(uint64_t cookie) { return driver.recorder().wait_for(cookie).done.code; }
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "an epoch begins behind what was queued before it, and what comes behind of a lower one is fenced") {
  std::promise<Result<int64_t>> begun;
  driver.hold();
  const uint64_t before = queue(3);
  driver.log().begin_epoch(5, [&](const Result<int64_t>& start) { begun.set_value(start); });
  const uint64_t late = queue(3);
  const uint64_t behind = queue(5);
  const uint64_t of_nobody = queue(-1);
  driver.release();
  CHECK(fate(before) == Code::kOk);
  CHECK(*begun.get_future().get() == 1);
  CHECK(fate(late) == Code::kFencedEpoch);
  CHECK(fate(behind) == Code::kOk);
  CHECK(fate(of_nobody) == Code::kOk);
  CHECK(driver.log().end_offset() == 3);
}

TEST_CASE_FIXTURE(Fixture, "an epoch never goes down; the same again says where it began, unless the log was cut below that") {
  queue(1);
  driver.kick();
  CHECK(*driver.begin_epoch(4) == 1);
  driver.leader_epoch = 4;
  driver.append(simple_batch(2));
  CHECK(*driver.begin_epoch(4) == 1);
  CHECK(driver.begin_epoch(3).status().code() == Code::kFencedEpoch);
  CHECK(driver.begin_epoch(-1).status().code() == Code::kInvalidArgument);
  CHECK(driver.truncate_to(0).ok());
  CHECK(*driver.begin_epoch(4) == 0);
  CHECK(*driver.begin_epoch(6) == 0);
}

TEST_CASE_FIXTURE(Fixture, "what relied on a fenced append fails with it, though it comes in the new epoch") {
  std::promise<void> begun;
  driver.hold();
  driver.log().begin_epoch(5, [&](const Result<int64_t>&) { begun.set_value(); });
  const uint64_t fenced = queue(3, 1);
  const uint64_t fenced_too = queue(3, 1);
  const uint64_t decided_on_it = queue(5, 1);
  driver.release();
  begun.get_future().wait();
  CHECK(fate(fenced) == Code::kFencedEpoch);
  CHECK(fate(fenced_too) == Code::kFencedEpoch);
  CHECK(fate(decided_on_it) == Code::kStaleGeneration);
  CHECK(driver.recorder().wait_for(fenced).done.generation == 2);
}

TEST_CASE_FIXTURE(Fixture, "a follower's append of a lower epoch is fenced, and one tells the epoch of its last batch or that nothing was kept") {
  TestBatch batch = simple_batch(2);
  Bytes bytes = encode(batch);
  store_i32(bytes.data() + batch_at::kLeaderEpoch, 5);
  CHECK(*driver.begin_epoch(5) == 0);
  driver.leader_epoch = 4;
  CHECK(driver.append_bytes(bytes, kAppendFollower, 1).done.code == Code::kFencedEpoch);
  driver.leader_epoch = 5;
  const AppendDone kept = driver.append_bytes(bytes, kAppendFollower, 2).done;
  CHECK(kept.code == Code::kOk);
  CHECK(kept.last_offset == 1);
  CHECK(kept.leader_epoch == 5);
  const AppendDone nothing = driver.append_bytes(Bytes(bytes.begin(), bytes.begin() + 30), kAppendFollower, 2).done;
  CHECK(nothing.code == Code::kOk);
  CHECK(nothing.base_offset == -1);
  CHECK(nothing.last_offset == -1);
  CHECK(nothing.leader_epoch == -1);
}

TEST_CASE_FIXTURE(Fixture, "a log that is cut below its start starts there") {
  for (int i = 0; i < 4; ++i) driver.append(simple_batch(1));
  CHECK(driver.set_start_offset(3).ok());
  CHECK(driver.truncate_to(2).ok());
  CHECK(driver.log().start_offset() == 2);
  CHECK(driver.log().end_offset() == 2);
}
