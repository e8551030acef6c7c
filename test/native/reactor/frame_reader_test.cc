#include "reactor/frame_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "fixture.h"

using namespace odradek;
using namespace odradek::reactor;
using odradek::test::framed;
using odradek::test::patterned;
using odradek::test::size_field;

namespace {

// Feeds a stream into a reader in given cuts, as a socket would, and collects the frames as text.
class Stream {
 public:
  explicit Stream(uint64_t arena_bytes = 32u << 20, uint32_t max_frame = 8u << 20)
      : arena(*Arena::reserve({.capacity = arena_bytes})), slab(*arena), max_frame_(max_frame) {}
  ~Stream() { reader.reset(*arena); }

  // At most `most` bytes of `bytes` arrive. Says how many were taken: 0 when there is no room.
  size_t arrive(const std::string& bytes, size_t most) {
    FrameReader::Room room = reader.room(*arena, slab);
    if (room.count == 0) return 0;
    const size_t take = std::min({bytes.size(), most, room.bytes});
    size_t at = 0;
    for (uint32_t i = 0; i < room.count; ++i) {
      const size_t some = std::min(room.pieces[i].iov_len, take - at);
      if (some > 0) std::memcpy(room.pieces[i].iov_base, bytes.data() + at, some);
      at += some;
    }
    sane = reader.received(*arena, slab, take, max_frame_, frames);
    return take;
  }
  void arrive_all(const std::string& bytes, size_t at_a_time) {
    for (size_t at = 0; at < bytes.size() && sane;) {
      const size_t took = arrive(bytes.substr(at), at_a_time);
      REQUIRE(took > 0);
      at += took;
    }
  }
  // The frames so far, given back.
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    for (const Frame& frame : frames) {
      texts.emplace_back(reinterpret_cast<const char*>(arena->at(frame.offset)), frame.length);
      arena->release(frame.offset);
    }
    frames.clear();
    return texts;
  }

  std::unique_ptr<Arena> arena;
  Slab slab;
  FrameReader reader;
  std::vector<Frame> frames;
  bool sane = true;

 private:
  const uint32_t max_frame_;
};

}  // namespace

TEST_CASE("frames are the same wherever the network cuts the stream") {
  const std::vector<std::string> texts = {"first", "", "a second, longer one", "x"};
  std::string bytes;
  for (const std::string& text : texts) bytes += framed(text);
  for (size_t first = 0; first <= bytes.size(); ++first) {
    for (size_t second = first; second <= bytes.size(); ++second) {
      Stream stream;
      if (first > 0) stream.arrive_all(bytes.substr(0, first), SIZE_MAX);
      if (second > first) stream.arrive_all(bytes.substr(first, second - first), SIZE_MAX);
      if (bytes.size() > second) stream.arrive_all(bytes.substr(second), SIZE_MAX);
      REQUIRE(stream.take() == texts);
      REQUIRE(!stream.reader.midway());
    }
  }
}

TEST_CASE("a large frame is received into a block of its own, whatever surrounds it") {
  const std::vector<std::string> texts = {"before", patterned(3'000'000, 1), "between", patterned(70'000, 2), patterned(20'000, 3), "after"};
  std::string bytes;
  for (const std::string& text : texts) bytes += framed(text);
  for (const size_t at_a_time : {size_t{1'448}, size_t{4'097}, size_t{65'536}, size_t{200'000}, SIZE_MAX}) {
    Stream stream;
    stream.arrive_all(bytes, at_a_time);
    CHECK(stream.take() == texts);
    CHECK(stream.arena->in_use() <= Slab::kBytes);
  }
}

TEST_CASE("a size that is negative or too large ends the stream, but not the frames before it") {
  for (const int32_t size : {-1, INT32_MIN, 1001, INT32_MAX}) {
    for (const size_t at_a_time : {size_t{1}, size_t{3}, SIZE_MAX}) {
      Stream stream(1u << 20, 1000);
      stream.arrive_all(framed("good") + framed(std::string(1000, 'g')) + size_field(size) + "rest", at_a_time);
      CHECK(!stream.sane);
      CHECK(stream.take() == std::vector<std::string>{"good", std::string(1000, 'g')});
    }
  }
}

