// Damaged and hostile LZ4: what our decoder takes, the reference takes too and makes the same of it, so that no consumer
// stumbles over what we let in; whatever the fuzzer takes for a frame is never read outside of. (The reference takes some blocks
// that we refuse: it insists on the format's rules for a block's end in some of its loops only.)
#include <lz4.h>

#include <algorithm>

#include "codec/little_endian.h"
#include "codec/xxhash32.h"
#include "fuzz/inflating.h"

using namespace odradek;
using namespace odradek::fuzz;

namespace {

std::vector<uint8_t> frame_of(std::span<const uint8_t> block, uint8_t size_code) {
  std::vector<uint8_t> frame = {0x04, 0x22, 0x4d, 0x18, 0x60, static_cast<uint8_t>(size_code << 4), 0};
  frame[6] = static_cast<uint8_t>(xxhash32({frame.data() + 4, 2}) >> 8);
  frame.resize(11);
  store_le32(frame.data() + 7, static_cast<uint32_t>(block.size()));
  frame.insert(frame.end(), block.begin(), block.end());
  frame.insert(frame.end(), 4, 0);
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  round_trip(Codec::kLz4, bytes, 1 + data[0] % 12);
  static_cast<void>(inflate(Codec::kLz4, bytes));
  const uint8_t size_code = 4 + (data[0] & 1);
  std::vector<uint8_t> theirs(size_t{1} << (2 * size_code + 8));
  const int made = LZ4_decompress_safe(reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(theirs.data()),
                                       static_cast<int>(bytes.size()), static_cast<int>(theirs.size()));
  const Outcome ours = inflate(Codec::kLz4, frame_of(bytes, size_code));
  theirs.resize(static_cast<size_t>(std::max(made, 0)));
  if (ours.well) expect(made >= 0 && ours.plain == theirs);
  return 0;
}
