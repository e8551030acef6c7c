// Damaged and hostile gzip: never read outside of, and one good member comes out as zlib's own reader makes it.
#include <zlib.h>

#include "fuzz/inflating.h"

using namespace odradek;
using namespace odradek::fuzz;

namespace {

// The first member alone, by zlib's own reading of headers and trailers.
std::optional<std::vector<uint8_t>> by_zlib(std::span<const uint8_t> packed, size_t* used) {
  std::vector<uint8_t> plain(kEnough);
  z_stream stream{};
  expect(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
  stream.next_in = const_cast<uint8_t*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  const bool whole = ::inflate(&stream, Z_FINISH) == Z_STREAM_END;
  plain.resize(stream.total_out);
  *used = stream.total_in;
  inflateEnd(&stream);
  return whole ? std::optional(plain) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  round_trip(Codec::kGzip, bytes, data[0] % 10);
  // With a header before them, bytes get past the first test more often.
  std::vector<uint8_t> packed;
  if ((data[0] & 1) != 0) packed = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  packed.insert(packed.end(), bytes.begin(), bytes.end());
  const Outcome ours = inflate(Codec::kGzip, packed);
  size_t used = 0;
  const auto theirs = by_zlib(packed, &used);
  // zlib minds flags that are reserved, which Java does not; and what follows is another member, or nothing.
  if (theirs && used == packed.size()) expect(ours.well && ours.plain == *theirs);
  if (ours.well && theirs) expect(ours.plain.size() >= theirs->size());
  return 0;
}
