#include "batch.h"

#include <array>
#include <stdexcept>
#include <string>

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

// A word of eight letters.
void append_word(Bytes& value, uint64_t seed) {
  uint64_t word = seed * 0x9e3779b97f4a7c15u;
  for (int letter = 0; letter < 8; ++letter, word >>= 8) value.push_back(static_cast<uint8_t>('a' + (word & 0xff) % 26));
}

// One of a few sentences of a few words, and now and then a number: about as repetitive as a server's log.
void append_phrase(Bytes& value, uint64_t& state) {
  const uint64_t random = next_random(state);
  if (random % 4 == 0) {
    for (int digit = 0; digit < 6; ++digit) value.push_back(static_cast<uint8_t>('0' + (random >> (8 + 4 * digit) & 15) % 10));
    return;
  }
  const uint64_t sentence = random / 4 % 48;
  for (uint64_t word = 0; word < 4; ++word) append_word(value, 4 * sentence + word);
}

Bytes payload(Payload kind, size_t size, uint64_t& state) {
  Bytes value;
  value.reserve(size + 32);
  while (value.size() < size) {
    switch (kind) {
      case Payload::words: append_word(value, next_random(state) & 0xff); break;
      case Payload::lines: append_phrase(value, state); break;
      case Payload::noise: value.push_back(static_cast<uint8_t>(next_random(state))); break;
      case Payload::sparse:
        if (value.size() < size / 110) value.push_back(static_cast<uint8_t>(next_random(state)));
        else value.resize(size);
        break;
    }
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

Payload payload_named(std::string_view name) {
  constexpr std::string_view kNames[] = {"words", "lines", "noise", "sparse"};
  for (size_t id = 0; id < std::size(kNames); ++id) {
    if (kNames[id] == name) return static_cast<Payload>(id);
  }
  throw std::runtime_error("no payload is called " + std::string(name));
}

Bytes build_records(const BatchShape& shape) {
  uint64_t state = shape.seed;
  Encoder records;
  for (int32_t i = 0; i < shape.records; ++i) append_record(records, i, payload(shape.payload, shape.value_bytes, state));
  return records.take();
}

Bytes build_batch(const BatchShape& shape) {
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
  batch.raw(compress(shape.codec, build_records(shape)));

  Bytes bytes = batch.take();
  store_be(bytes.data() + kLengthAt, bytes.size() - kAfterLength, 4);
  store_be(bytes.data() + kCrcAt, crc32c(ByteView(bytes).subspan(kAttributesAt)), 4);
  return bytes;
}

}  // namespace load