TEST_CASE("a claim costs nothing: memory follows what really comes") {
  Stream stream(64u << 20, 100u << 20);
  stream.arrive_all(size_field(60 << 20) + "x", SIZE_MAX);
  CHECK(stream.arena->in_use() <= 2u << 20);
  // Under pressure even less.
  const uint32_t others = stream.arena->lease(40u << 20);
  FrameReader second;
  Slab slab(*stream.arena);
  const FrameReader::Room room = second.room(*stream.arena, slab);
  std::memcpy(room.pieces[0].iov_base, (size_field(60 << 20) + "x").data(), 5);
  std::vector<Frame> frames;
  const uint64_t before = stream.arena->in_use();
  CHECK(second.received(*stream.arena, slab, 5, 100u << 20, frames));
  CHECK(stream.arena->in_use() - before <= 2 * Arena::kPageBytes);
  second.reset(*stream.arena);
  stream.arena->release(others);
}

TEST_CASE("without room nothing is lost: the frame goes on when there is some") {
  Stream stream(1u << 20);
  const uint32_t others = stream.arena->lease((1u << 20) - 2 * Arena::kPageBytes);
  const std::string text = patterned(200'000, 5);
  const std::string bytes = framed("small") + framed(text);
  size_t at = stream.arrive(bytes, 40'000);
  REQUIRE(at > 0);
  while (const size_t took = stream.arrive(bytes.substr(at), SIZE_MAX)) at += took;
  REQUIRE(at < bytes.size());
  CHECK(stream.take() == std::vector<std::string>{"small"});
  stream.arena->release(others);
  stream.arrive_all(bytes.substr(at), SIZE_MAX);
  CHECK(stream.take() == std::vector<std::string>{text});
}

TEST_CASE("between frames a connection holds nothing, and a quiet slab is used from its start again") {
  Stream stream;
  stream.arrive_all(framed("one"), SIZE_MAX);
  const uint32_t first = stream.frames[0].offset;
  CHECK(stream.take() == std::vector<std::string>{"one"});
  CHECK(!stream.reader.midway());
  stream.arrive_all(framed("two"), SIZE_MAX);
  CHECK(stream.frames[0].offset == first);
  stream.take();
  stream.slab.drop();
  CHECK(stream.arena->in_use() == 0);
}

TEST_CASE("a frame that is still held is never written over") {
  Stream stream;
  std::vector<std::string> texts;
  std::string bytes;
  for (uint32_t i = 0; i < 500; ++i) {
    texts.push_back(patterned(i * 7 % 900, i));
    bytes += framed(texts.back());
  }
  stream.arrive_all(bytes, 777);  // all of them held until the end
  CHECK(stream.take() == texts);
}

TEST_CASE("random streams in random cuts, several connections on one slab") {
  const uint64_t seed = test::test_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  auto arena = *Arena::reserve({.capacity = 64u << 20});
  Slab slab(*arena);
  constexpr int kConnections = 5;
  FrameReader readers[kConnections];
  std::string streams[kConnections];
  std::vector<std::string> expected[kConnections], seen[kConnections];
  for (int c = 0; c < kConnections; ++c) {
    for (int i = 0; i < 60; ++i) {
      const size_t length = random() % 10 == 0 ? random() % 400'000 : random() % 3 == 0 ? random() % 20'000 : random() % 200;
      expected[c].push_back(patterned(length, static_cast<uint32_t>(random())));
      streams[c] += framed(expected[c].back());
    }
  }
  for (size_t open = kConnections; open > 0;) {
    const size_t c = random() % kConnections;
    if (streams[c].empty()) continue;
    const FrameReader::Room room = readers[c].room(*arena, slab);
    REQUIRE(room.count > 0);
    const size_t take = std::min({streams[c].size(), room.bytes, 1 + random() % (random() % 2 == 0 ? 100 : 100'000)});
    size_t at = 0;
    for (uint32_t i = 0; i < room.count; ++i) {
      const size_t some = std::min(room.pieces[i].iov_len, take - at);
      if (some > 0) std::memcpy(room.pieces[i].iov_base, streams[c].data() + at, some);
      at += some;
    }
    streams[c].erase(0, take);
    std::vector<Frame> frames;
    REQUIRE(readers[c].received(*arena, slab, take, 1u << 20, frames));
    for (const Frame& frame : frames) {
      seen[c].emplace_back(reinterpret_cast<const char*>(arena->at(frame.offset)), frame.length);
      if (random() % 3 > 0) {
        arena->release(frame.offset);
      }  // else it stays for ever: others must not touch it, and the arena is large enough
    }
    if (streams[c].empty()) --open;
  }
  for (int c = 0; c < kConnections; ++c) CHECK(seen[c] == expected[c]);
}
