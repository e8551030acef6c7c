// What a log is told by its topic's configuration.
#pragma once

#include <cstdint>

namespace odradek {

struct LogOptions {
  uint32_t segment_bytes = 1u << 30;        // segment.bytes
  int64_t segment_ms = 604'800'000;         // segment.ms
  int64_t segment_jitter_ms = 0;            // segment.jitter.ms: upper end; each segment draws its own from jitter_seed
  uint64_t jitter_seed = 0;
  uint32_t index_interval_bytes = 4096;     // index.interval.bytes
  uint32_t index_max_bytes = 10u << 20;     // segment.index.bytes
  uint32_t max_message_bytes = 1'048'588;   // max.message.bytes
  int64_t flush_messages = INT64_MAX;       // flush.messages; 1: one fdatasync for each round of appends
  uint32_t hot_batches = 1024;              // how many of the newest batches locate_hot() remembers (16 bytes each)
};

}  // namespace odradek
