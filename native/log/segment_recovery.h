// Reads a segment whole, checks every batch, and builds its indexes anew.
#pragma once

#include <atomic>
#include <cstdint>

#include "log/segment.h"

namespace odradek {

struct Rescan {
  uint64_t valid_bytes = 0;   // up to the first bad batch, or the end
  int64_t next_offset = 0;    // after the last good batch; the segment's base when there is none
};

// Afterwards the segment's indexes and largest timestamp describe its first valid_bytes; the file is as it was.
// Batches must be whole, of magic 2, have a right CRC, and offsets that rise from `at_least` on.
// kUnsupportedMagic: records of an older format are there, which is not for this path to judge: nothing was decided.
// `progress`, if given, is added to as bytes are read. One user; the segment must not be appended to meanwhile.
Result<Rescan> rescan_segment(Segment& segment, int64_t at_least, uint32_t index_interval_bytes,
                              std::atomic<uint64_t>* progress);

}  // namespace odradek
