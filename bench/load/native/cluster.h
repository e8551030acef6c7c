// What must be known and done around a load: who leads which partition, topics made and deleted, where logs end.
// One blocking request at a time; nothing here is measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "requests.h"
#include "socket.h"

namespace load {

struct Partition {
  Target target;
  Address leader;
};

class Cluster {
 public:
  explicit Cluster(const std::string& bootstrap);

  /// The newest version that both the broker and we speak.
  int16_t version_of(Api api, int16_t ours) const;

  using Configs = std::vector<std::pair<std::string, std::string>>;
  /// Returns once every partition has a leader that answers for it.
  std::vector<Partition> create_topic(const std::string& name, int32_t partitions, const Configs& configs);
  void delete_topic(const std::string& name);
  std::vector<Partition> partitions(const std::string& topic);

  int64_t end_offset(const Partition& partition) { return list_offset(partition, -1); }

 private:
  struct TopicState {
    std::vector<Partition> partitions;
    bool complete = false;
  };
  TopicState describe(const std::string& topic);
  int64_t list_offset(const Partition& partition, int64_t timestamp);
  static Bytes ask(const Address& broker, const RequestFrame& request);

  Address bootstrap_;
  Address controller_;
  std::map<int16_t, int16_t> newest_;
};

}  // namespace load
