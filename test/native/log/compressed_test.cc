#include <doctest/doctest.h>

#include <algorithm>

#include "log/look_budget.h"
#include "log/record_search.h"
#include "support/look.h"

using namespace odradek;
using namespace odradek::test;

namespace {

struct Verdict {
  Code code = Code::kOk;
  AppendFailure failure;
  std::vector<CheckedBatch> batches;
  int turns = 0;
};

// `budget`: what may be spent in one turn.
Verdict check(Bytes& bytes, uint32_t flags = 0, int64_t before = INT64_MAX, uint64_t budget = UINT64_MAX) {
  AppendJob job;
  job.bytes = bytes.data();
  job.length = static_cast<uint32_t>(bytes.size());
  job.flags = flags;
  job.now_ms = 1'000'000;
  job.timestamp_before_max_ms = before;
  job.leader_epoch = 5;
  Look look;
  OneInflater inflater;
  Verdict verdict;
  do {
    look.budget = budget;
    verdict.code = check_job(job, {100'000'000}, 0, &look, &inflater, &verdict.batches, &verdict.failure);
    ++verdict.turns;
  } while (verdict.code == Code::kWouldBlock);
  return verdict;
}

TestBatch rich_batch() {
  TestBatch batch = simple_batch(200, 700, 999'000);
  batch.records[0].key = "k";
  batch.records[1].value = std::nullopt;
  batch.records[1].timestamp = 999'900;
  batch.records[2].headers = {{"h1", "v"}, {"", std::nullopt}};
  batch.records[3].value = std::string(700'000, 'x');  // longer than any window
  batch.records[4].headers = {{"large", std::string(400'000, 'y')}};
  return batch;
}

}  // namespace

TEST_CASE("good batches pass as they are, whichever their codec") {
  for (const Codec codec : kCodecs) {
    Bytes bytes = encode(rich_batch(), codec);
    const Bytes before = bytes;
    const Verdict verdict = check(bytes);
    CHECK(verdict.code == Code::kOk);
    CHECK(bytes == before);
    REQUIRE(verdict.batches.size() == 1);
    CHECK(verdict.batches[0].max_timestamp == 999'900);
    CHECK(verdict.batches[0].last_offset_delta == 199);
  }
}

TEST_CASE("a look in many turns comes to the same end as one at once") {
  for (const Codec codec : kCodecs) {
    Bytes good = encode(rich_batch(), codec);
    const Verdict verdict = check(good, 0, INT64_MAX, 1);
    CHECK(verdict.code == Code::kOk);
    CHECK(verdict.turns > 5);
    CHECK(verdict.batches.at(0).max_timestamp == 999'900);
    TestBatch old = rich_batch();
    old.records[150].timestamp = 5;
    Bytes bad = encode(old, codec);
    const Verdict refused = check(bad, 0, 1'000, 1);
    CHECK(refused.code == Code::kInvalidTimestamp);
    REQUIRE(refused.failure.record_errors.size() == 1);
    CHECK(refused.failure.record_errors[0].index == 150);
  }
}

TEST_CASE("several batches of one job are each looked into once, however often it is left") {
  Bytes job;
  for (const Codec codec : kCodecs) {
    const Bytes batch = encode(rich_batch(), codec);
    job.insert(job.end(), batch.begin(), batch.end());
  }
  const Verdict verdict = check(job, 0, INT64_MAX, 1);
  CHECK(verdict.code == Code::kOk);
  CHECK(verdict.batches.size() == std::size(kCodecs));
}

TEST_CASE("the header says the largest timestamp inside, whatever the producer said, and the CRC agrees") {
  Bytes bytes = encode(rich_batch(), Codec::kLz4);
  store_i64(bytes.data() + batch_at::kMaxTimestamp, 1);
  fix_crc(&bytes);
  CHECK(check(bytes).code == Code::kOk);
  CHECK(BatchHeader(bytes.data()).max_timestamp() == 999'900);
  CHECK(crc_matches(bytes));
  // Timestamps wrap as in Java: without one that is larger, it is -1.
  TestBatch wrapped = simple_batch(1);
  wrapped.records[0].timestamp = INT64_MIN;
  Bytes low = encode(wrapped, Codec::kZstd);
  CHECK(check(low).code == Code::kOk);
  CHECK(BatchHeader(low.data()).max_timestamp() == -1);
}

TEST_CASE("a topic with LogAppendTime stamps the batch and does not care for the records' times") {
  Bytes bytes = encode(rich_batch(), Codec::kGzip);
  CHECK(check(bytes, kAppendLogAppendTime, 10).code == Code::kOk);
  CHECK(BatchHeader(bytes.data()).log_append_time());
  CHECK(BatchHeader(bytes.data()).max_timestamp() == 1'000'000);
}

TEST_CASE("records are held against the topic's rules, and the first of those to blame are told") {
  for (const Codec codec : kCodecs) {
    Bytes keyless = encode(rich_batch(), codec);
    const Verdict refused = check(keyless, kAppendKeysRequired);
    CHECK(refused.code == Code::kInvalidRecord);
    CHECK(refused.failure.record_error_count == 199);
    CHECK(refused.failure.record_errors.front().index == 1);
  }
}

TEST_CASE("fields that reach past the end, bytes left over, missing records: the batch is malformed") {
  const TestBatch batch = simple_batch(3, 50);
  const Plain records = records_of(batch);
  for (const Codec codec : kCodecs) {
    for (size_t size = 0; size < records.size(); ++size) {
      Bytes cut = encode_with(batch, codec, Plain(records.begin(), records.begin() + static_cast<ptrdiff_t>(size)));
      const Verdict verdict = check(cut);
      // Nothing at all: snappy-java refuses an empty stream; the others find no record.
      REQUIRE(verdict.code == Code::kInvalidRecord);
      REQUIRE(verdict.failure.record_errors.empty());
    }
    Bytes longer = encode_with(batch, codec, records + Plain(1, 0));
    CHECK(check(longer).code == Code::kInvalidRecord);
    Bytes endless = encode_with(batch, codec, Plain(300, 0xff));
    CHECK(check(endless).code == Code::kInvalidRecord);
  }
}

TEST_CASE("a record that is not as long as its fields is malformed, though Kafka, which skips them, would take it") {
  TestBatch batch = simple_batch(2, 50);
  batch.records[1].key = "k";
  for (const int change : {-2, 2}) {
    Plain records = records_of(batch);
    records[0] = static_cast<uint8_t>(records[0] + change);
    Bytes bytes = encode_with(batch, Codec::kLz4, records);
    CHECK(check(bytes).code == Code::kInvalidRecord);
    CHECK(check(bytes).failure.record_errors.empty());
    // So Kafka's own reasons to refuse the batch come first.
    Bytes keyless = encode_with(batch, Codec::kLz4, records);
    CHECK(check(keyless, kAppendKeysRequired).failure.record_errors.size() == 1);
    Bytes longer = encode_with(batch, Codec::kLz4, records + Plain(1, 0));
    CHECK(check(longer).code == Code::kInvalidRecord);
  }
}

TEST_CASE("a record to blame is told before a gzip trailer that does not fit, as it is read before it") {
  const TestBatch batch = simple_batch(3, 50);
  const auto with_bad_trailer = [&](const Plain& records) {
    const Plain whole = compressed(Codec::kGzip, records);
    TestBatch bad = batch;
    bad.payload = std::string(whole.begin(), whole.end());
    bad.payload->back() ^= 1;
    bad.attributes = static_cast<int16_t>(Codec::kGzip);
    return encode(bad);
  };
  Plain records = records_of(batch);
  Bytes well = with_bad_trailer(records);
  CHECK(check(well).code == Code::kUnreadable);
  Bytes bent = with_bad_trailer(records + Plain(1, 0));
  CHECK(check(bent).code == Code::kInvalidRecord);
}

TEST_CASE("what does not inflate, and offsets that do not count up, are what Kafka has no word for") {
  const TestBatch batch = simple_batch(3, 300);
  for (const Codec codec : kCodecs) {
    const Plain whole = compressed(codec, records_of(batch));
    for (size_t size = 0; size < whole.size(); ++size) {
      TestBatch cut = batch;
      cut.payload = std::string(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      cut.attributes = static_cast<int16_t>(codec);
      Bytes bytes = encode(cut);
      const Code code = check(bytes).code;
      // A snappy stream may end before any block, zstd before any frame: then there are no records.
      if ((codec == Codec::kSnappy && size >= 16 && size < 20) || (codec == Codec::kZstd && size == 0)) REQUIRE(code == Code::kInvalidRecord);
      else REQUIRE(code == Code::kUnreadable);
    }
    Plain twisted;
    for (const int32_t delta : {0, 2, 1}) {
      const Bytes record = encode_record(batch.records[0], 1'000, delta);
      twisted.insert(twisted.end(), record.begin(), record.end());
    }
    Bytes bytes = encode_with(batch, codec, twisted);
    CHECK(check(bytes).code == Code::kUnreadable);
  }
}

namespace {
Result<FoundRecord> found_in(const Bytes& batch, int64_t timestamp, int64_t from_offset) {
  uint64_t budget = kUnboundedLook;
  return find_record_in_batch(batch, timestamp, from_offset, &budget);
}
}  // namespace

TEST_CASE("the first record at or after a time is found inside a batch of any codec") {
  TestBatch batch = simple_batch(5, 90'000);
  for (int i = 0; i < 5; ++i) batch.records[static_cast<size_t>(i)].timestamp = 1'000 + 10 * i;
  batch.records[1].timestamp = 9'000;
  batch.base_offset = 100;
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const Bytes bytes = codec == Codec::kNone ? encode(batch) : encode(batch, codec);
    CHECK(found_in(bytes, 1'000, 0)->offset == 100);
    CHECK(found_in(bytes, 1'001, 0)->offset == 101);
    CHECK(found_in(bytes, 1'015, 102)->offset == 102);
    CHECK(found_in(bytes, 1'015, 102)->timestamp == 1'020);
    CHECK(!found_in(bytes, 9'001, 0)->found);
  }
  batch.attributes = 4;
  batch.payload = "no zstd at all";
  CHECK(found_in(encode(batch), 0, 0).status().code() == Code::kUnreadable);
}

TEST_CASE("a search goes as far as its budget and says when that is not far enough") {
  TestBatch batch = simple_batch(2, 3 << 20);
  batch.records[1].timestamp = 2'000;
  for (const Codec codec : kCodecs) {
    const Bytes bytes = encode(batch, codec);
    uint64_t budget = kUnboundedLook;
    CHECK(find_record_in_batch(bytes, 2'000, 0, &budget)->offset == 1);
    const uint64_t cost = kUnboundedLook - budget;
    CHECK(cost >= 6u << 20);
    budget = cost / 2;
    CHECK(find_record_in_batch(bytes, 2'000, 0, &budget).status().code() == Code::kWouldBlock);
    CHECK(budget == 0);
    budget = cost;
    CHECK(find_record_in_batch(bytes, 2'000, 0, &budget)->offset == 1);
  }
}
