// Damaged and hostile zstd: never read outside of, and frame by frame what one call over all of them makes.
#include <zstd.h>

#include "fuzz/inflating.h"

using namespace odradek;
using namespace odradek::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  round_trip(Codec::kZstd, bytes, 1 + data[0] % 6);
  // With a magic number before them, bytes get past the first test more often.
  std::vector<uint8_t> packed;
  if ((data[0] & 1) != 0) packed = {0x28, 0xb5, 0x2f, 0xfd};
  packed.insert(packed.end(), bytes.begin(), bytes.end());
  const Outcome ours = inflate(Codec::kZstd, packed);
  std::vector<uint8_t> theirs(kEnough);
  const size_t made = ZSTD_decompress(theirs.data(), theirs.size(), packed.data(), packed.size());
  if (ZSTD_isError(made) == 0 && ours.well) {
    theirs.resize(made);
    expect(ours.plain == theirs);
  }
  return 0;
}
