// Checks the parts that every figure rests on against known values. Run by the smoke test.
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "batch.h"
#include "commands.h"
#include "histogram.h"
#include "json.h"

namespace load {
namespace {

void check(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("self-check: ") + what);
}

void check_crc() {
  const std::string_view text = "123456789";
  check(crc32c({reinterpret_cast<const uint8_t*>(text.data()), text.size()}) == 0xe3069283, "CRC-32C of 123456789");
}

void check_varints() {
  Encoder out;
  out.varint(-1);
  out.varint(150);
  const Bytes bytes = out.take();
  check(bytes == Bytes({0x01, 0xac, 0x02}), "zigzag varints");
}

void check_batch() {
  const Bytes batch = build_batch({.records = 3, .value_bytes = 10, .codec = Codec::none, .seed = 7, .timestamp_ms = 5});
  check(load_be(batch.data() + 8, 4) == batch.size() - 12, "batch length");
  check(load_be(batch.data() + 57, 4) == 3, "record count");
  check(batch.size() == 61 + 3 * 17, "three records of 10 bytes");
  check(batch == build_batch({.records = 3, .value_bytes = 10, .codec = Codec::none, .seed = 7, .timestamp_ms = 5}), "the same seed gives the same bytes");
}

void check_codecs() {
  const BatchShape shape{.records = 40, .value_bytes = 1024, .payload = Payload::lines};
  const Bytes records = build_records(shape);
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    if (!has_codec(codec)) continue;
    const Bytes packed = compress(codec, records);
    check(packed.size() < records.size() / 2, "lines shrink");
    Bytes plain(records.size());
    inflate(codec, packed, plain);
    check(plain == records, "what was compressed comes out as it went in");
  }
}

// The bucket that a value lands in may be at most 1/128 wider than the value.
void check_histogram() {
  for (const int64_t value : {0LL, 1LL, 127LL, 128LL, 1000LL, 123'456'789LL, 3'600'000'000'000LL}) {
    Histogram one;
    one.record(value);
    one.record(INT64_MAX);
    const auto found = static_cast<double>(one.percentile(0.5));
    check(found >= static_cast<double>(value) && found <= static_cast<double>(value) * (1 + 1.0 / 64) + 1, "histogram precision");
  }
  Histogram thousand;
  for (int64_t i = 1; i <= 1000; ++i) thousand.record(i * 1000);
  check(std::abs(static_cast<double>(thousand.percentile(0.99)) - 990'000.0) < 10'000, "p99 of 1..1000 us");
  check(thousand.max() == 1'000'000, "max");
}

}  // namespace

int run_self_check(Options& options) {
  options.refuse_unused();
  check_crc();
  check_varints();
  check_batch();
  check_histogram();
  check_codecs();
  std::puts(Json().string("command", "self-check").boolean("verified", true).text().c_str());
  return 0;
}

}  // namespace load
