#include <doctest/doctest.h>

#include <algorithm>

#include "log/batch.h"
#include "log/batch_check.h"
#include "log/look_budget.h"
#include "log/record_walk.h"
#include "support/batches.h"
#include "support/look.h"

using namespace odradek;
using namespace odradek::test;

namespace {

struct Verdict {
  Code code;
  AppendFailure failure;
  std::vector<CheckedBatch> batches;
};

Verdict check(Bytes& bytes, uint32_t flags = 0, int64_t now = 1'000'000, int64_t before = INT64_MAX, int64_t after = INT64_MAX,
              int64_t next_offset = 0) {
  AppendJob job;
  job.bytes = bytes.data();
  job.length = static_cast<uint32_t>(bytes.size());
  job.flags = flags;
  job.now_ms = now;
  job.timestamp_before_max_ms = before;
  job.timestamp_after_max_ms = after;
  job.leader_epoch = (flags & kAppendFollower) != 0 ? -1 : 5;
  Verdict verdict;
  Look look;
  OneInflater inflater;
  verdict.code = check_job(job, {1'000'000}, next_offset, &look, &inflater, &verdict.batches, &verdict.failure);
  return verdict;
}

Code check_bent(TestBatch batch, void (*bend)(Bytes&), uint32_t flags = 0) {
  Bytes bytes = encode(batch);
  bend(bytes);
  fix_crc(&bytes);
  return check(bytes, flags).code;
}

TestBatch rich_batch() {
  TestBatch batch = simple_batch(3, 40);
  batch.records[0].key = "k";
  batch.records[1].value = std::nullopt;
  batch.records[1].timestamp = 90'000;
  batch.records[2].headers = {{"h1", "v"}, {"", std::nullopt}};
  batch.records[2].value = std::string(20'000, 'x');
  return batch;
}

}  // namespace

TEST_CASE("good batches pass as they are") {
  Bytes bytes = encode(rich_batch());
  const Bytes before = bytes;
  const Verdict verdict = check(bytes);
  CHECK(verdict.code == Code::kOk);
  CHECK(bytes == before);
  REQUIRE(verdict.batches.size() == 1);
  CHECK(verdict.batches[0].max_timestamp == 90'000);
  CHECK(verdict.batches[0].last_offset_delta == 2);
}

TEST_CASE("a batch cut at any byte is refused, and so is one with a byte too many") {
  const Bytes whole = encode(rich_batch());
  for (size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 97) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    REQUIRE(check(cut).code != Code::kOk);
  }
  Bytes longer = whole;
  longer.push_back(0);
  CHECK(check(longer).code == Code::kCorruptBatch);
}

TEST_CASE("any flipped bit is noticed, but for the fields the leader writes") {
  const Bytes whole = encode(simple_batch(2, 30));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    const size_t byte = bit / 8;
    const bool leaders = byte >= batch_at::kLeaderEpoch && byte < batch_at::kMagic;
    if (leaders) continue;
    Bytes bent = whole;
    bent[byte] ^= static_cast<uint8_t>(1u << (bit % 8));
    REQUIRE(check(bent).code != Code::kOk);
  }
}

TEST_CASE("records cut or stretched inside a batch are refused wherever the fault lies") {
  const Bytes whole = encode(rich_batch());
  // With a right CRC, so that only the walk can see it.
  for (size_t at = kBatchHeaderSize; at < whole.size(); at += at < 200 ? 1 : 501) {
    for (const int by : {-1, 1, 64, 127}) {
      Bytes bent = whole;
      bent[at] = static_cast<uint8_t>(bent[at] + by);
      fix_crc(&bent);
      static_cast<void>(check(bent));  // never reads outside: the sanitizers watch
    }
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(at));
    store_i32(cut.data() + batch_at::kLength, static_cast<int32_t>(cut.size() - kBatchLengthEnd));
    fix_crc(&cut);
    REQUIRE(check(cut).code == Code::kInvalidRecord);
  }
}

