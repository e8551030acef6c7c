// What it costs to inflate a producer's batches, and to do nothing else: the bound of whoever has to look inside.
#include <unistd.h>

#include <cstdio>

#include "batch.h"
#include "commands.h"
#include "json.h"
#include "watch.h"

namespace load {

int run_inflate(Options& options) {
  BatchShape shape;
  shape.codec = codec_named(options.required("codec"));
  shape.payload = payload_named(options.text("payload", "words"));
  shape.records = static_cast<int32_t>(options.integer("records", 900));
  shape.value_bytes = static_cast<size_t>(options.integer("value-bytes", 1024));
  const double wanted = options.number("bytes", 1e9);
  options.refuse_unused();

  const Bytes records = build_records(shape);
  const Bytes packed = compress(shape.codec, records);
  Bytes plain(records.size());
  inflate(shape.codec, packed, plain);
  const bool verified = plain == records;
  const auto times = static_cast<uint64_t>(wanted / static_cast<double>(records.size())) + 1;
  const double gigabytes = static_cast<double>(times) * static_cast<double>(records.size()) / 1e9;

  Watch watch({getpid()});
  watch.start();
  for (uint64_t i = 0; i < times; ++i) inflate(shape.codec, packed, plain);
  watch.stop();
  Json json;
  json.string("command", "inflate");
  json.number("ratio", static_cast<double>(records.size()) / static_cast<double>(packed.size()));
  json.number("megabytesPerSecond", gigabytes * 1e3 / watch.elapsed_seconds());
  watch.report(json, gigabytes, times);
  json.boolean("verified", verified);
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

}  // namespace load
