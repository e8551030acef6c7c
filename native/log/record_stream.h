// Reads the records of a compressed batch out of their plain bytes as these come, piece by piece, without keeping any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "log/varint.h"

namespace odradek {

// What a record says of itself, but for its bytes.
struct RecordHead {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  int32_t key_length = -1;  // as it stands there: below 0 none
  int32_t value_length = -1;
};

class RecordStream {
 public:
  // So many bytes at most are left unread of a piece, for they begin numbers that the next piece ends.
  static constexpr size_t kMostUnread = 64;

  explicit RecordStream(int32_t count = 0) : count_(count) {}

  bool all_read() const { return index_ >= count_; }
  const char* trouble() const { return trouble_; }  // null: none so far
  // Each record read so far was as long as it said. Kafka reads on where one is not.
  bool lengths_fit() const { return lengths_fit_; }

  // Reads records out of `bytes` and calls on_record(index, head) for each that is read whole. Returns how many bytes were
  // used: all but a few, unless all records are read or there is trouble.
  template <typename OnRecord>
  size_t feed(std::span<const uint8_t> bytes, OnRecord&& on_record);

 private:
  enum class Step : uint8_t { kNumbers, kValue, kHeaderCount, kHeaderKey, kHeaderValue, kEnd };
  static constexpr ptrdiff_t kMostNumbers = 5 + 1 + 10 + 5 + 5;  // length, attributes, timestamp, offset, key's length
  static_assert(kMostNumbers <= static_cast<ptrdiff_t>(kMostUnread));

  bool read_head(const uint8_t*& at, const uint8_t* end) {
    if (!read_varint(at, end, &length_) || at == end) return false;
    const uint8_t* const body = at;
    ++at;  // attributes, unused
    const bool whole = read_varlong(at, end, &head_.timestamp_delta) && read_varint(at, end, &head_.offset_delta) && read_varint(at, end, &number_);
    used_ = at - body;
    return whole;
  }

  // Reads the numbers of the step. False: they do not end in these bytes.
  bool read_step(const uint8_t*& at, const uint8_t* end) {
    const uint8_t* to = at;
    const bool whole = step_ == Step::kNumbers ? read_head(to, end) : read_varint(to, end, &number_);
    if (whole) {
      if (step_ != Step::kNumbers) used_ += to - at;
      at = to;
    } else if (end - at >= kMostNumbers) trouble_ = "a number in a record has no end";
    return whole;
  }

  // A record that is whole in these bytes and has no headers, which most are: read in one go. False: it is not, or
  // something is wrong with it; nothing was read.
  bool read_plain_record(const uint8_t*& at, const uint8_t* end);
  static bool skip(const uint8_t*& at, const uint8_t* end, int32_t bytes) {
    if (bytes <= 0) return true;
    if (bytes > end - at) return false;
    at += bytes;
    return true;
  }

  void advance();

  int32_t count_;
  int32_t index_ = 0;
  int32_t number_ = 0;
  int32_t headers_ = 0;  // left of the record
  uint32_t skip_ = 0;    // bytes left of a key or value
  int32_t length_ = 0;   // what the record says it is long
  int64_t used_ = 0;     // what it is long so far
  bool lengths_fit_ = true;
  Step step_ = Step::kNumbers;
  RecordHead head_;
  const char* trouble_ = nullptr;
};

inline bool RecordStream::read_plain_record(const uint8_t*& at, const uint8_t* end) {
  const uint8_t* to = at;
  int32_t length;
  if (!read_varint(to, end, &length) || length <= 0 || length > end - to) return false;
  end = to + length;
  ++to;  // attributes, unused
  int32_t headers;
  const bool whole = read_varlong(to, end, &head_.timestamp_delta) && read_varint(to, end, &head_.offset_delta) &&
                     read_varint(to, end, &head_.key_length) && skip(to, end, head_.key_length) &&
                     read_varint(to, end, &head_.value_length) && skip(to, end, head_.value_length) && read_varint(to, end, &headers);
  if (!whole || headers != 0 || to != end) return false;
  at = end;
  return true;
}

// After the numbers of a step: what is to be skipped, and what comes then.
inline void RecordStream::advance() {
  int32_t skip = number_;
  switch (step_) {
    case Step::kNumbers:
      head_.key_length = number_;
      step_ = Step::kValue;
      break;
    case Step::kValue:
      head_.value_length = number_;
      step_ = Step::kHeaderCount;
      break;
    case Step::kHeaderCount:
      if (number_ < 0) trouble_ = "a record has a negative number of headers";
      headers_ = number_;
      skip = 0;
      step_ = headers_ > 0 ? Step::kHeaderKey : Step::kEnd;
      break;
    case Step::kHeaderKey:
      if (number_ < 0) trouble_ = "a header has no key";
      step_ = Step::kHeaderValue;
      break;
    case Step::kHeaderValue:
    case Step::kEnd:
      step_ = --headers_ > 0 ? Step::kHeaderKey : Step::kEnd;
      break;
  }
  skip_ = static_cast<uint32_t>(std::max(skip, 0));
}

template <typename OnRecord>
size_t RecordStream::feed(std::span<const uint8_t> bytes, OnRecord&& on_record) {
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  while (!all_read() && trouble_ == nullptr) {
    if (skip_ > 0) {
      const size_t skipped = std::min<size_t>(skip_, static_cast<size_t>(end - at));
      at += skipped;
      skip_ -= static_cast<uint32_t>(skipped);
      used_ += static_cast<int64_t>(skipped);
      if (skip_ > 0) break;
    }
    if (step_ == Step::kNumbers && read_plain_record(at, end)) {
      on_record(index_++, head_);
      continue;
    }
    if (step_ == Step::kEnd) {
      if (used_ != length_) lengths_fit_ = false;
      step_ = Step::kNumbers;
      on_record(index_++, head_);
      continue;
    }
    if (!read_step(at, end)) break;
    advance();
  }
  return static_cast<size_t>(at - bytes.data());
}

}  // namespace odradek
