#include <doctest/doctest.h>

#include <algorithm>

#include "support/plain.h"

using namespace odradek;
using namespace odradek::test;

namespace {

std::vector<Plain> many_plains() {
  std::vector<Plain> plains = {{}, bytes_of("x"), bytes_of("twelve bytes"), bytes_of("thirteen byte")};
  for (const size_t size : {100, 4'000, 65'535, 65'536, 65'537, 300'000, 1'000'000}) {
    for (auto* make : {log_lines, noise, patterns}) plains.push_back(make(size, static_cast<uint32_t>(size)));
  }
  plains.push_back(Plain(700'000, 0));
  return plains;
}

}  // namespace

TEST_CASE("what was compressed comes out as it went in, by one inflater, whatever came before") {
  Inflater inflater;
  for (const Plain& plain : many_plains()) {
    for (const Codec codec : kCodecs) {
      CAPTURE(static_cast<int>(codec));
      CAPTURE(plain.size());
      // Snappy and Kafka have no empty stream but one without blocks.
      CHECK(inflated(inflater, codec, compressed(codec, plain)) == plain);
    }
  }
}

TEST_CASE("every level of Kafka's compresses, and no other") {
  const Plain plain = log_lines(200'000, 3);
  struct Levels {
    Codec codec;
    int lowest;
    int highest;
  };
  for (const auto& [codec, lowest, highest] : {Levels{Codec::kGzip, -1, 9}, Levels{Codec::kLz4, 1, 17}, Levels{Codec::kZstd, -5, 22}}) {
    for (int level = lowest; level <= highest; level += level < 10 ? 1 : 4) {
      CAPTURE(level);
      CHECK(inflated(codec, compressed(codec, plain, level)) == plain);
    }
    CHECK(compressed(codec, plain, highest + 1).empty());
  }
  CHECK(compressed(Codec::kLz4, plain, 12).size() < compressed(Codec::kLz4, plain, 9).size());
}

TEST_CASE("a reader may leave bytes in the window until the next fill") {
  const Plain plain = log_lines(900'000, 9);
  Inflater inflater;
  for (const Codec codec : kCodecs) {
    for (const size_t unread : {size_t{1}, size_t{63}, Inflater::kMostUnread}) CHECK(inflated(inflater, codec, compressed(codec, plain), unread) == plain);
  }
}

TEST_CASE("a stream cut off anywhere is damaged, but for snappy's, which may end after any block") {
  Inflater inflater;
  const Plain plain = log_lines(3'000, 1);
  for (const Codec codec : kCodecs) {
    const Plain whole = compressed(codec, plain);
    for (size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(static_cast<int>(codec));
      CAPTURE(size);
      const std::optional<Plain> cut = inflated(inflater, codec, std::span(whole).first(size));
      if (codec == Codec::kSnappy && size >= 16 && size < 20) CHECK(cut == Plain());
      else if (codec == Codec::kZstd && size == 0) CHECK(cut == Plain());
      else CHECK(cut == std::nullopt);
    }
  }
}

TEST_CASE("damage of any kind ends well or is noticed, and the inflater goes on") {
  Inflater inflater;
  std::mt19937 random(77);
  for (const Codec codec : kCodecs) {
    const Plain plain = log_lines(20'000, 5);
    const Plain whole = compressed(codec, plain);
    for (int round = 0; round < 2'000; ++round) {
      Plain bent = whole;
      for (uint32_t changes = 1 + random() % 4; changes > 0; --changes) bent[random() % bent.size()] = static_cast<uint8_t>(random());
      static_cast<void>(inflated(inflater, codec, bent));
    }
    CHECK(inflated(inflater, codec, whole) == plain);
  }
}

TEST_CASE("a bomb is inflated in a window's memory") {
  Inflater inflater;
  const Plain zeros(64 << 20, 0);
  for (const Codec codec : kCodecs) {
    const Plain packed = compressed(codec, zeros);
    uint64_t largest = 0;
    inflater.begin(codec, packed);
    Decoded decoded;
    do {
      decoded = inflater.fill();
      largest = std::max<uint64_t>(largest, inflater.plain().size());
      inflater.consume(inflater.plain().size());
    } while (decoded == Decoded::kMore);
    CHECK(decoded == Decoded::kEnd);
    CHECK(inflater.made() == zeros.size());
    CHECK(largest <= 256 * 1024);
  }
}
