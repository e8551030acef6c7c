// Sockets: accepts, dials, reads, cuts into frames, announces them in batches, and sends answers in the order of the requests.
// Knows nothing of Kafka beyond "a frame is an int32 size and that many bytes".
//
//                    poll()  <- events    +-----------------+  recv   <- sockets
//   main isolate                          | network threads |
//   log threads      AnswerBatch  ------->+-----------------+  sendmsg, sendfile ->
//                          \_ sends by itself what can go at once _/
//
// A request's life: a network thread receives its frame into the arena, gives it a slot, queues an event and wakes the
// main isolate. Somebody answers the slot, once. The answer waits for those of earlier requests of its connection, is
// sent, and slot, frame and answer are free again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "reactor/event.h"
#include "reactor/options.h"
#include "reactor/piece.h"
#include "reactor/warm_up.h"

namespace odradek {

namespace reactor {
class Core;
struct Connection;
}  // namespace reactor

// Sums over the reactor's life, but for the two that say "now". Read without locks: each is exact, together they may
// be a moment apart.
struct ReactorStats {
  uint64_t connections = 0;  // now
  uint64_t accepted = 0;
  uint64_t requests = 0;
  uint64_t answers = 0;      // sent whole, or nothing to send
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t queued_bytes = 0;  // now: what counts against queued_max_bytes
  uint64_t receives = 0;      // system calls, for telling how well batching works
  uint64_t sends = 0;
  uint64_t wakes = 0;
  uint64_t waits = 0;         // epoll_wait
};

// Threads: "main" is the one thread that polls. Other methods say who may call them.
class Reactor {
 public:
  using Options = ReactorOptions;

  // Starts the threads. `arena`, `clock` and `warm_up` must outlive the reactor. `warm_up` may be null: then cold
  // slices make their network thread wait for the disk.
  //
  // `wake` is called, from any thread, when there is something to poll: once, and not again before the next poll(). It
  // must not block and not call back into the reactor.
  static Result<std::unique_ptr<Reactor>> start(Options options, Arena& arena, Clock& clock, WarmUp* warm_up,
                                                std::function<void()> wake);

  // Closes. REQUIRES: nobody else uses the reactor, and no AnswerBatch for it is left.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Listens on host (a name or an address; empty: every interface, IPv6 and IPv4) and port (0: any). Says which port it
  // is. `backlog` 0: that of the options. Events of its connections carry `listener`. Any thread; several listeners.
  Result<uint16_t> listen(uint32_t listener, const std::string& host, uint16_t port, uint32_t backlog = 0);

  // Refuses connections from now on; those that stand stay. Returns when the ports are free. Any thread.
  void stop_listening();

  // Stops and joins the threads and closes every socket. Answers and warm-ups may go on meanwhile, and afterwards do
  // nothing but free what they name. Events not yet polled can still be polled: every connection's `closed` comes.
  // Any thread; safe twice.
  void close();

  // ---- main only ----

  // Connects outward, to a numeric address, and answers the connection at once. Events: `connected` or at once `closed`;
  // then an `answer` for each frame that comes; `closed`, which carries the errno where there is one. Frames of answers
  // stay until release_frame(); they do not count against queued_max_bytes, and wait for nothing but the arena. The
  // connection is not closed for its silence and does not count among max_connections.
  Result<uint32_t> dial(const std::string& address, uint16_t port, const DialOptions& options);

  // Fills `out` and says how many. Less than `capacity`: that was all, and the next event will wake. Exactly `capacity`:
  // there may be more, and no wake comes for it: poll again.
  // Order holds within a connection: opened, its requests, closed. Every request reported here must be answered once
  // (add, add_none or fail), also when `closed` follows: that is what frees it.
  size_t poll(Event* out, size_t capacity);

  // From `opened` until `closed` was reported; otherwise they do nothing (peer_address: an empty string).
  std::string peer_address(uint32_t connection) const;  // without the port
  uint16_t peer_port(uint32_t connection) const;
  // Stops reading from the socket, and goes on. Requests already received are still reported. Not counted: one resume
  // undoes any number of pauses.
  void pause(uint32_t connection);
  void resume(uint32_t connection);
  // Ends it without waiting for its answers.
  void close_connection(uint32_t connection);

  // ---- any thread ----

  // The frame of `slot`, a request or an answer of a peer, will not be read again: its memory and its share of the budget
  // are free before the answer is there. For requests that wait (a long poll, an append that has been copied): each frame not released keeps up to
  // 64 KiB of slab. Does nothing the second time.
  void release_frame(uint32_t slot);

  // Keeps the bytes of a request alive beyond its answer: simply Arena::retain() the event's offset before answering.

  // See WarmUp::warm.
  void warmed(uint64_t ticket, bool ok);

  ReactorStats stats() const;

 private:
  friend class AnswerBatch;
  explicit Reactor(std::unique_ptr<reactor::Core> core);
  std::unique_ptr<reactor::Core> core_;
};

// Answers gathered by one thread and sent together. Cheap to make: it allocates only when it touches more than a few
// connections.
//
// Threads: one at a time. Several batches, of several threads, may answer requests of one connection at once.
// The reactor must outlive it.
//
// add() and its kin return false, and do nothing, when `slot` is not a request that waits for an answer (answered
// before, or never reported): a bug of the caller, made harmless. For a request whose connection is gone they return
// true and free it.
class AnswerBatch {
 public:
  explicit AnswerBatch(Reactor& reactor);
  ~AnswerBatch();  // sends
  AnswerBatch(const AnswerBatch&) = delete;
  AnswerBatch& operator=(const AnswerBatch&) = delete;

  // The answer is [offset, offset + length) of the arena: size, header and body as they go over the wire. The block is
  // retained until it is sent; the caller keeps its own reference. The bytes must not change any more. Length 0 is
  // add_none(). The request's frame is released.
  bool add(uint32_t slot, uint32_t offset, uint32_t length);

  // The same of several pieces in order. Takes the file handles out of `pieces` (unless it returns false).
  bool add(uint32_t slot, std::span<Piece> pieces);

  // Nothing is sent, and later answers need not wait for this one (acks=0).
  bool add_none(uint32_t slot);

  // The connection closes as soon as everything before this request was answered and sent; requests behind it get no
  // answer. With nothing before it: at once.
  bool fail(uint32_t slot);

  // Of a dialled connection, by main only: [offset, offset + length) of the arena, size field included, goes out behind
  // what went before, once it is connected. The block is retained until it is sent. False: the connection is gone, or too
  // much waits already. What is on its way when a connection ends is lost.
  bool ask(uint32_t connection, uint32_t offset, uint32_t length);

  // Sends what is ready, without blocking, on this thread: per connection as few system calls as possible. What does not
  // go out, what waits for earlier requests, and file slices that are long or not in the page cache, is left to the
  // network threads. Until send() an answer may or may not have left.
  void send();

 private:
  static constexpr size_t kFew = 16;

  bool settle(uint32_t slot, bool failed, std::span<Piece> pieces);
  void touch(reactor::Connection* connection);

  reactor::Core& core_;
  // Connections with something to send; each is held by one of its holds.
  reactor::Connection* few_[kFew];
  size_t few_count_ = 0;
  std::vector<reactor::Connection*> many_;
};

}  // namespace odradek
