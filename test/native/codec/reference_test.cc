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

namespace {

// A block as Go's encoders make them: its copies reach back as far as they like.
Plain far_reaching_block(std::mt19937& random, size_t bytes) {
  Plain elements;
  size_t made = 0;
  const auto add = [&](std::initializer_list<size_t> all) {
    for (const size_t byte : all) elements.push_back(static_cast<uint8_t>(byte));
  };
  while (made < bytes) {
    const size_t literal = 1 + random() % 3'000;
    add({61 << 2, literal - 1, (literal - 1) >> 8});
    for (size_t i = 0; i < literal; ++i) elements.push_back(static_cast<uint8_t>(random()));
    made += literal;
    for (size_t copies = random() % 60; copies > 0; --copies) {
      const size_t length = 1 + random() % 64;
      const size_t distance = 1 + random() % made;
      add({(length - 1) << 2 | 3, distance, distance >> 8, distance >> 16, distance >> 24});
      made += length;
    }
  }
  Plain block;
  for (; made >= 0x80; made >>= 7) block.push_back(static_cast<uint8_t>(made | 0x80));
  block.push_back(static_cast<uint8_t>(made));
  block.insert(block.end(), elements.begin(), elements.end());
  return block;
}

}  // namespace

TEST_CASE("a snappy block may refer back to its first byte, however long it is") {
  std::mt19937 random(7);
  Inflater inflater;
  for (int round = 0; round < 150; ++round) {
    Plain block = far_reaching_block(random, round % 3 == 0 ? 900'000 : 100'000 + random() % 300'000);
    // Bent after its length: what length to believe is told by another test.
    for (uint32_t changes = random() % 3; changes > 0; --changes) block[3 + random() % (block.size() - 3)] = static_cast<uint8_t>(random());
    std::string expected;
    const bool good = snappy::Uncompress(reinterpret_cast<const char*>(block.data()), block.size(), &expected);
    const std::optional<Plain> got = inflated(inflater, Codec::kSnappy, block);
    REQUIRE(got.has_value() == good);
    if (good) REQUIRE((*got == bytes_of(expected)));
  }
}

TEST_CASE("a snappy block that reaches far and claims more than its bytes can become takes no memory for it") {
  std::mt19937 random(8);
  Plain elements = far_reaching_block(random, 500'000);
  elements.erase(elements.begin(), elements.begin() + 3);
  Plain block = {0xff, 0xff, 0xff, 0xff, 0x07};
  block.insert(block.end(), elements.begin(), elements.end());
  CHECK(inflated(Codec::kSnappy, block) == std::nullopt);
}
