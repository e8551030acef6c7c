#include <doctest/doctest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/byte_order.h"
#include "codec/little_endian.h"
#include "codec/xxhash32.h"
#include "support/plain.h"

using namespace odradek;
using namespace odradek::test;

namespace {

const Plain kOne = bytes_of("one, and once more one, ");
const Plain kTwo = bytes_of("two and two and two");

Plain gzip_with_header(uint8_t flags, const Plain& extras, const Plain& plain) {
  Plain member = compressed(Codec::kGzip, plain);
  member[3] = flags;
  member.insert(member.begin() + 10, extras.begin(), extras.end());
  return member;
}

Plain snappy_block(const Plain& plain) {
  std::string packed;
  snappy::Compress(reinterpret_cast<const char*>(plain.data()), plain.size(), &packed);
  return bytes_of(packed);
}

Plain snappy_stream(int32_t version, std::initializer_list<Plain> blocks) {
  Plain stream = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 0, 0, 0, 0, 1};
  store_i32(stream.data() + 8, version);
  for (const Plain& block : blocks) {
    uint8_t length[4];
    store_u32(length, static_cast<uint32_t>(block.size()));
    stream.insert(stream.end(), length, length + 4);
    stream.insert(stream.end(), block.begin(), block.end());
  }
  return stream;
}

struct Lz4Options {
  LZ4F_blockSizeID_t block = LZ4F_max64KB;
  LZ4F_blockMode_t mode = LZ4F_blockIndependent;
  bool content_checksum = false;
  bool block_checksum = false;
  bool content_size = false;
  int level = 0;
};

Plain lz4_frame(const Plain& plain, const Lz4Options& options = {}) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = options.block;
  preferences.frameInfo.blockMode = options.mode;
  preferences.frameInfo.contentChecksumFlag = options.content_checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
  preferences.frameInfo.blockChecksumFlag = options.block_checksum ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
  preferences.frameInfo.contentSize = options.content_size ? plain.size() : 0;
  preferences.compressionLevel = options.level;
  Plain packed(LZ4F_compressFrameBound(plain.size(), &preferences));
  packed.resize(LZ4F_compressFrame(packed.data(), packed.size(), plain.data(), plain.size(), &preferences));
  return packed;
}

Plain fixed_descriptor(Plain frame) {
  frame[6] = static_cast<uint8_t>(xxhash32({frame.data() + 4, 2}) >> 8);
  return frame;
}

Plain zstd_frame(const Plain& plain, int window_log, bool checksum) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  // As a stream of unknown length, so that the window stands in the header.
  Plain packed(ZSTD_compressBound(plain.size()) + 64);
  ZSTD_inBuffer in{plain.data(), plain.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  return packed;
}

}  // namespace

TEST_CASE("gzip: members one behind the other are one stream") {
  const Plain both = compressed(Codec::kGzip, kOne) + compressed(Codec::kGzip, kTwo);
  CHECK(inflated(Codec::kGzip, both) == kOne + kTwo);
  CHECK(inflated(Codec::kGzip, std::span(both).first(both.size() - 1)) == std::nullopt);
}

TEST_CASE("gzip: what follows the last member and is none is not read") {
  for (const Plain& rest : {Plain(1, 0), Plain(8, 0xff), Plain(100, 0), bytes_of("and some more that is no member's header at all"), Plain{0x1f, 0x8b, 7, 0}}) {
    CHECK(inflated(Codec::kGzip, compressed(Codec::kGzip, kOne) + rest) == kOne);
  }
  // A header with a broken body is a member, and broken.
  const Plain header = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  CHECK(inflated(Codec::kGzip, compressed(Codec::kGzip, kOne) + header + Plain(20, 0xff)) == std::nullopt);
}

