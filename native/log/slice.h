// Bytes of a segment to send. Holding one keeps the file open, even when the segment is deleted meanwhile.
#pragma once

#include <cstdint>
#include <memory>

#include "base/file.h"

namespace odradek {

struct Slice {
  std::shared_ptr<FileHandle> file;
  uint64_t position = 0;
  uint32_t length = 0;               // 0: there is nothing to read yet at that offset; `file` may be null
  uint32_t first_batch_length = 0;   // length < first_batch_length: it begins with a partial batch
  int64_t first_offset = -1;         // base offset of the batch at `position`
  int64_t segment_base = -1;
};

}  // namespace odradek
