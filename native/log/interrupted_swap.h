// What a compaction leaves behind when the broker dies in the middle of it.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"

namespace odradek {

// Kafka's cleaner writes new segments as .cleaned, renames them .swap, renames the segments they stand for .deleted, and
// takes the suffix off. This undoes what had not come as far as .swap, and ends the rest, so that after a crash at any call,
// this function's own included, the directory holds either what was or what was to be (LogLoader.load and
// removeTempFilesAndCollectSwapFiles). `names` is what the directory holds; says whether that changed.
Result<bool> settle_interrupted_swap(FileSystem& files, const std::string& directory, const std::vector<std::string>& names);

}  // namespace odradek
