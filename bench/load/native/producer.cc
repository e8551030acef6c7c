#include "producer.h"

#include <chrono>
#include <ctime>
#include <thread>

namespace load {
namespace {

constexpr int kUnansweredPatience = 200;
constexpr auto kUnansweredPause = std::chrono::milliseconds(50);

Cluster::Configs parse_configs(const std::string& text) {
  Cluster::Configs configs;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string entry = text.substr(at, end - at);
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) throw std::runtime_error("not key=value: " + entry);
    configs.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    at = end + 1;
  }
  return configs;
}

}  // namespace

Producer::Producer(Options& options, size_t connections, size_t in_flight) : connections_(connections), in_flight_(in_flight) {
  read(options);
  cluster_.emplace_back(options.required("broker"));
  produce_.version = cluster_[0].version_of(Api::produce, produce_.version);
  const auto partitions = static_cast<int32_t>(options.integer("partitions", 0));
  const std::string configs = options.text("topic-config", "");
  partitions_ = partitions > 0 ? cluster_[0].create_topic(topic_, partitions, parse_configs(configs)) : cluster_[0].partitions(topic_);
  for (const Partition& partition : partitions_) ends_before_.push_back(cluster_[0].end_offset(partition));
}

Producer::Producer(Options& options, size_t connections, size_t in_flight, const Address& direct)
    : connections_(connections), in_flight_(in_flight) {
  read(options);
  partitions_.push_back({{topic_, {}, 0}, direct});
}

void Producer::read(Options& options) {
  topic_ = options.text("topic", "odradek-load");
  codec_ = options.text("codec", "none");
  shape_.codec = codec_named(codec_);
  shape_.payload = payload_named(options.text("payload", "words"));
  shape_.records = static_cast<int32_t>(options.integer("records", 1));
  shape_.value_bytes = static_cast<size_t>(options.integer("value-bytes", 100));
  shape_.seed = static_cast<uint64_t>(options.integer("seed", 1));
  shape_.timestamp_ms = static_cast<int64_t>(std::time(nullptr)) * 1000;
  produce_.version = static_cast<int16_t>(options.integer("produce-version", 9));
  const std::string acks = options.text("acks", "all");
  produce_.acks = static_cast<int16_t>(acks == "all" ? -1 : std::stoi(acks));
  each_ = options.integer("send-each", 0) != 0;
  cleanup_ = options.integer("cleanup", 0) != 0;
  if (connections_ == 0 || in_flight_ == 0 || shape_.records == 0) throw std::runtime_error("a load of nothing");
  batch_ = build_batch(shape_);
  nominal_bytes_ = kBatchHeader + build_records(shape_).size();
  acknowledged_.resize(connections_);
}

Driver Producer::open() {
  std::vector<Channel> channels;
  for (size_t i = 0; i < connections_; ++i) {
    const Partition& partition = partition_of(i);
    channels.emplace_back(connect_to(partition.leader), produce_request(produce_, partition.target, batch_), in_flight_, each_);
  }
  return Driver(std::move(channels));
}

void Producer::acknowledge(size_t channel, ByteView answer) {
  const ProduceAnswer read = read_produce_answer(answer, produce_.version);
  if (read.error != 0) throw std::runtime_error("a produce request was refused: Kafka error " + std::to_string(read.error));
  ++acknowledged_[channel];
}

bool Producer::verify() {
  if (cluster_.empty()) return true;
  std::vector<int64_t> expected = ends_before_;
  for (size_t i = 0; i < connections_; ++i) {
    expected[i % expected.size()] += static_cast<int64_t>(acknowledged_[i]) * shape_.records;
  }
  const auto holds = [&] {
    for (size_t i = 0; i < expected.size(); ++i) {
      if (cluster_[0].end_offset(partitions_[i]) != expected[i]) return false;
    }
    return true;
  };
  // With acks=0 nobody says when the last request has been worked off.
  const int patience = produce_.acks == 0 ? kUnansweredPatience : 1;
  for (int round = 0; round < patience; ++round) {
    if (holds()) return true;
    std::this_thread::sleep_for(kUnansweredPause);
  }
  return false;
}

void Producer::finish() {
  if (cleanup_ && !cluster_.empty()) cluster_[0].delete_topic(topic_);
}

void Producer::describe(Json& into) const {
  into.integer("connections", static_cast<int64_t>(connections_))
      .integer("inFlight", static_cast<int64_t>(in_flight_))
      .integer("partitions", static_cast<int64_t>(partitions_.size()))
      .integer("acks", produce_.acks)
      .integer("produceVersion", produce_.version)
      .string("codec", codec_)
      .integer("recordsPerBatch", shape_.records)
      .integer("valueBytes", static_cast<int64_t>(shape_.value_bytes))
      .integer("batchBytes", static_cast<int64_t>(batch_.size()))
      .integer("seed", static_cast<int64_t>(shape_.seed));
}

void Producer::report(Json& into, uint64_t requests, double seconds, const Histogram& latency) const {
  into.number("seconds", seconds)
      .integer("requests", static_cast<int64_t>(requests))
      .number("requestsPerSecond", static_cast<double>(requests) / seconds)
      .number("recordsPerSecond", static_cast<double>(requests) * shape_.records / seconds)
      .number("megabytesPerSecond", gigabytes(requests) * 1e3 / seconds);
  if (latency.count() > 0) into.object("latencyMicros", percentiles(latency));
}

Json percentiles(const Histogram& latency) {
  Json json;
  const auto micros = [](uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  json.number("mean", latency.mean() / 1e3)
      .number("p50", micros(latency.percentile(0.5)))
      .number("p90", micros(latency.percentile(0.9)))
      .number("p99", micros(latency.percentile(0.99)))
      .number("p999", micros(latency.percentile(0.999)))
      .number("max", micros(latency.max()));
  return json;
}

}  // namespace load
