#include <doctest/doctest.h>
#include <lz4.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "base/byte_order.h"
#include "codec/xxhash32.h"
#include "support/plain.h"

using namespace odradek;
using namespace odradek::test;

namespace {

Plain by_lz4(const Plain& packed, size_t size) {
  LZ4F_dctx* context = nullptr;
  LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
  Plain plain(size + 1);
  size_t made = 0;
  for (size_t read = 0; read < packed.size();) {
    size_t out = plain.size() - made;
    size_t in = packed.size() - read;
    if (LZ4F_isError(LZ4F_decompress(context, plain.data() + made, &out, packed.data() + read, &in, nullptr)) != 0) break;
    made += out;
    read += in;
  }
  LZ4F_freeDecompressionContext(context);
  plain.resize(made);
  return plain;
}

Plain by_snappy(const Plain& packed) {
  Plain plain;
  for (size_t at = 16; at < packed.size();) {
    const size_t size = load_u32(packed.data() + at);
    std::string block;
    if (!snappy::Uncompress(reinterpret_cast<const char*>(packed.data()) + at + 4, size, &block)) return {};
    plain.insert(plain.end(), block.begin(), block.end());
    at += 4 + size;
  }
  return plain;
}

Plain by_zlib(const Plain& packed, size_t size) {
  Plain plain(size + 1);
  z_stream stream{};
  inflateInit2(&stream, MAX_WBITS + 16);
  stream.next_in = const_cast<uint8_t*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  const int result = inflate(&stream, Z_FINISH);
  plain.resize(result == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return plain;
}

Plain by_zstd(const Plain& packed, size_t size) {
  Plain plain(size + 1);
  const size_t made = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  plain.resize(ZSTD_isError(made) != 0 ? 0 : made);
  return plain;
}

}  // namespace

TEST_CASE("what our encoders make, the formats' own libraries read") {
  for (const size_t size : {0, 1, 5, 13, 1'000, 32'768, 65'536, 200'000}) {
    for (auto* make : {log_lines, noise, patterns}) {
      const Plain plain = make(size, static_cast<uint32_t>(size) + 1);
      CAPTURE(size);
      for (const int level : {1, 4, 9, 12}) CHECK(by_lz4(compressed(Codec::kLz4, plain, level), size) == plain);
      CHECK(by_snappy(compressed(Codec::kSnappy, plain)) == plain);
      CHECK(by_zlib(compressed(Codec::kGzip, plain), size) == plain);
      CHECK(by_zstd(compressed(Codec::kZstd, plain), size) == plain);
    }
  }
}

TEST_CASE("XXH32 is the reference's") {
  CHECK(xxhash32({}) == 0x02cc5d05);
  CHECK(xxhash32(bytes_of("abc")) == 0x32d153ff);
  CHECK(xxhash32(bytes_of("Nobody inspects the spammish repetition")) == 0xe2293b2f);
}

TEST_CASE("blocks of the reference encoders, bent at random, are taken and refused as the reference decoders do") {
  std::mt19937 random(4);
  Inflater inflater;
  for (int round = 0; round < 3'000; ++round) {
    const Plain plain = (round % 2 == 0 ? log_lines : patterns)(1 + random() % 3'000, random());
    std::string block;
    snappy::Compress(reinterpret_cast<const char*>(plain.data()), plain.size(), &block);
    for (uint32_t changes = random() % 3; changes > 0; --changes) block[random() % block.size()] = static_cast<char>(random());
    std::string expected;
    size_t length = 0;
    // A length that lies is found out by the reference before it looks at anything else.
    const bool good = snappy::GetUncompressedLength(block.data(), block.size(), &length) && length < (1 << 24) &&
                      snappy::Uncompress(block.data(), block.size(), &expected);
    const std::optional<Plain> got = inflated(inflater, Codec::kSnappy, bytes_of(block));
    CHECK(got == (good ? std::optional(bytes_of(expected)) : std::nullopt));
  }
}
