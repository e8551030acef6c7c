// What the same work costs without a broker, measured with the same client in the same run: the bound that the other
// figures stand beside.
#include <unistd.h>

#include "commands.h"
#include "fetch_load.h"
#include "floor_server.h"
#include "producer.h"

namespace load {
namespace {

constexpr int64_t kSourceBytes = 256 << 20;

int floor_of_produce(Options& options, const std::string& dir, bool open) {
  const auto connections = static_cast<size_t>(options.integer("connections", 1));
  const auto in_flight = open ? kOpenLoopBacklog : static_cast<size_t>(options.integer("in-flight", 1));
  if (options.integer("produce-version", 9) != 9) throw std::runtime_error("the floor speaks Produce version 9 only");
  const FloorServer server = start_sink(dir);
  Producer producer(options, connections, in_flight, server.address);
  if (open) return open_loop(options, producer, {server.pid}, "floor-open-loop");
  return closed_loop(options, producer, {server.pid}, "floor-produce");
}

int floor_of_fetch(Options& options, const std::string& dir) {
  BatchShape shape;
  shape.records = static_cast<int32_t>(options.integer("records", 900));
  shape.value_bytes = static_cast<size_t>(options.integer("value-bytes", 1024));
  const FetchOptions fetch = read_fetch_options(options);
  if (fetch.version != 12) throw std::runtime_error("the floor speaks Fetch version 12 only");
  FloorLog log{build_batch(shape), shape.records, 0};
  log.batches = std::max<int64_t>(1, kSourceBytes / static_cast<int64_t>(log.batch.size()));

  const Target target{"floor", {}, 0};
  const FloorServer server = start_source(dir, log, fetch, fetch_request(fetch, target, 0), target);
  return fetch_load(options, fetch, {{{target, server.address}, log.end_offset()}}, {server.pid}, "floor-fetch");
}

}  // namespace

int run_floor(Options& options) {
  const std::string kind = options.required("kind");
  const std::string dir = options.text("dir", "/tmp");
  if (kind == "produce") return floor_of_produce(options, dir, false);
  if (kind == "open-loop") return floor_of_produce(options, dir, true);
  if (kind == "fetch") return floor_of_fetch(options, dir);
  throw std::runtime_error("no floor is called " + kind);
}

}  // namespace load
