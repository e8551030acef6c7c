// Brings a log back from its directory, as Kafka's LogLoader does.
#pragma once

#include <functional>
#include <memory>

#include "log/log.h"
#include "log/segment_list.h"

namespace odradek {

struct LoadedLog {
  Segments segments;  // never empty; the last is open for appending
  Segments dropped;   // after the first bad batch; their files bear .deleted
  bool directory_dirty = false;
  OpenReport report;
};

using MakeSegment = std::function<std::shared_ptr<Segment>(int64_t base_offset)>;

// Blocks on the disk. One log at a time per directory.
Result<LoadedLog> load_log(const OpenRequest& request, const MakeSegment& make_segment);

}  // namespace odradek
