// Walks the batch headers of a segment's file, without looking at records.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "log/batch.h"

namespace odradek {

// Reads ahead a little where batches are small, and header by header where they are large.
// Threads: one user. The file must outlive it. Bytes below `limit` must have been published.
class BatchCursor {
 public:
  BatchCursor(File& file, uint64_t position, uint64_t limit) : file_(file), position_(position), limit_(limit) {}

  // The header of the next batch, valid until the next call. Null at the limit, where the bytes there are no batch
  // (too few, impossible length, other magic), and on a failed read: then status() says so. at() is where it stands.
  const BatchHeader* next();

  uint64_t at() const { return current_; }           // position of the batch next() gave, or of where it stopped
  uint64_t end() const { return position_; }         // position after that batch
  bool at_limit() const { return position_ >= limit_; }
  const Status& status() const { return status_; }

  // Bytes of the current batch from `offset` within it, up to `size`, as far as the file has them. Valid until next().
  Result<std::span<const uint8_t>> bytes(uint64_t offset, size_t size);

 private:
  bool fill(uint64_t position, size_t size);

  File& file_;
  uint64_t position_;
  const uint64_t limit_;
  uint64_t current_ = 0;
  uint64_t buffer_at_ = 0;
  size_t chunk_ = 8192;
  std::vector<uint8_t> buffer_;
  size_t buffered_ = 0;
  std::vector<uint8_t> extra_;
  BatchHeader header_{nullptr};
  Status status_;
};

}  // namespace odradek
