// What the threads of one reactor share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/socket.h"
#include "reactor/connection.h"
#include "reactor/network_thread.h"
#include "reactor/reactor.h"
#include "reactor/slot_table.h"

namespace odradek::reactor {

class Core {
 public:
  Core(ReactorOptions options, Arena& arena, Clock& clock, WarmUp* warm_up, std::function<void()> wake);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Status start();

  // As in Reactor.
  Result<uint16_t> listen(uint32_t listener, const std::string& host, uint16_t port, uint32_t backlog);
  void stop_listening();
  void close();
  size_t poll(Event* out, size_t capacity);
  Connection* known(uint32_t connection) const;
  Result<uint32_t> dial(const std::string& address, uint16_t port, const DialOptions& options);
  void pause(Connection& connection, bool paused);
  void end(Connection& connection, CloseReason reason);
  void release_frame(Slot& slot);
  void warmed(uint64_t ticket, bool ok);
  ReactorStats stats() const;

  // Settles the request `handle`: its answer is `pieces`, or it fails. `touched`: a connection that has something to send
  // now and that `batch` did not know of; the batch has a hold on it, until untouch().
  struct Answered {
    bool ok = false;
    Connection* touched = nullptr;
  };
  Answered answer(uint32_t handle, Slot::State outcome, std::span<Piece> pieces, AnswerBatch* batch);

  // Queues an arena range behind what a dialled connection has to send. As with answer().
  Answered send(Connection& connection, uint32_t offset, uint32_t length, AnswerBatch* batch);

  // ---- memory, any thread ----

  // Whether another receive may begin: the budget is not spent and there are slots.
  bool has_room() const {
    return queued_bytes_.load(std::memory_order_seq_cst) < options.queued_max_bytes &&
           requests_.load(std::memory_order_seq_cst) < options.max_requests;
  }
  void charge(uint64_t bytes, uint32_t requests);
  // Frames of dialled connections that came, or are to be sent, have a bound of their own: what clients do, and leave
  // undone, does not keep brokers from each other. False: `count` more would be more than brokers ever ask of each other.
  bool charge_peer_frames(uint32_t count);
  // Slots that are done with: requests, answered or orphaned, or (`of_peer`) what was sent on a dialled connection.
  // REQUIRES: no lock of a connection is held
  void free(SlotChain chain, bool of_peer = false);
  // Gives up one hold; the last one puts the connection back. REQUIRES: its lock is not held
  void drop_hold(Connection& connection);
  // What a batch does when it has sent: forgets the connection, and drops its hold.
  void untouch(Connection& connection, AnswerBatch* batch);
  // A network thread could not read for want of memory, and will look again after the next release.
  void count_starving(int change) { starving_.fetch_add(change, std::memory_order_seq_cst); }

  // After Connection::dispose(): closes the descriptor and frees. REQUIRES: no lock of a connection is held
  void finish(Connection& connection, int socket, SlotChain freed);

  // ---- network threads ----

  struct Listener {
    Descriptor descriptor;
    uint32_t id = 0;
    std::string congestion;
  };
  // The listener of that token, maybe without its descriptor. The first network thread only: it alone closes them.
  const Listener& listener(uint32_t number) const;
  // When asked to, or always: closes the listeners. The first network thread only.
  void close_listeners_if_asked(bool always);
  bool asked_to_close_listeners() const { return stop_listening_.load(std::memory_order_seq_cst); }
  // A new connection for the next thread in turn.
  NetworkThread& next_thread() { return *threads_[next_thread_.fetch_add(1, std::memory_order_relaxed) % threads_.size()]; }
  // Sees to it that the main isolate polls.
  void wake_main();

  const ReactorOptions options;
  Arena& arena;
  Clock& clock;
  WarmUp* const warm_up;
  TcpTransport tcp;
  SlotTable slots;
  ConnectionTable connections;

  std::atomic<uint32_t> open{0};     // sockets, from accept or dial to close
  std::atomic<uint32_t> dialled{0};  // of them, those that we dialled
  std::atomic<bool> closing{false};

  // Sums of all threads. Senders are many, so these are shared; receivers count for themselves (NetworkThread).
  struct alignas(64) {
    std::atomic<uint64_t> answers{0};
    std::atomic<uint64_t> bytes_out{0};
    std::atomic<uint64_t> sends{0};
    std::atomic<uint64_t> wakes{0};
  } counters;

 private:
  void release_bytes(Slot& slot);
  void give_back(uint64_t frame);
  void regained();
  void room_in_arena();

  std::function<void()> wake_;
  std::vector<std::unique_ptr<NetworkThread>> threads_;  // fixed after start()
  std::atomic<uint32_t> next_thread_{0};

  // The budget. Whoever gives back looks at starving_ after it has; a thread that starves looks at the budget after it
  // has said so. Both in one total order (seq_cst), so one of the two sees the other and no wake-up is lost.
  alignas(64) std::atomic<uint64_t> queued_bytes_{0};
  std::atomic<uint32_t> requests_{0};
  std::atomic<int> starving_{0};
  std::atomic<uint32_t> peer_frames_{0};

  alignas(64) std::atomic<bool> wake_pending_{false};
  // The polling thread's.
  uint32_t poll_from_ = 0;
  std::vector<Connection*> told_closed_;

  mutable std::mutex mutex_;
  std::condition_variable listeners_gone_;
  // Under mutex_.
  std::deque<Listener> listeners_;
  std::atomic<bool> stop_listening_{false};  // written under it
  bool closed_ = false;
  bool threads_gone_ = false;
};

}  // namespace odradek::reactor
