// Damaged and hostile snappy: blocks come out of our decoder as out of the reference's, or are refused by both; whatever the
// fuzzer takes for a stream is never read outside of.
#include <snappy.h>

#include <string>

#include "fuzz/inflating.h"

using namespace odradek;
using namespace odradek::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  round_trip(Codec::kSnappy, bytes, 0);
  std::vector<uint8_t> stream = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  static_cast<void>(inflate(Codec::kSnappy, stream));
  const Outcome ours = inflate(Codec::kSnappy, bytes);
  size_t length = 0;
  const char* const at = reinterpret_cast<const char*>(data);
  const bool sized = snappy::GetUncompressedLength(at, size, &length);
  if (size >= 16 && data[0] == 0x82 && data[1] == 'S') return 0;  // a stream
  std::string theirs;
  // Too much to compare.
  if (sized && length > kEnough) return 0;
  const bool good = sized && snappy::Uncompress(at, size, &theirs);
  expect(ours.well == good);
  if (ours.well) expect(good && std::string(ours.plain.begin(), ours.plain.end()) == theirs);
  return 0;
}
