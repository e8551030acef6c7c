// A part of an answer: bytes in the arena, or bytes of a file.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/file.h"

namespace odradek {

struct Piece {
  std::shared_ptr<FileHandle> file;  // null: an arena range
  uint64_t position = 0;             // in the file, or the arena offset
  uint32_t length = 0;               // 0 is allowed and sends nothing

  static Piece arena(uint32_t offset, uint32_t length) { return Piece{nullptr, offset, length}; }
  static Piece slice(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length) {
    return Piece{std::move(file), position, length};
  }
};

}  // namespace odradek
