// Makes record batches of format v2 as a producer would, for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace odradek::test {

struct TestRecord {
  int64_t timestamp = 1'000;
  std::optional<std::string> key;
  std::optional<std::string> value = "value";
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

struct TestBatch {
  std::vector<TestRecord> records;
  int64_t base_offset = 0;
  int32_t leader_epoch = -1;
  int16_t attributes = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  // When set, stands in place of the records' bytes, as a codec's output would.
  std::optional<std::string> payload;
};

using Bytes = std::vector<uint8_t>;

void put_varint(Bytes* out, int64_t value);
Bytes encode_record(const TestRecord& record, int64_t base_timestamp, int32_t offset_delta);
Bytes encode(const TestBatch& batch);
// Recomputes the CRC after a test has bent a field.
void fix_crc(Bytes* batch);

// `count` records of `size` bytes of value each, at `timestamp`.
TestBatch simple_batch(int32_t count, size_t size = 10, int64_t timestamp = 1'000);

}  // namespace odradek::test