TEST_CASE("headers that contradict themselves are refused") {
  const TestBatch good = simple_batch(2);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kRecordCount, 3); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kRecordCount, 0); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kLastOffsetDelta, INT32_MAX); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) { store_i64(b.data(), 5); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) { b[batch_at::kMagic] = 1; }) == Code::kUnsupportedMagic);
  CHECK(check_bent(good, [](Bytes& b) { b[batch_at::kMagic] = 3; }) == Code::kCorruptBatch);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kLength, -5); }) == Code::kCorruptBatch);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kLength, INT32_MAX); }) == Code::kCorruptBatch);
  CHECK(check_bent(good, [](Bytes& b) { store_i32(b.data() + batch_at::kLength, 48); }) == Code::kCorruptBatch);
  CHECK(check_bent(good, [](Bytes& b) { store_i16(b.data() + batch_at::kAttributes, 5); }) == Code::kUnreadable);
  CHECK(check_bent(good, [](Bytes& b) { store_i16(b.data() + batch_at::kAttributes, 0x20); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) { store_i64(b.data() + batch_at::kProducerId, 9); }) == Code::kInvalidRecord);
  CHECK(check_bent(good, [](Bytes& b) {
          store_i64(b.data() + batch_at::kProducerId, 9);
          store_i32(b.data() + batch_at::kBaseSequence, 0);
        }) == Code::kOk);
}

TEST_CASE("a coordinator may write control batches") {
  TestBatch marker = simple_batch(1);
  marker.attributes = 0x30;
  marker.producer_id = 42;
  marker.producer_epoch = 3;
  Bytes bytes = encode(marker);
  CHECK(check(bytes).code == Code::kInvalidRecord);
  CHECK(check(bytes, kAppendInternal).code == Code::kOk);
}

TEST_CASE("on a compacted topic records without a key are named one by one") {
  TestBatch batch = simple_batch(4);
  batch.records[1].key = "k";
  batch.records[3].key = "";
  Bytes bytes = encode(batch);
  const Verdict verdict = check(bytes, kAppendKeysRequired);
  CHECK(verdict.code == Code::kInvalidRecord);
  REQUIRE(verdict.failure.record_errors.size() == 2);
  CHECK(verdict.failure.record_errors[0].index == 0);
  CHECK(verdict.failure.record_errors[1].index == 2);
  CHECK(verdict.failure.record_error_count == 2);
}

TEST_CASE("of a batch with very many refused records the first are named, and all are counted") {
  constexpr uint32_t kMany = 3 * AppendFailure::kMaxRecordErrors;
  Bytes bytes = encode(simple_batch(kMany));
  const Verdict verdict = check(bytes, kAppendKeysRequired);
  CHECK(verdict.code == Code::kInvalidRecord);
  REQUIRE(verdict.failure.record_errors.size() == AppendFailure::kMaxRecordErrors);
  CHECK(verdict.failure.record_errors.back().index == static_cast<int32_t>(AppendFailure::kMaxRecordErrors) - 1);
  CHECK(verdict.failure.record_error_count == kMany);
}

