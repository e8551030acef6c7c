// Latencies in nanoseconds, counted in buckets whose width grows with the value: 128 to each power of two, so that a
// percentile is within 0.8 % of the truth from 1 ns to minutes, in constant memory and a few instructions per record.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace load {

class Histogram {
 public:
  void record(int64_t nanoseconds) {
    const uint64_t value = nanoseconds < 0 ? 0 : static_cast<uint64_t>(nanoseconds);
    ++counts_[index_of(value)];
    ++total_;
    sum_ += static_cast<double>(value);
    max_ = std::max(max_, value);
  }

  uint64_t count() const { return total_; }
  uint64_t max() const { return max_; }
  double mean() const { return total_ == 0 ? 0 : sum_ / static_cast<double>(total_); }

  /// The smallest recorded value (to bucket precision) that `share` of all records do not exceed.
  uint64_t percentile(double share) const {
    const uint64_t wanted = std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(total_) + 0.5));
    uint64_t seen = 0;
    for (size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen >= wanted) return std::min(max_, highest_in(index));
    }
    return max_;
  }

  void clear() { *this = Histogram(); }

 private:
  static constexpr unsigned kBits = 7;
  static constexpr uint64_t kPerOctave = 1u << kBits;

  static size_t index_of(uint64_t value) {
    if (value < kPerOctave) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return (shift + 1) * kPerOctave + (value >> shift) - kPerOctave;
  }
  static uint64_t highest_in(size_t index) {
    if (index < kPerOctave) return index;
    const uint64_t shift = index / kPerOctave - 1;
    return ((kPerOctave + index % kPerOctave + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - kBits + 1) * kPerOctave> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace load