TEST_CASE("gzip: all that a header may hold") {
  CHECK(inflated(Codec::kGzip, gzip_with_header(4, {3, 0, 'a', 'b', 'c'}, kOne)) == kOne);
  CHECK(inflated(Codec::kGzip, gzip_with_header(8, bytes_of(std::string("name\0", 5)), kOne)) == kOne);
  CHECK(inflated(Codec::kGzip, gzip_with_header(24, bytes_of(std::string("name\0comment\0", 13)), kOne)) == kOne);
  Plain checked = gzip_with_header(2, {0, 0}, kOne);
  store_le16(checked.data() + 10, static_cast<uint32_t>(crc32(0, checked.data(), 10)) & 0xffff);
  CHECK(inflated(Codec::kGzip, checked) == kOne);
  checked[10] ^= 1;
  CHECK(inflated(Codec::kGzip, checked) == std::nullopt);
  CHECK(inflated(Codec::kGzip, gzip_with_header(8, {}, kOne)) != kOne);
}

TEST_CASE("gzip: a wrong checksum or length is noticed") {
  const Plain whole = compressed(Codec::kGzip, kOne);
  for (size_t at = whole.size() - 8; at < whole.size(); ++at) {
    Plain bent = whole;
    bent[at] ^= 1;
    CHECK(inflated(Codec::kGzip, bent) == std::nullopt);
  }
}

TEST_CASE("snappy: one bare block, short or long") {
  for (const Plain& plain : {kOne, log_lines(1'000'000, 4), Plain()}) CHECK(inflated(Codec::kSnappy, snappy_block(plain)) == plain);
}

TEST_CASE("snappy: a stream of blocks, and several streams") {
  const Plain stream = snappy_stream(1, {snappy_block(kOne), snappy_block(kTwo)});
  CHECK(inflated(Codec::kSnappy, stream) == kOne + kTwo);
  CHECK(inflated(Codec::kSnappy, stream + stream) == kOne + kTwo + kOne + kTwo);
  CHECK(inflated(Codec::kSnappy, snappy_stream(1, {})) == Plain());
  CHECK(inflated(Codec::kSnappy, snappy_stream(1, {snappy_block({}), snappy_block(kOne)})) == kOne);
}

TEST_CASE("snappy: blocks that refer back further than a window, one behind the other in a stream") {
  // 300,000 bytes of noise, and its first sixty again.
  const auto far = [](uint32_t seed) {
    const Plain once = noise(300'000, seed);
    Plain block = {0x9c, 0xa8, 0x12, 62 << 2, 0xdf, 0x93, 0x04};
    return std::pair(block + once + Plain{59 << 2 | 3, 0xe0, 0x93, 0x04, 0x00}, once + Plain(once.begin(), once.begin() + 60));
  };
  const auto [one, plain_one] = far(1);
  const auto [two, plain_two] = far(2);
  CHECK(inflated(Codec::kSnappy, one) == plain_one);
  CHECK(inflated(Codec::kSnappy, snappy_stream(1, {one, snappy_block(kOne), two})) == plain_one + kOne + plain_two);
  CHECK(inflated(Codec::kSnappy, Plain(one.begin(), one.end() - 1)) == std::nullopt);
}

TEST_CASE("snappy: fewer than four bytes at the end are not read, nor what follows a header that is none") {
  const Plain stream = snappy_stream(1, {snappy_block(kOne)});
  CHECK(inflated(Codec::kSnappy, stream + Plain(3, 1)) == kOne);
  Plain other = snappy_stream(1, {snappy_block(kTwo)});
  other[5] = 'x';
  CHECK(inflated(Codec::kSnappy, stream + other) == kOne);
  CHECK(inflated(Codec::kSnappy, stream + Plain(other.begin(), other.begin() + 9)) == std::nullopt);
}

TEST_CASE("snappy: lengths that lie, a version too old, and nothing at all are damage") {
  CHECK(inflated(Codec::kSnappy, {}) == std::nullopt);
  CHECK(inflated(Codec::kSnappy, snappy_stream(0, {snappy_block(kOne)})) == std::nullopt);
  for (const uint32_t length : {0u, 0x7fffffffu, 0xffffffffu}) {
    Plain stream = snappy_stream(1, {snappy_block(kOne)});
    store_u32(stream.data() + 16, length);
    CHECK(inflated(Codec::kSnappy, stream) == std::nullopt);
  }
  Plain longer = snappy_block(kOne);
  ++longer[0];
  CHECK(inflated(Codec::kSnappy, longer) == std::nullopt);
  Plain shorter = snappy_block(kOne);
  --shorter[0];
  CHECK(inflated(Codec::kSnappy, shorter) == std::nullopt);
  // A block that claims two gigabytes and holds three bytes takes no memory for them.
  CHECK(inflated(Codec::kSnappy, Plain{0xff, 0xff, 0xff, 0xff, 0x07, 8, 'a', 'b', 'c'}) == std::nullopt);
}

TEST_CASE("lz4: every block size, checksum and level of the reference encoder") {
  Inflater inflater;
  for (const Plain& plain : {kOne, log_lines(9'000'000, 4), noise(300'000, 1), patterns(500'000, 2)}) {
    for (const auto block : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB}) {
      CHECK(inflated(inflater, Codec::kLz4, lz4_frame(plain, {.block = block})) == plain);
      CHECK(inflated(inflater, Codec::kLz4, lz4_frame(plain, {.block = block, .block_checksum = true, .level = 3})) == plain);
    }
    CHECK(inflated(inflater, Codec::kLz4, lz4_frame(plain, {.content_checksum = true, .content_size = true})) == plain);
  }
}

