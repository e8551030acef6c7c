// The fetch load for whoever knows its partitions: the command, and the floor.
#pragma once

#include <string>
#include <vector>

#include "cluster.h"
#include "options.h"
#include "watch.h"

namespace load {

struct FetchedPartition {
  Partition partition;
  int64_t end;
};

FetchOptions read_fetch_options(Options& options);

/// Returns the process's exit code.
int fetch_load(Options& options, const FetchOptions& fetch, const std::vector<FetchedPartition>& partitions, const Pids& pids, const std::string& command);

}  // namespace load
