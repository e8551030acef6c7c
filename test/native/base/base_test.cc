#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_order.h"
#include "base/crc32.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/spin_lock.h"

using namespace odradek;

namespace {

std::vector<uint8_t> random_bytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Scratch {
  std::string path = (std::filesystem::temp_directory_path() / ("odradek-base-" + std::to_string(::getpid()))).string();
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
  PosixFileSystem files;
  std::string at(const char* name) const { return path + "/" + name; }
};

}  // namespace

TEST_CASE("CRC-32C and CRC-32 of the check string are those of their catalogues") {
  CHECK(crc32c(bytes_of("123456789")) == 0xE3069283);
  CHECK(crc32(bytes_of("123456789")) == 0xCBF43926);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("every fast CRC-32C this CPU has agrees with the table at every length and alignment") {
  const auto bytes = random_bytes(40'000, 1);
  for (const char* implementation : {"avx512", "sse4.2", "arm", "table"}) {
    INFO(implementation);
    if (!crc32c_extend_as(implementation, 0, {})) continue;
    for (size_t size = 0; size < 40'000 - 17; size += size < 2'000 ? 1 : 997) {
      const std::span<const uint8_t> part(bytes.data() + size % 17, size);
      const uint32_t expected = crc32c_extend_portable(0, part);
      REQUIRE(*crc32c_extend_as(implementation, 0, part) == expected);
      const uint32_t half = *crc32c_extend_as(implementation, 0, part.first(size / 3));
      REQUIRE(*crc32c_extend_as(implementation, half, part.subspan(size / 3)) == expected);
    }
  }
  CHECK(crc32c_extend_as(crc32c_implementation(), 0, bytes) == crc32c(bytes));
}

TEST_CASE("a changed head changes the CRC as a second pass would") {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    auto bytes = random_bytes(1 + random() % 5'000, random());
    const size_t head = 1 + random() % bytes.size();
    const uint32_t before = crc32c(bytes);
    const std::vector<uint8_t> old_head(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(head));
    for (size_t i = 0; i < head; ++i) {
      if (random() % 3 == 0) bytes[i] = static_cast<uint8_t>(random());
    }
    REQUIRE(crc32c_replace_head(before, old_head, {bytes.data(), head}, bytes.size() - head) == crc32c(bytes));
  }
}

TEST_CASE("integers are big-endian at any address") {
  uint8_t bytes[16] = {};
  store_i64(bytes + 3, -2);
  CHECK(bytes[3] == 0xff);
  CHECK(bytes[10] == 0xfe);
  CHECK(load_i64(bytes + 3) == -2);
  store_i32(bytes + 1, 0x01020304);
  CHECK(bytes[1] == 1);
  CHECK(bytes[4] == 4);
  CHECK(load_u16(bytes + 2) == 0x0203);
}

TEST_CASE("every errno becomes a code, and the detail says what failed") {
  CHECK(code_from_errno(ENOSPC) == Code::kNoSpace);
  CHECK(code_from_errno(EIO) == Code::kIoError);
  CHECK(code_from_errno(12345) == Code::kIoError);
  const Status status = Status::from_errno(ENOSPC, "write /x");
  CHECK(status.sys() == ENOSPC);
  CHECK(status.to_string().find("ERR_NO_SPACE: write /x") == 0);
  CHECK(Status::success().ok());
}

TEST_CASE_FIXTURE(Scratch, "a file takes thousands of pieces in one call and gives them back") {
  auto file = *files.open(at("many"), OpenMode::kCreateNew);
  const auto bytes = random_bytes(10'000, 3);
  std::vector<iovec> pieces;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    pieces.push_back({const_cast<uint8_t*>(bytes.data()) + i, std::min<size_t>(3, bytes.size() - i)});
  }
  REQUIRE(pieces.size() > 3'000);
  REQUIRE(file->write_at(100, pieces).ok());
  CHECK(*file->size() == 10'100);
  std::vector<uint8_t> back(20'000);
  CHECK(*file->read_at(100, back) == 10'000);
  back.resize(10'000);
  CHECK(back == bytes);
  CHECK(*file->read_at(50'000, back) == 0);
  CHECK(*file->read_nowait(100, back) == 10'000);
}

TEST_CASE_FIXTURE(Scratch, "a mapping shows a file that grows beneath it") {
  auto file = *files.open(at("mapped"), OpenMode::kCreate);
  REQUIRE(file->allocate(4096).ok());
  Mapping mapping = *file->map(1 << 20);
  mapping.data()[4095] = 7;
  REQUIRE(file->allocate(8192).ok());
  mapping.data()[8191] = 9;
  uint8_t byte = 0;
  REQUIRE(file->read_at(8191, {&byte, 1}).ok());
  CHECK(byte == 9);
  REQUIRE(file->truncate(4096).ok());
  file.reset();
  CHECK(mapping.data()[4095] == 7);
}

TEST_CASE_FIXTURE(Scratch, "opening says whether a file is there") {
  CHECK(files.open(at("a"), OpenMode::kRead).status().code() == Code::kNotFound);
  REQUIRE(files.open(at("a"), OpenMode::kCreateNew).ok());
  CHECK(files.open(at("a"), OpenMode::kCreateNew).status().code() == Code::kExists);
  REQUIRE(files.rename(at("a"), at("b")).ok());
  CHECK(*files.list(path) == std::vector<std::string>{"b"});
  REQUIRE(files.set_modified(at("b"), 1'234'567).ok());
  CHECK(files.facts(at("b"))->modified_ms == 1'234'567);
  CHECK(files.sync_directory(path).ok());
  CHECK(*files.free_bytes(path) > 0);
  REQUIRE(files.remove(at("b")).ok());
  CHECK(files.remove(at("b")).code() == Code::kNotFound);
}

TEST_CASE_FIXTURE(Scratch, "a lock is one holder's, within one process too, and goes with it") {
  auto first = files.lock(at(".lock"));
  REQUIRE(first.ok());
  CHECK(files.lock(at(".lock")).status().code() == Code::kLocked);
  (*first).reset();
  CHECK(files.lock(at(".lock")).ok());
}

TEST_CASE("a spin lock lets one in at a time") {
  SpinLock lock;
  uint64_t count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20'000; ++j) {
        lock.lock();
        ++count;
        lock.unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 80'000);
}
