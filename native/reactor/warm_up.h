// How the reactor has file bytes read in that are not in the page cache, so that no network thread waits for a disk.
#pragma once

#include <cstdint>
#include <memory>

#include "base/file.h"

namespace odradek {

// Owned by the reactor's side of the border, implemented where the log threads are.
class WarmUp {
 public:
  virtual ~WarmUp() = default;

  // Have [position, position + length) of `file` in the page cache (read it, somewhere where waiting is allowed), then
  // call Reactor::warmed(ticket, ok) once, from any thread, also on failure; from inside warm() is fine. Called on a
  // network thread: must not block. At most one ticket per connection is out at a time. A ticket that is never answered
  // costs its connection, nothing else; one that is answered after Reactor::close() is ignored.
  virtual void warm(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length, uint64_t ticket) = 0;
};

}  // namespace odradek
