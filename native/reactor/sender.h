// Sends what is ready on a connection, in order, without blocking.
#pragma once

#include <cstdint>
#include <memory>

#include "reactor/connection.h"

namespace odradek::reactor {

class Core;

// One per thread that sends. Threads: one at a time.
class Sender {
 public:
  // A file slice up to this long is read and sent along with the bytes around it, where it is in the page cache: one
  // system call fewer than sendfile, and no second thread for whoever is not a network thread.
  static constexpr uint32_t kSmallSlice = 16 * 1024;
  // Longer ones go by sendfile, so much at a time: what is probed, warmed and sent as one.
  static constexpr uint32_t kChunk = 256 * 1024;
  // Sent by files on one connection before others have their turn.
  static constexpr uint64_t kTurnBytes = 1u << 20;

  Sender(Core& core, bool on_network_thread) : core_(core), network_(on_network_thread) {}

  // Does what can be done now. Any number of threads may call it for one connection at once: one of them sends.
  // True (network threads only): the turn is used up and there is more to send; call again after others.
  bool flush(Connection& connection);

 private:
  enum class Stop {
    kDone,       // all that was ready is sent
    kBlocked,    // the socket takes no more
    kHandOver,   // goes on on the network thread
    kCold,       // file bytes must be read in first: a chunk at the cursor
    kTurnOver,
    kEnds,       // came to a failed request: the connection ends here
    kBroken,     // the socket failed
    kFileBroken,
  };
  struct Cursor {
    Slot* slot = nullptr;  // null: past the last one
    uint32_t piece = 0;
    uint32_t offset = 0;   // in the piece
  };
  struct Gathered;

  // A thread that keeps finding answers of others on the connection passes the work on after so many rounds.
  static constexpr uint32_t kRounds = 4;
  static constexpr uint32_t kPieces = 128;  // per system call
  static constexpr uint32_t kScratchBytes = 64 * 1024;

  Stop transmit(Connection& connection);
  void gather(Gathered& into);
  bool gather_slice(Piece& piece, uint32_t offset, Gathered& into);
  Stop probe(const Connection& connection, const Piece& piece, uint32_t offset);
  Stop send_chunk(Connection& connection);
  void advance(uint64_t bytes);

  Core& core_;
  const bool network_;
  std::unique_ptr<uint8_t[]> scratch_;  // small slices on their way out; made when first needed

  // Of the transmit() under way.
  Cursor cursor_;
  Slot* last_ = nullptr;       // as far as answers were ready
  Slot* done_ = nullptr;       // the last one sent whole
  uint32_t done_count_ = 0;
  uint64_t done_bytes_ = 0;
  uint64_t moved_ = 0;
  uint64_t calls_ = 0;
  uint64_t turn_bytes_ = 0;
};

}  // namespace odradek::reactor
