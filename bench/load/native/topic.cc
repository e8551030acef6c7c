// Topics, for scripts that have no other client at hand.
#include <cstdio>

#include "cluster.h"
#include "commands.h"
#include "json.h"

namespace load {

int run_topic(Options& options) {
  Cluster cluster(options.required("broker"));
  Json json;
  json.string("command", "topic");
  if (const std::string name = options.text("create", ""); !name.empty()) {
    const auto partitions = static_cast<int32_t>(options.integer("partitions", 1));
    json.integer("partitions", static_cast<int64_t>(cluster.create_topic(name, partitions, {}).size()));
  } else if (const std::string doomed = options.text("delete", ""); !doomed.empty()) {
    cluster.delete_topic(doomed);
  } else {
    int64_t sum = 0;
    for (const Partition& partition : cluster.partitions(options.required("end"))) sum += cluster.end_offset(partition);
    json.integer("endOffsets", sum);
  }
  options.refuse_unused();
  std::puts(json.text().c_str());
  return 0;
}

}  // namespace load
