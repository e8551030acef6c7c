// The requests a load consists of, each built once and sent many times: only the correlation id changes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire.h"

namespace load {

enum class Api : int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
};

using TopicId = std::array<uint8_t, 16>;

struct Target {
  std::string topic;
  TopicId id{};
  int32_t partition = 0;
};

/// One request as it goes over the wire: `head`, size field included, then `body` (which is not owned), then `tail`.
/// Only large requests have the latter two. Frames are identical but for the four bytes at kCorrelationAt.
struct RequestFrame {
  static constexpr size_t kCorrelationAt = 8;
  Bytes head;
  ByteView body;
  Bytes tail;
  size_t size() const { return head.size() + body.size() + tail.size(); }
};

struct ProduceOptions {
  int16_t version = 9;
  int16_t acks = -1;
};

/// A large `batch` becomes the frame's body and must outlive it; a small one is copied into its head.
RequestFrame produce_request(const ProduceOptions& options, const Target& target, ByteView batch);

struct FetchOptions {
  int16_t version = 12;
  int32_t max_wait_ms = 500;
  int32_t min_bytes = 1;
  int32_t max_bytes = 50 << 20;
  int32_t partition_max_bytes = 1 << 20;
};

struct FetchFrame {
  RequestFrame frame;
  /// Where in frame.head the fetch offset stands, for the next round.
  size_t offset_at = 0;
};

/// One partition, no session.
FetchFrame fetch_request(const FetchOptions& options, const Target& target, int64_t offset);

RequestFrame api_versions_request();

/// Header and body joined, size field included; `body` is what follows the header.
RequestFrame join_request(Api api, int16_t version, bool flexible, ByteView body);

struct ProduceAnswer {
  int16_t error = 0;
  int64_t base_offset = -1;
};
/// `answer` begins behind the size field.
ProduceAnswer read_produce_answer(ByteView answer, int16_t version);

struct FetchAnswer {
  int16_t error = 0;
  int64_t high_watermark = -1;
  size_t records_bytes = 0;
  /// Where the records begin, counted from the start of `answer`.
  size_t records_at = 0;
};
/// `answer` begins behind the size field and need not hold any of the records.
FetchAnswer read_fetch_answer(ByteView answer, int16_t version);

}  // namespace load