TEST_CASE("lz4: linked blocks, dictionaries and unknown versions are refused, as Kafka's own decoder does") {
  CHECK(inflated(Codec::kLz4, lz4_frame(log_lines(200'000, 1), {.mode = LZ4F_blockLinked})) == std::nullopt);
  for (const uint8_t flags : {0x61, 0x62, 0xa0, 0x20, 0x40}) {
    Plain frame = lz4_frame(kOne);
    frame[4] = flags;
    CHECK(inflated(Codec::kLz4, fixed_descriptor(frame)) == std::nullopt);
  }
  for (const uint8_t sizes : {0x00, 0x30, 0x41, 0xc0}) {
    Plain frame = lz4_frame(kOne);
    frame[5] = sizes;
    CHECK(inflated(Codec::kLz4, fixed_descriptor(frame)) == std::nullopt);
  }
}

TEST_CASE("lz4: the header's checksum must be right; the content's must only be there") {
  Plain frame = lz4_frame(kOne, {.content_checksum = true});
  Plain bent = frame;
  bent.back() ^= 1;
  CHECK(inflated(Codec::kLz4, bent) == kOne);
  CHECK(inflated(Codec::kLz4, std::span(frame).first(frame.size() - 1)) == std::nullopt);
  frame[6] ^= 1;
  CHECK(inflated(Codec::kLz4, frame) == std::nullopt);
}

TEST_CASE("lz4: a wrong block checksum is noticed, and what follows the frame is not read") {
  Plain frame = lz4_frame(kOne, {.block_checksum = true});
  CHECK(inflated(Codec::kLz4, frame + frame + kTwo) == kOne);
  frame[frame.size() - 5] ^= 1;
  CHECK(inflated(Codec::kLz4, frame) == std::nullopt);
}

TEST_CASE("zstd: frames one behind the other, skippable ones, checksums") {
  Plain skippable = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};
  const Plain frames = zstd_frame(kOne, 17, true) + skippable + zstd_frame({}, 17, false) + zstd_frame(kTwo, 20, false);
  CHECK(inflated(Codec::kZstd, frames) == kOne + kTwo);
  CHECK(inflated(Codec::kZstd, frames + Plain(1, 0x28)) == std::nullopt);
  CHECK(inflated(Codec::kZstd, frames + kOne) == std::nullopt);
  Plain bent = zstd_frame(kOne, 17, true);
  bent.back() ^= 1;
  CHECK(inflated(Codec::kZstd, bent) == std::nullopt);
}

TEST_CASE("zstd: a window of 128 MiB is the largest, and is not taken before it is filled") {
  Inflater inflater;
  CHECK(inflated(inflater, Codec::kZstd, zstd_frame(kOne, 27, false)) == kOne);
  CHECK(inflated(inflater, Codec::kZstd, zstd_frame(kOne, 28, false)) == std::nullopt);
  const Plain plain = log_lines(5'000'000, 8);
  CHECK(inflated(inflater, Codec::kZstd, zstd_frame(plain, 24, true)) == plain);
}
