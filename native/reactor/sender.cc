#include "reactor/sender.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "reactor/core.h"

namespace odradek::reactor {

using Outcome = IoResult::Outcome;

// What goes into one system call, and why it ends where it ends.
struct Sender::Gathered {
  enum class End { kAllReady, kFull, kSlice, kFailedRequest };

  iovec pieces[kPieces];
  uint32_t count = 0;
  uint64_t bytes = 0;
  uint32_t scratch_used = 0;
  End end = End::kAllReady;
  const Piece* slice = nullptr;  // with kSlice
  uint32_t slice_offset = 0;

  // Answers encoded one behind the other become one piece.
  bool add(uint8_t* at, uint32_t length) {
    if (count > 0) {
      iovec& last = pieces[count - 1];
      if (static_cast<uint8_t*>(last.iov_base) + last.iov_len == at) {
        last.iov_len += length;
        bytes += length;
        return true;
      }
    }
    if (count == kPieces) return false;
    pieces[count++] = {at, length};
    bytes += length;
    return true;
  }
  void cut(uint32_t to_count, size_t to_last, uint64_t to_bytes) {
    count = to_count;
    if (count > 0) pieces[count - 1].iov_len = to_last;
    bytes = to_bytes;
  }
};

namespace {

// What of a slice is probed, warmed and sent as one.
uint32_t chunk_bytes(const Connection& connection, const Piece& piece, uint32_t offset) {
  const uint32_t chunk = std::min(piece.length - offset, Sender::kChunk);
  return connection.assumed_warm > 0 ? static_cast<uint32_t>(std::min<uint64_t>(chunk, connection.assumed_warm)) : chunk;
}

}  // namespace

bool Sender::flush(Connection& connection) {
  NetworkThread* const thread = connection.thread;
  SlotChain freed;
  std::optional<int> disposed;
  const bool of_peer = connection.dialled;
  Piece cold;
  uint64_t ticket = 0;
  bool nudge = false;
  bool again = false;
  uint32_t rounds = 0;

  std::unique_lock lock(connection.lock);
  while (!again && !connection.closed && !connection.broken && !connection.sending && connection.ready_tail != nullptr &&
         connection.state == Connection::Sending::kIdle) {
    if (!network_ && (rounds++ == kRounds || !connection.transport->any_thread_may_send())) {
      connection.state = Connection::Sending::kHandedOver;
      connection.post(Connection::kFlush);
      nudge = true;
      break;
    }
    connection.sending = true;
    connection.room_seen = false;
    cursor_ = {connection.head, connection.sent_pieces, connection.sent_bytes};
    last_ = connection.ready_tail;
    lock.unlock();

    const Stop stop = transmit(connection);

    lock.lock();
    connection.sending = false;
    connection.active = true;
    connection.sent_pieces = cursor_.slot != nullptr ? cursor_.piece : 0;
    connection.sent_bytes = cursor_.slot != nullptr ? cursor_.offset : 0;
    if (done_ != nullptr) freed.append(connection.pop(*done_, done_count_, done_bytes_));
    if (connection.closed) {  // while we were sending, so closing was left to us
      disposed = connection.dispose(freed);
      break;
    }
    if (connection.read_held &&
        connection.may_read(core_.options.max_in_flight, core_.options.max_queued_response_bytes, true)) {
      connection.read_held = false;
      connection.post(Connection::kRead);
      nudge = true;
    }
    switch (stop) {
      case Stop::kDone:
        break;
      case Stop::kBlocked:
        if (!connection.room_seen) connection.state = Connection::Sending::kBlocked;
        break;
      case Stop::kHandOver:
        connection.state = Connection::Sending::kHandedOver;
        connection.post(Connection::kFlush);
        nudge = true;
        break;
      case Stop::kCold: {
        connection.state = Connection::Sending::kWarming;
        const Piece& piece = cursor_.slot->piece(cursor_.piece);
        connection.warming_bytes = chunk_bytes(connection, piece, cursor_.offset);
        cold = Piece::slice(piece.file, piece.position + cursor_.offset, connection.warming_bytes);
        ticket = connection.token();
        break;
      }
      case Stop::kTurnOver:
        again = true;
        break;
      case Stop::kEnds:
      case Stop::kBroken:
      case Stop::kFileBroken:
        connection.broken = true;
        connection.reason = stop == Stop::kEnds         ? CloseReason::kFailed
                            : stop == Stop::kFileBroken ? CloseReason::kReadFailed
                                                        : CloseReason::kPeer;
        connection.post(Connection::kClose);
        nudge = true;
        break;
    }
  }
  lock.unlock();

  if (disposed) {
    core_.finish(connection, *disposed, freed);
  } else {
    core_.free(freed, of_peer);
  }
  if (nudge) thread->nudge();
  if (cold.file != nullptr) core_.warm_up->warm(std::move(cold.file), cold.position, cold.length, ticket);
  return again;
}

// Without the lock: `sending` is ours, so nobody else pops requests, and answered ones do not change.
Sender::Stop Sender::transmit(Connection& connection) {
  done_ = nullptr;
  done_count_ = 0;
  done_bytes_ = 0;
  turn_bytes_ = 0;
  uint64_t calls = 0;
  uint64_t moved = 0;
  Stop stop = Stop::kDone;

  for (;;) {
    advance(0);
    if (cursor_.slot == nullptr) break;
    Gathered gathered;
    gather(gathered);
    if (gathered.bytes == 0 && gathered.end == Gathered::End::kFailedRequest) {
      stop = Stop::kEnds;
      break;
    }
    const bool at_slice = gathered.end == Gathered::End::kSlice;
    const Stop probed = !at_slice ? Stop::kDone : !network_ ? Stop::kHandOver : probe(connection, *gathered.slice, gathered.slice_offset);
    if (gathered.bytes > 0) {
      // A short packet waits for the slice behind it only if that follows at once.
      ++calls;
      const IoResult sent = connection.transport->send(connection.socket, {gathered.pieces, gathered.count},
                                                       at_slice && probed == Stop::kDone);
      if (sent.outcome != Outcome::kMoved) {
        stop = sent.outcome == Outcome::kWouldBlock ? Stop::kBlocked : Stop::kBroken;
        break;
      }
      moved += sent.bytes;
      advance(sent.bytes);
      if (sent.bytes < gathered.bytes) continue;  // until it says would-block: only then the poller will tell of room
    }
    if (!at_slice) continue;
    if (stop = probed; stop != Stop::kDone) break;
    ++calls;
    const uint64_t before = turn_bytes_;
    stop = send_chunk(connection);
    moved += turn_bytes_ - before;
    if (stop != Stop::kDone) break;
    if (turn_bytes_ >= kTurnBytes) {
      stop = Stop::kTurnOver;
      break;
    }
  }
  core_.counters.sends.fetch_add(calls, std::memory_order_relaxed);
  core_.counters.bytes_out.fetch_add(moved, std::memory_order_relaxed);
  core_.counters.answers.fetch_add(done_count_, std::memory_order_relaxed);
  return stop;
}

void Sender::gather(Gathered& into) {
  Cursor at = cursor_;
  for (;;) {
    Slot& slot = *at.slot;
    if (slot.state == Slot::State::kFailed) {
      into.end = Gathered::End::kFailedRequest;
      return;
    }
    const bool whole = at.piece == 0 && at.offset == 0;
    const uint32_t count = into.count;
    const size_t last = count > 0 ? into.pieces[count - 1].iov_len : 0;
    const uint64_t bytes = into.bytes;
    for (; at.piece < slot.piece_count; ++at.piece, at.offset = 0) {
      Piece& piece = slot.piece(at.piece);
      if (piece.length == at.offset) continue;
      if (piece.file == nullptr) {
        const uint32_t offset = static_cast<uint32_t>(piece.position) + at.offset;
        if (into.add(core_.arena.at(offset), piece.length - at.offset)) continue;
        into.end = Gathered::End::kFull;
        return;
      }
      if (gather_slice(piece, at.offset, into)) continue;
      // Whoever is no network thread leaves the answer to one as a whole, so that its head travels with the slice.
      if (!network_ && whole && into.end == Gathered::End::kSlice) into.cut(count, last, bytes);
      return;
    }
    if (&slot == last_) {
      into.end = Gathered::End::kAllReady;
      return;
    }
    at = {slot.next, 0, 0};
  }
}

// False: `into.end` says why the slice is not in.
bool Sender::gather_slice(Piece& piece, uint32_t offset, Gathered& into) {
  const uint32_t left = piece.length - offset;
  const bool unsendable = piece.file->descriptor() < 0;  // files of tests: always through memory
  const uint32_t take = unsendable ? std::min(left, kSmallSlice) : left;
  into.end = Gathered::End::kSlice;
  into.slice = &piece;
  into.slice_offset = offset;
  if (take > kSmallSlice) return false;
  if (into.count == kPieces || into.scratch_used + take > kScratchBytes) {
    into.end = Gathered::End::kFull;
    return false;
  }
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<uint8_t[]>(kScratchBytes);
  uint8_t* const at = scratch_.get() + into.scratch_used;
  const uint64_t position = piece.position + offset;
  const Result<size_t> got =
      unsendable ? piece.file->read_at(position, {at, take}) : piece.file->read_nowait(position, {at, take});
  if (!got.ok() || *got < take) return false;  // not in the page cache, or worse: the slow road finds out
  into.scratch_used += take;
  into.add(at, take);
  if (take == left) return true;
  into.end = Gathered::End::kFull;
  return false;
}

// Whether the next chunk of a slice can be sent without waiting for the disk: its first and last byte are looked at,
// which is enough for what read-ahead and writing leave in the cache. What was just warmed is not looked at again: where
// the cache is too small to keep it, or the file system cannot tell, waiting beats warming for ever.
Sender::Stop Sender::probe(const Connection& connection, const Piece& piece, uint32_t offset) {
  if (core_.warm_up == nullptr || connection.assumed_warm > 0) return Stop::kDone;
  if (piece.file->descriptor() < 0) return Stop::kFileBroken;  // gather_slice() has failed to read it
  const uint64_t first = piece.position + offset;
  for (const uint64_t position : {first + chunk_bytes(connection, piece, offset) - 1, first}) {
    uint8_t byte;
    const Result<size_t> got = piece.file->read_nowait(position, {&byte, 1});
    if (!got.ok()) return got.status().code() == Code::kWouldBlock ? Stop::kCold : Stop::kFileBroken;
    if (*got == 0) return Stop::kFileBroken;
  }
  return Stop::kDone;
}

Sender::Stop Sender::send_chunk(Connection& connection) {
  const Piece& piece = cursor_.slot->piece(cursor_.piece);
  if (piece.file->descriptor() < 0) return Stop::kFileBroken;
  const IoResult sent = connection.transport->send_file(connection.socket, *piece.file, piece.position + cursor_.offset,
                                                        chunk_bytes(connection, piece, cursor_.offset));
  switch (sent.outcome) {
    case Outcome::kMoved: break;
    case Outcome::kWouldBlock: return Stop::kBlocked;
    case Outcome::kFailed: return Stop::kBroken;
    case Outcome::kEnd:
    case Outcome::kFileFailed: return Stop::kFileBroken;
  }
  turn_bytes_ += sent.bytes;
  connection.assumed_warm -= std::min<uint64_t>(connection.assumed_warm, sent.bytes);
  advance(sent.bytes);
  return Stop::kDone;
}

// Moves on by `bytes`, and past everything that is empty or over.
void Sender::advance(uint64_t bytes) {
  while (cursor_.slot != nullptr) {
    Slot& slot = *cursor_.slot;
    for (; cursor_.piece < slot.piece_count; ++cursor_.piece, cursor_.offset = 0) {
      const uint32_t left = slot.piece(cursor_.piece).length - cursor_.offset;
      if (bytes < left) {
        cursor_.offset += static_cast<uint32_t>(bytes);
        return;
      }
      bytes -= left;
    }
    if (slot.state == Slot::State::kFailed) return;
    done_ = &slot;
    ++done_count_;
    done_bytes_ += slot.bytes;
    cursor_ = {&slot == last_ ? nullptr : slot.next, 0, 0};
  }
}

}  // namespace odradek::reactor
