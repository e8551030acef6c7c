// The segments of a log, oldest first. The log thread changes the list; any thread takes a snapshot of it, which stays
// valid, files included, whatever happens to the list.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/spin_lock.h"
#include "log/segment.h"

namespace odradek {

using Segments = std::vector<std::shared_ptr<Segment>>;

// The index of the last segment that begins at or below `offset`; 0 when all begin above it.
inline size_t segment_holding(const Segments& segments, int64_t offset) {
  const auto above = std::upper_bound(segments.begin(), segments.end(), offset,
                                      [](int64_t o, const auto& segment) { return o < segment->base_offset(); });
  return above == segments.begin() ? 0 : static_cast<size_t>(above - segments.begin()) - 1;
}

class SegmentList {
 public:
  // Any thread.
  std::shared_ptr<const Segments> snapshot() const {
    const std::lock_guard lock(lock_);
    return segments_;
  }

  // The rest: the log thread.
  const Segments& all() const { return *segments_; }
  Segment& active() const { return *segments_->back(); }

  void replace(Segments segments) {
    auto list = std::make_shared<const Segments>(std::move(segments));
    {
      const std::lock_guard lock(lock_);
      segments_.swap(list);
    }
    // `list` is the old one now and may close files when it goes.
  }

  void add(std::shared_ptr<Segment> segment) {
    Segments segments = *segments_;
    segments.push_back(std::move(segment));
    replace(std::move(segments));
  }

 private:
  mutable SpinLock lock_;
  std::shared_ptr<const Segments> segments_ = std::make_shared<const Segments>();
};

}  // namespace odradek
