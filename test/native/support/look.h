// What check_job needs to look into compressed batches, and batches to look into.
#pragma once

#include "log/batch.h"
#include "log/look.h"
#include "support/batches.h"
#include "support/plain.h"

namespace odradek::test {

class OneInflater final : public InflaterLender {
 public:
  Inflater* inflater(size_t) override { return &inflater_; }

 private:
  Inflater inflater_;
};

// The records of a batch as they lie in it uncompressed.
inline Plain records_of(const TestBatch& batch) {
  const Bytes plain = encode(batch);
  return {plain.begin() + static_cast<ptrdiff_t>(kBatchHeaderSize), plain.end()};
}

// `batch` with `records` in place of its own, compressed.
inline Bytes encode_with(TestBatch batch, Codec codec, const Plain& records) {
  const Plain packed = compressed(codec, records);
  batch.payload = std::string(packed.begin(), packed.end());
  batch.attributes = static_cast<int16_t>(batch.attributes | static_cast<int16_t>(codec));
  return encode(batch);
}

inline Bytes encode(const TestBatch& batch, Codec codec) { return encode_with(batch, codec, records_of(batch)); }

}  // namespace odradek::test
