// A range of memory that shows a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace odradek {

// Owns the range and unmaps it when destroyed. Movable, not copyable.
//
// The range may be longer than the file. Only bytes below what File::allocate() has granted may be touched: beyond lies
// SIGBUS. In exchange the address never changes while the file grows, so readers need no lock against growth.
class Mapping {
 public:
  Mapping() = default;
  Mapping(uint8_t* data, size_t capacity, std::function<void(uint8_t*, size_t)> unmap)
      : data_(data), capacity_(capacity), unmap_(std::move(unmap)) {}
  Mapping(Mapping&& other) noexcept { swap(other); }
  Mapping& operator=(Mapping&& other) noexcept {
    Mapping(std::move(other)).swap(*this);
    return *this;
  }
  ~Mapping() {
    if (data_ != nullptr && unmap_) unmap_(data_, capacity_);
  }

  uint8_t* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void swap(Mapping& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(unmap_, other.unmap_);
  }

  uint8_t* data_ = nullptr;
  size_t capacity_ = 0;
  std::function<void(uint8_t*, size_t)> unmap_;
};

}  // namespace odradek
