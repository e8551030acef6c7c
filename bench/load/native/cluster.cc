#include "cluster.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace load {
namespace {

constexpr int16_t kCreateTopicsVersion = 4;
constexpr int16_t kDeleteTopicsVersion = 3;
constexpr int16_t kListOffsetsVersion = 5;
constexpr int16_t kMetadataVersion = 12;
constexpr int16_t kNoError = 0;
constexpr auto kPatience = std::chrono::seconds(30);
constexpr auto kRetryAfter = std::chrono::milliseconds(20);

void read_exactly(const Socket& socket, uint8_t* into, size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket.fd(), into, size, 0);
    if (got < 0) fail("receive");
    if (got == 0) throw ProtocolError("the broker closed the connection");
    into += got;
    size -= static_cast<size_t>(got);
  }
}

void check(int16_t error, const std::string& doing) {
  if (error != kNoError) throw std::runtime_error(doing + ": Kafka error " + std::to_string(error));
}

}  // namespace

Cluster::Cluster(const std::string& bootstrap) : bootstrap_(resolve(bootstrap)), controller_(bootstrap_) {
  const Bytes answer = ask(bootstrap_, api_versions_request());
  Decoder in(answer);
  in.int32();
  check(in.int16(), "ApiVersions");
  for (size_t count = in.array(false); count > 0; --count) {
    const int16_t api = in.int16();
    in.int16();
    newest_[api] = in.int16();
  }
}

int16_t Cluster::version_of(Api api, int16_t ours) const {
  const auto found = newest_.find(static_cast<int16_t>(api));
  if (found == newest_.end()) throw std::runtime_error("the broker does not speak api " + std::to_string(static_cast<int>(api)));
  return std::min(ours, found->second);
}

std::vector<Partition> Cluster::create_topic(const std::string& name, int32_t partitions, const Configs& configs) {
  describe(name);  // learns who the controller is
  Encoder body;
  body.array(1, false);
  body.string(name, false);
  body.int32(partitions);
  body.int16(1);
  body.array(0, false);
  body.array(configs.size(), false);
  for (const auto& [key, value] : configs) {
    body.string(key, false);
    body.string(value, false);
  }
  body.int32(30'000);
  body.int8(0);
  const Bytes answer = ask(controller_, join_request(Api::create_topics, kCreateTopicsVersion, false, body.take()));
  Decoder in(answer);
  in.int32();
  in.int32();
  in.array(false);
  in.string(false);
  check(in.int16(), "creating " + name);
  return this->partitions(name);
}

void Cluster::delete_topic(const std::string& name) {
  describe(name);
  Encoder body;
  body.array(1, false);
  body.string(name, false);
  body.int32(30'000);
  const Bytes answer = ask(controller_, join_request(Api::delete_topics, kDeleteTopicsVersion, false, body.take()));
  Decoder in(answer);
  in.int32();
  in.int32();
  in.array(false);
  in.string(false);
  check(in.int16(), "deleting " + name);
}

std::vector<Partition> Cluster::partitions(const std::string& topic) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    TopicState state = describe(topic);
    if (state.complete) return std::move(state.partitions);
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no leaders for " + topic);
    std::this_thread::sleep_for(kRetryAfter);
  }
}

Cluster::TopicState Cluster::describe(const std::string& topic) {
  const int16_t version = version_of(Api::metadata, kMetadataVersion);
  if (version < 9) throw std::runtime_error("the broker's Metadata is older than version 9");
  Encoder body;
  body.array(1, true);
  if (version >= 10) body.raw(ByteView(TopicId{}));
  body.string(topic, true);
  body.no_tags(true);
  body.int8(0);
  if (version <= 10) body.int8(0);
  body.int8(0);
  body.no_tags(true);
  const Bytes answer = ask(bootstrap_, join_request(Api::metadata, version, true, body.take()));

  Decoder in(answer);
  in.int32();
  in.tags(true);
  in.int32();
  std::map<int32_t, Address> brokers;
  for (size_t count = in.array(true); count > 0; --count) {
    const int32_t id = in.int32();
    const std::string host = in.string(true);
    brokers[id] = resolve(host + ":" + std::to_string(in.int32()));
    in.string(true);
    in.tags(true);
  }
  in.string(true);
  if (const auto found = brokers.find(in.int32()); found != brokers.end()) controller_ = found->second;

  TopicState state;
  if (in.array(true) != 1) throw ProtocolError("metadata without the topic that was asked for");
  const bool known = in.int16() == kNoError;
  in.string(true);
  TopicId id{};
  if (version >= 10) std::ranges::copy(in.raw(id.size()), id.begin());
  in.int8();
  bool all_led = true;
  for (size_t count = in.array(true); count > 0; --count) {
    const int16_t error = in.int16();
    const int32_t index = in.int32();
    const auto leader = brokers.find(in.int32());
    in.int32();
    for (int list = 0; list < 3; ++list) {
      for (size_t members = in.array(true); members > 0; --members) in.int32();
    }
    in.tags(true);
    if (error != kNoError || leader == brokers.end()) all_led = false;
    else state.partitions.push_back({{topic, id, index}, leader->second});
  }
  std::ranges::sort(state.partitions, {}, [](const Partition& partition) { return partition.target.partition; });
  state.complete = known && all_led && !state.partitions.empty();
  return state;
}

int64_t Cluster::list_offset(const Partition& partition, int64_t timestamp) {
  Encoder body;
  body.int32(-1);
  body.int8(0);
  body.array(1, false);
  body.string(partition.target.topic, false);
  body.array(1, false);
  body.int32(partition.target.partition);
  body.int32(-1);
  body.int64(timestamp);
  const Bytes answer = ask(partition.leader, join_request(Api::list_offsets, kListOffsetsVersion, false, body.take()));
  Decoder in(answer);
  in.int32();
  in.int32();
  in.array(false);
  in.string(false);
  in.array(false);
  in.int32();
  check(in.int16(), "ListOffsets of " + partition.target.topic);
  in.int64();
  return in.int64();
}

Bytes Cluster::ask(const Address& broker, const RequestFrame& request) {
  const Socket socket = connect_to(broker);
  for (size_t at = 0; at < request.head.size();) {
    const ssize_t wrote = ::send(socket.fd(), request.head.data() + at, request.head.size() - at, MSG_NOSIGNAL);
    if (wrote < 0) fail("send");
    at += static_cast<size_t>(wrote);
  }
  uint8_t size[4];
  read_exactly(socket, size, sizeof size);
  Bytes answer(load_be(size, 4));
  read_exactly(socket, answer.data(), answer.size());
  return answer;
}

}  // namespace load
