#include "batch.h"

#include <array>

namespace load {
namespace {

constexpr size_t kLengthAt = 8;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;
constexpr size_t kAfterLength = 12;

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}

uint64_t next_random(uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
  return mixed ^ mixed >> 31;
}

// Words of eight letters, each drawn from 256: every codec shrinks them to a half or less, about as it would log lines.
Bytes payload(size_t size, uint64_t& state) {
  Bytes value;
  value.reserve(size + 8);
  while (value.size() < size) {
    uint64_t word = (next_random(state) & 0xff) * 0x9e3779b97f4a7c15u;
    for (int letter = 0; letter < 8; ++letter, word >>= 8) value.push_back(static_cast<uint8_t>('a' + (word & 0xff) % 26));
  }
  value.resize(size);
  return value;
}

void append_record(Encoder& out, int32_t offset_delta, ByteView value) {
  Encoder body;
  body.int8(0);
  body.varint(0);
  body.varint(offset_delta);
  body.varint(-1);
  body.varint(static_cast<int64_t>(value.size()));
  body.raw(value);
  body.varint(0);
  const Bytes bytes = body.take();
  out.varint(static_cast<int64_t>(bytes.size()));
  out.raw(bytes);
}

}  // namespace

uint32_t crc32c(ByteView bytes) {
  static constexpr std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = ~0u;
  for (const uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xff];
  return ~crc;
}

Bytes build_batch(const BatchShape& shape) {
  uint64_t state = shape.seed;
  Encoder records;
  for (int32_t i = 0; i < shape.records; ++i) append_record(records, i, payload(shape.value_bytes, state));

  Encoder batch;
  batch.int64(0);   // base offset, the broker's to give
  batch.int32(0);   // length, below
  batch.int32(-1);  // leader epoch, the broker's to give
  batch.int8(2);
  batch.int32(0);  // crc, below
  batch.int16(static_cast<int16_t>(shape.codec));
  batch.int32(shape.records - 1);
  batch.int64(shape.timestamp_ms);
  batch.int64(shape.timestamp_ms);
  batch.int64(-1);
  batch.int16(-1);
  batch.int32(-1);
  batch.int32(shape.records);
  batch.raw(compress(shape.codec, records.take()));

  Bytes bytes = batch.take();
  store_be(bytes.data() + kLengthAt, bytes.size() - kAfterLength, 4);
  store_be(bytes.data() + kCrcAt, crc32c(ByteView(bytes).subspan(kAttributesAt)), 4);
  return bytes;
}

}  // namespace load
