// One event loop: reads its connections, cuts frames, announces them, and sends what others could not.
//
// Edge-triggered: a ready connection costs one receive, and neither a second one that finds nothing nor an epoll_ctl. A
// level-triggered poller asks every socket once more at the next wait; with 32 connections of one request each that was
// 0.5 us of CPU more for each request (4.0 against 4.5 to 4.7 us, clients and main isolate not counted, send included).
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/poller.h"
#include "base/socket.h"
#include "reactor/connection.h"
#include "reactor/event.h"
#include "reactor/frame_reader.h"
#include "reactor/sender.h"
#include "reactor/slab.h"
#include "reactor/slot_table.h"

namespace odradek::reactor {

class Core;

class NetworkThread {
 public:
  struct Counters {  // written by this thread only
    std::atomic<uint64_t> accepted{0};
    std::atomic<uint64_t> requests{0};
    std::atomic<uint64_t> bytes_in{0};
    std::atomic<uint64_t> receives{0};
    std::atomic<uint64_t> waits{0};
  };

  NetworkThread(Core& core, Poller poller, uint32_t number);
  ~NetworkThread();
  NetworkThread(const NetworkThread&) = delete;
  NetworkThread& operator=(const NetworkThread&) = delete;

  void start();
  void join();
  // Drops connections that were handed to this thread but not taken on. REQUIRES: joined
  void drop_mail();

  // ---- any thread ----

  // Through Connection::post(), which knows whether it is in the mailbox already.
  void push_mail(Connection& connection);
  // The thread comes round soon. Costs a system call only when it sleeps.
  void nudge();
  // The arena has room again, after a lease failed.
  void arena_regained();
  Poller& poller() { return poller_; }
  const Counters& counters() const { return counters_; }

  // ---- the polling thread ----

  // Up to `capacity` events, oldest first.
  size_t take_events(Event* out, size_t capacity);

 private:
  static constexpr uint64_t kListenerToken = uint64_t{1} << 63;
  friend class Core;

  void run();
  void shut_down();
  bool has_work() const;
  int sleep_ms() const;

  void dispatch(const Poller::Ready& ready);
  void accept_from(uint32_t number);
  void hand_out(Accepted accepted, uint32_t listener);
  void adopt(Connection& connection);
  void dial(Connection& connection);
  void connected(Connection& connection);
  void read_mail();
  void do_mail(Connection& connection, uint8_t todo, CloseReason reason);

  void turn(Connection& connection, bool room_to_send, bool broken);
  void read(Connection& connection);
  void expect_rest(Connection& connection);
  void expect(Connection& connection, uint32_t bytes);
  bool announce(Connection& connection);
  void flush(Connection& connection);
  void take_turn_later(Connection& connection);
  void wait_for_memory(Connection& connection);
  void serve_waiting();
  void serve_waiting_peers();
  bool may_receive(const Connection& connection) const;
  bool memory_may_be_had() const;

  void close(Connection& connection, CloseReason reason);
  void tell_closed(const Connection& connection, CloseReason reason);
  void sweep();
  void close_longest_idle(Connection& newest);
  bool is_busy(Connection& connection);
  void publish();

  Core& core_;
  Poller poller_;
  const uint32_t number_;
  std::thread thread_;

  // This thread's.
  Sender sender_;
  Slab slab_;
  SlotChain hand_;                     // free slots
  std::vector<Frame> frames_;          // of the receive under way
  std::vector<Connection*> all_;
  std::vector<Connection*> turns_;     // have more to do
  std::vector<Connection*> now_;       // of them, those whose turn it is; null: closed meanwhile
  std::vector<Connection*> waiting_;   // lack memory, the longest waiting first; null: closed meanwhile
  std::vector<Connection*> waiting_peers_;  // the same, of dialled ones: they lack the arena's alone
  std::vector<Event> events_;          // not yet published
  bool arena_short_ = false;           // a lease failed, and the arena has not told of room since
  bool slab_short_ = false;            // it failed for a slab, so nobody else can be served either
  bool starving_ = false;              // counted in Core
  int64_t now_ms_ = 0;
  uint32_t now_us_ = 0;                // low 31 bits
  int64_t next_sweep_ms_ = 0;
  std::vector<uint32_t> silent_listeners_;

  alignas(64) Counters counters_;

  alignas(64) std::atomic<Connection*> mail_{nullptr};  // a stack; the reader turns it round
  // Set before the thread looks at mail and budget for the last time, and then sleeps; whoever clears it must wake.
  std::atomic<bool> asleep_{false};
  std::atomic<bool> arena_has_room_{false};

  alignas(64) std::mutex outbox_mutex_;
  std::vector<Event> outbox_;  // under outbox_mutex_
  std::vector<Event> taken_;   // the polling thread's
  size_t taken_from_ = 0;
};

}  // namespace odradek::reactor
