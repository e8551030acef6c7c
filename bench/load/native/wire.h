// Kafka's primitive types, written and read. Big endian; "flexible" versions write lengths as unsigned varints of
// length + 1 and end each structure with a count of tagged fields.
//
// A Decoder never reads past its end: it throws ProtocolError, because an answer we cannot read means that the run
// measured something else than it claims.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace load {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

struct ProtocolError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void store_be(uint8_t* at, uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i, value >>= 8) at[i] = static_cast<uint8_t>(value);
}

inline uint64_t load_be(const uint8_t* at, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i) value = value << 8 | at[i];
  return value;
}

class Encoder {
 public:
  void int8(int8_t value) { fixed(static_cast<uint64_t>(value), 1); }
  void int16(int16_t value) { fixed(static_cast<uint64_t>(value), 2); }
  void int32(int32_t value) { fixed(static_cast<uint64_t>(value), 4); }
  void int64(int64_t value) { fixed(static_cast<uint64_t>(value), 8); }

  void uvarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<uint8_t>(value));
  }
  void varint(int64_t value) { uvarint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }

  void raw(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void raw(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }

  void string(std::string_view text, bool flexible) {
    if (flexible) uvarint(text.size() + 1);
    else int16(static_cast<int16_t>(text.size()));
    raw(text);
  }
  void null_string(bool flexible) {
    if (flexible) uvarint(0);
    else int16(-1);
  }
  void array(size_t count, bool flexible) {
    if (flexible) uvarint(count + 1);
    else int32(static_cast<int32_t>(count));
  }
  /// The length in front of bytes that the caller sends itself.
  void bytes_length(size_t size, bool flexible) { array(size, flexible); }
  void no_tags(bool flexible) {
    if (flexible) uvarint(0);
  }

  size_t size() const { return bytes_.size(); }
  uint8_t* at(size_t position) { return bytes_.data() + position; }
  Bytes take() { return std::move(bytes_); }

 private:
  void fixed(uint64_t value, int width) {
    bytes_.resize(bytes_.size() + static_cast<size_t>(width));
    store_be(bytes_.data() + bytes_.size() - width, value, width);
  }

  Bytes bytes_;
};

class Decoder {
 public:
  explicit Decoder(ByteView bytes) : bytes_(bytes) {}

  int8_t int8() { return static_cast<int8_t>(fixed(1)); }
  int16_t int16() { return static_cast<int16_t>(fixed(2)); }
  int32_t int32() { return static_cast<int32_t>(fixed(4)); }
  int64_t int64() { return static_cast<int64_t>(fixed(8)); }

  uint64_t uvarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = fixed(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw ProtocolError("a varint without an end");
  }

  /// Null reads as empty.
  std::string string(bool flexible) {
    const int64_t size = flexible ? static_cast<int64_t>(uvarint()) - 1 : int16();
    const ByteView text = raw(size < 0 ? 0 : static_cast<size_t>(size));
    return {text.begin(), text.end()};
  }
  /// Null reads as none.
  size_t array(bool flexible) {
    const int64_t count = flexible ? static_cast<int64_t>(uvarint()) - 1 : int32();
    return count < 0 ? 0 : static_cast<size_t>(count);
  }
  void tags(bool flexible) {
    if (!flexible) return;
    for (uint64_t count = uvarint(); count > 0; --count) {
      uvarint();
      raw(uvarint());
    }
  }
  ByteView raw(size_t size) {
    if (size > bytes_.size() - position_) throw ProtocolError("an answer that ends too early");
    const ByteView part = bytes_.subspan(position_, size);
    position_ += size;
    return part;
  }
  size_t position() const { return position_; }

 private:
  uint64_t fixed(int width) { return load_be(raw(static_cast<size_t>(width)).data(), width); }

  ByteView bytes_;
  size_t position_ = 0;
};

}  // namespace load
