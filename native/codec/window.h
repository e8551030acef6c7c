// Where a decoder writes: a run of memory that holds what it made last, and as much of what came before as its format may
// refer back to. Whoever reads takes bytes from its front; fill() of the Inflater makes room at its end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace odradek {

struct PlainWindow {
  // Back references reach this far; more is lost when the window moves on.
  static constexpr size_t kHistory = 64 * 1024;
  // A 64 KiB block has room behind 64 KiB of history, and still some, so that little is moved for what is made.
  static constexpr size_t kBytes = 256 * 1024;

  uint8_t* base = nullptr;
  uint8_t* end = nullptr;    // what is made next goes here
  uint8_t* limit = nullptr;  // and not beyond here

  size_t room() const { return static_cast<size_t>(limit - end); }
};

// What a decoder says after it has worked on a window.
enum class Decoded : uint8_t {
  kMore,      // call again when there is room
  kEnd,       // that was all, and all was well
  kDamaged,   // the packed bytes contradict their format
  kNoMemory,  // the decoder could not get what it needs
};

}  // namespace odradek