TEST_CASE("timestamps out of bounds are named, -1 passes, and time wins over keys") {
  TestBatch batch = simple_batch(5, 10, 1'000'000);
  batch.records[1].timestamp = 899'999;
  batch.records[2].timestamp = 1'050'001;
  batch.records[3].timestamp = -1;
  Bytes bytes = encode(batch);
  CHECK(check(bytes, 0, 1'000'000, 100'000, 60'000).failure.record_errors.size() == 1);
  const Verdict verdict = check(bytes, 0, 1'000'000, 100'000, 50'000);
  CHECK(verdict.code == Code::kInvalidTimestamp);
  REQUIRE(verdict.failure.record_errors.size() == 2);
  CHECK(verdict.failure.record_errors[0].index == 1);
  CHECK(verdict.failure.record_errors[0].timestamp == 899'999);
  CHECK(verdict.failure.record_errors[1].index == 2);
  CHECK(check(bytes, kAppendLogAppendTime, 1'000'000, 0, 0).code == Code::kOk);

  batch.records[4].key = "k";
  Bytes mixed = encode(batch);
  CHECK(check(mixed, kAppendKeysRequired, 1'000'000, 100'000, 50'000).code == Code::kInvalidRecord);
  batch.records[1].key = "k";
  Bytes late_with_key = encode(batch);
  CHECK(check(late_with_key, kAppendKeysRequired, 1'000'000, 100'000, 50'000).code == Code::kInvalidTimestamp);
}

TEST_CASE("a batch that says LogAppendTime: its records bear its largest timestamp, and only topics with CreateTime take it") {
  TestBatch batch = simple_batch(2);
  batch.records[1].key = "k";
  batch.attributes = static_cast<int16_t>(0x8088);
  const auto stamped = [&batch](int64_t timestamp) {
    Bytes bytes = encode(batch);
    store_i64(bytes.data() + batch_at::kMaxTimestamp, timestamp);
    fix_crc(&bytes);
    return bytes;
  };
  Bytes bytes = stamped(7);
  CHECK(check(bytes, 0, 1'000'000, 999'993).code == Code::kOk);
  CHECK(BatchHeader(bytes.data()).attributes() == 0);  // the bit is cleared, and what Kafka does not know goes with it
  CHECK(BatchHeader(bytes.data()).max_timestamp() == 7);
  CHECK(crc_matches(bytes));
  bytes = stamped(7);
  CHECK(check(bytes, 0, 1'000'000, 999'992).failure.record_errors[1].timestamp == 7);
  bytes = stamped(-7);
  CHECK(check(bytes).batches[0].max_timestamp == -1);
  for (const auto& [timestamp, flags] : {std::pair{7, uint32_t{kAppendLogAppendTime}}, std::pair{-1, uint32_t{0}}}) {
    bytes = stamped(timestamp);
    const Verdict verdict = check(bytes, flags);
    CHECK(verdict.code == Code::kInvalidTimestamp);
    REQUIRE(verdict.failure.record_errors.size() == 2);
    CHECK(verdict.failure.record_errors[0].key_size == -1);
    CHECK(verdict.failure.record_errors[1].key_size == 1);
    CHECK(verdict.failure.record_errors[1].value_size == 10);
    CHECK(verdict.failure.record_errors[1].offset_delta == 1);
  }
}

TEST_CASE("attributes that nobody knows stay where the header is not rewritten") {
  TestBatch batch = simple_batch(2);
  batch.attributes = static_cast<int16_t>(0x80c0);
  Bytes bytes = encode(batch);
  CHECK(check(bytes).code == Code::kOk);
  CHECK(BatchHeader(bytes.data()).attributes() == static_cast<int16_t>(0x80c0));
  CHECK(check(bytes, kAppendLogAppendTime).code == Code::kOk);
  CHECK(BatchHeader(bytes.data()).attributes() == 0x48);
}

TEST_CASE("any timestamp is taken where there are no bounds, and the largest one told") {
  for (const int64_t timestamp : {INT64_MAX, INT64_MIN, int64_t{-5}, (int64_t{1} << 53) + 1}) {
    Bytes bytes = encode(simple_batch(1, 10, timestamp));
    const Verdict verdict = check(bytes);
    CHECK(verdict.code == Code::kOk);
    CHECK(verdict.batches[0].max_timestamp == std::max<int64_t>(-1, timestamp));
    bytes = encode(simple_batch(1, 10, timestamp));
    CHECK(check(bytes, 0, 1'800'000'000'000, 1'000'000, 1'000'000).failure.record_errors.at(0).timestamp == timestamp);
  }
}

TEST_CASE("the first fault of a batch is the one that Kafka finds first") {
  Bytes bytes = encode(simple_batch(1, 1'000'000));
  bytes.back() ^= 1;
  CHECK(check(bytes).code == Code::kMessageTooLarge);
  store_i64(bytes.data(), 5);
  CHECK(check(bytes).code == Code::kInvalidRecord);
  Bytes small = encode(simple_batch(1));
  store_i16(small.data() + batch_at::kAttributes, 5);
  store_i32(small.data() + batch_at::kRecordCount, 7);
  CHECK(check(small).code == Code::kCorruptBatch);
  fix_crc(&small);
  CHECK(check(small).code == Code::kUnreadable);
}

TEST_CASE("offsets inside a plain batch stay as they are; inside a compressed one they must be in turn") {
  Bytes bytes = encode(simple_batch(2));
  const std::vector<uint8_t> second = encode_record(simple_batch(1).records[0], 1'000, 1);
  const size_t at = bytes.size() - second.size();
  bytes[at + 3] = 0x00;  // the same offset again
  fix_crc(&bytes);
  const Bytes before = bytes;
  CHECK(check(bytes).code == Code::kOk);
  CHECK(bytes == before);
  RecordRules rules;
  rules.base_timestamp = 1'000;
  rules.compressed = true;
  const std::span<const uint8_t> records(bytes.data() + kBatchHeaderSize, bytes.size() - kBatchHeaderSize);
  CHECK(walk_records(records, 2, rules, nullptr).code == Code::kUnreadable);
  rules.keys_required = true;
  CHECK(walk_records(records, 2, rules, nullptr).code == Code::kInvalidRecord);
}

TEST_CASE("a length that does not end is no fault of the record where the batch is plain") {
  const Bytes endless(8, 0xff);
  RecordRules rules;
  CHECK(walk_records(endless, 1, rules, nullptr).code == Code::kUnreadable);
  CHECK(walk_records(std::span(endless).first(4), 1, rules, nullptr).code == Code::kInvalidRecord);
}

TEST_CASE("a batch is inspected ahead of its append for all faults but its place, and stays as it is") {
  const auto inspect = [](Bytes& bytes, uint32_t flags = 0) {
    AppendJob job;
    job.bytes = bytes.data();
    job.length = static_cast<uint32_t>(bytes.size());
    job.flags = flags;
    job.now_ms = 1'000'000;
    OneInflater inflater;
    AppendFailure failure;
    uint64_t budget = kUnboundedLook;
    return inspect_batch(job, {1'000'000}, &inflater, &budget, &failure);
  };
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const TestBatch batch = simple_batch(3, 10, 500);
    Bytes bytes = codec == Codec::kNone ? encode(batch) : encode(batch, codec);
    store_i64(bytes.data() + batch_at::kMaxTimestamp, 9);
    fix_crc(&bytes);
    const Bytes before = bytes;
    CHECK(inspect(bytes) == Code::kOk);
    CHECK(inspect(bytes, kAppendLogAppendTime) == Code::kOk);
    CHECK(inspect(bytes, kAppendKeysRequired) == Code::kInvalidRecord);
    CHECK(bytes == before);
    bytes.back() ^= 1;
    CHECK(inspect(bytes) == Code::kCorruptBatch);
    store_i64(bytes.data(), 5);
    CHECK(inspect(bytes) == Code::kInvalidRecord);
    Bytes cut(before.begin(), before.end() - 1);
    CHECK(inspect(cut) == Code::kCorruptBatch);
  }
  TestBatch broken = simple_batch(3, 10, 500);
  broken.attributes = 2;
  broken.payload = "not really snappy";
  Bytes bytes = encode(broken);
  CHECK(inspect(bytes) == Code::kUnreadable);
}

TEST_CASE("a batch over max.message.bytes is too large, but not for a coordinator") {
  Bytes bytes = encode(simple_batch(1, 1'000'000));
  CHECK(check(bytes).code == Code::kMessageTooLarge);
  CHECK(check(bytes, kAppendInternal).code == Code::kOk);
}

TEST_CASE("a follower takes whole good batches above its end, as far as they go") {
  const auto at = [](int64_t base, int32_t epoch) {
    TestBatch batch = simple_batch(2);
    batch.base_offset = base;
    batch.leader_epoch = epoch;
    return encode(batch);
  };
  Bytes run = at(10, 1);
  const Bytes more = at(15, 2);  // a gap: compacted
  run.insert(run.end(), more.begin(), more.end());
  const Bytes whole = run;
  CHECK(check(run, kAppendFollower, 0, 0, 0, 10).batches.size() == 2);
  CHECK(check(run, kAppendFollower, 0, 0, 0, 11).code == Code::kUnexpectedOffset);
  CHECK(run == whole);

  Bytes cut(run.begin(), run.end() - 3);
  CHECK(check(cut, kAppendFollower, 0, 0, 0, 10).batches.size() == 1);
  Bytes only_a_piece(run.begin(), run.begin() + 70);
  const Verdict piece = check(only_a_piece, kAppendFollower, 0, 0, 0, 10);
  CHECK(piece.code == Code::kOk);
  CHECK(piece.batches.empty());

  Bytes bent = run;
  bent.back() ^= 1;
  CHECK(check(bent, kAppendFollower, 0, 0, 0, 10).batches.size() == 1);
  bent[70] ^= 1;
  CHECK(check(bent, kAppendFollower, 0, 0, 0, 10).code == Code::kCorruptBatch);

  AppendJob job;
  job.bytes = run.data();
  job.length = static_cast<uint32_t>(run.size());
  job.flags = kAppendFollower;
  job.leader_epoch = 1;
  std::vector<CheckedBatch> batches;
  AppendFailure failure;
  Look look;
  OneInflater inflater;
  CHECK(check_job(job, {1'000'000}, 10, &look, &inflater, &batches, &failure) == Code::kOk);
  CHECK(batches.size() == 1);  // the second is of an epoch the fetch did not know
}

TEST_CASE("a transaction marker tells its kind and its coordinator") {
  // From the vectors in Kafka's documentation of the format: COMMIT, coordinator epoch 9.
  const Bytes record = {0x20, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00};
  const auto marker = read_control_record(record);
  REQUIRE(marker);
  CHECK(marker->type == 1);
  CHECK(marker->coordinator_epoch == 9);
  for (size_t size = 0; size < 9; ++size) CHECK(!read_control_record({record.data(), size}));
}
