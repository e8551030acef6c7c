// One socket, its requests in order, and the right to send on it.
//
// The races, and what settles them:
//
//  - Two threads have answers for one connection. Whoever finds `sending` unset takes it, and with it the right to write
//    to the socket and to pop requests off the list; it looks again for more before giving it back. The other one leaves
//    its answer in the list and goes on: nobody ever waits for somebody's system call.
//  - A log thread sends while the network thread closes. The descriptor must not be closed (and its number used again)
//    under the sender: closing only marks `closed` then, and the sender, when it comes back, closes (dispose()).
//  - Room for sending appears between a sender's would-block and its saying so. The network thread finds `sending` and
//    leaves `room_seen`; the sender tries again instead of settling in kBlocked. With `sending` unset it finds kBlocked
//    and sends itself. There is no arming for writes that could be done twice or forgotten.
//  - The object is used for a new connection while somebody still names the old one. Everybody who does counts in
//    `holds`; `generation` tells the poller's stale events and late warm-ups apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/socket.h"
#include "base/spin_lock.h"
#include "reactor/event.h"
#include "reactor/frame_reader.h"
#include "reactor/slot_table.h"
#include "reactor/transport.h"

namespace odradek {
class AnswerBatch;
}

namespace odradek::reactor {

class NetworkThread;

struct Connection {
  // What a network thread is asked to do for a connection (bits).
  enum Todo : uint8_t { kAdopt = 1, kFlush = 2, kRead = 4, kClose = 8, kWarmed = 16 };

  // Who goes on sending, while nobody is at it.
  enum class Sending : uint8_t {
    kIdle,        // whoever has something
    kBlocked,     // the network thread, when the poller says there is room
    kHandedOver,  // the network thread, on kFlush
    kWarming,     // the network thread, on kWarmed
    kConnecting,  // the network thread, once the connection stands
  };

  explicit Connection(uint32_t number) : index(number) {}

  const uint32_t index;
  std::atomic<uint32_t> generation{0};

  // Set before anybody else knows of the connection, and constant while it lives.
  NetworkThread* thread = nullptr;
  Transport* transport = nullptr;
  uint32_t listener = 0;
  SocketAddress peer;
  bool dialled = false;       // by us: what comes are answers
  uint32_t max_frame = 0;

  // The network thread's.
  FrameReader reader;
  bool connecting = false;
  std::string congestion;     // of a dialled socket, until it connects: for restore_congestion()
  int error = 0;              // the errno that ended it, where there is one
  bool shaken = false;        // the transport's handshake is over
  uint32_t expected = 1;      // what the transport was last told to expect
  bool unread = false;        // the socket may hold bytes: edges tell it once
  bool ended = false;         // the other side sends no more: read until the end is seen
  bool in_turns = false;      // stands in the thread's list of those with more to do
  bool in_waiting = false;    // stands in the thread's list of those who lack memory
  uint32_t place = 0;         // among the thread's connections
  int64_t last_active_ms = 0;
  uint64_t assumed_warm = 0;  // bytes of the slice being sent that were just read in: not probed again. Whoever sends

  // The polling thread's: `opened` was reported, `closed` was not.
  bool known = false;

  SpinLock lock;
  // Under lock; `socket` is also read by the network thread, which alone begins its end, and by whoever sends.
  int socket = -1;
  bool closed = false;        // no more reading, no more sending
  bool broken = false;        // sending failed or is over; closing is on its way
  bool sending = false;
  bool room_seen = false;
  bool paused = false;
  bool read_held = false;     // the network thread would read, but in_flight, unsent_bytes or paused say no
  bool active = false;        // something was sent since the last sweep
  bool posted = false;        // stands in the mailbox
  uint8_t todo = 0;
  Sending state = Sending::kIdle;
  CloseReason reason = CloseReason::kPeer;
  uint32_t holds = 0;         // the open socket, the `closed` event, mailbox, AnswerBatches, orphaned requests
  uint32_t in_flight = 0;     // requests in the list
  uint64_t unsent_bytes = 0;  // of answers in the list
  uint32_t warming_bytes = 0; // with kWarming: how much of the slice is being read in
  // Requests in order of arrival: head .. ready_tail have their answers, the rest do not (all).
  Slot* head = nullptr;
  Slot* ready_tail = nullptr;
  Slot* tail = nullptr;
  AnswerBatch* touched_by = nullptr;  // it has this connection on its list already

  // Where in head's pieces sending goes on. Whoever sends.
  uint32_t sent_pieces = 0;
  uint32_t sent_bytes = 0;

  Connection* next_in_mailbox = nullptr;

  uint64_t token() const { return (uint64_t{generation.load(std::memory_order_relaxed)} << 32) | index; }

  // ---- REQUIRES: lock is held ----

  // Answers are read whatever is still to be sent: two brokers that held back for each other would wait for ever.
  // Otherwise reading may begin, or (`again`) go on after it was held: then only when half of what held it is gone, so that it
  // does not stutter.
  bool may_read(uint32_t max_in_flight, uint64_t max_unsent_bytes, bool again) const {
    if (dialled) return !paused;
    const int shift = again ? 1 : 0;
    return !paused && in_flight <= (max_in_flight - 1) >> shift && unsent_bytes <= max_unsent_bytes >> shift;
  }
  // Begins the life of a new connection in this object. The caller makes it known to others afterwards.
  void renew(NetworkThread& owner, Transport& through, uint32_t of_listener, int descriptor, const SocketAddress& from,
             uint32_t longest_frame);
  // The same for one that is to be dialled.
  void renew_dialled(NetworkThread& owner, Transport& through, int descriptor, const SocketAddress& to, uint32_t longest_frame,
                     std::string congestion_of_system);
  // Requests at the end of the list.
  void push(SlotChain chain);
  // `slot` has its answer (or failed). True: there is something to send now that was not before.
  bool settle(Slot& slot);
  // Takes the first `count` requests, up to `last`, off the list.
  SlotChain pop(Slot& last, uint32_t count, uint64_t bytes);
  // Has the network thread do `what`; call thread->nudge() after unlocking.
  void post(Todo what);
  // The connection is over and nobody sends: gives up the descriptor for the caller to close, and all requests:
  // answered ones into `freed`, the others become orphans. The caller drops the hold of the open socket.
  int dispose(SlotChain& freed);
};

// Connections by index. They stay where they are until the table goes.
class ConnectionTable {
 public:
  // A connection with nothing in it and a generation of its own. Any thread.
  Connection& take();
  // REQUIRES: nobody holds it
  void put(Connection& connection);

  // Null when there never was one. Any thread.
  Connection* at(uint32_t index) const;

  ~ConnectionTable();

 private:
  static constexpr uint32_t kChunk = 64;
  static constexpr uint32_t kMostChunks = 1u << 14;

  std::atomic<Connection*> chunks_[kMostChunks] = {};
  std::atomic<uint32_t> made_{0};
  mutable SpinLock lock_;
  std::vector<uint32_t> free_;  // under lock_; capacity for all, so that put() never allocates
};

}  // namespace odradek::reactor
