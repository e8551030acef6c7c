// A broker's skeleton and its clients, for the stories in this folder. Nothing sleeps: whoever waits, waits for
// something, and gives up after a time that only a bug needs.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/byte_order.h"
#include "base/clock.h"
#include "reactor/reactor.h"

namespace odradek::test {

constexpr auto kPatience = std::chrono::seconds(30);

// Moved by the test. Monotonic and wall time are the same here.
class HandClock final : public Clock {
 public:
  int64_t wall_ms() override { return static_cast<int64_t>(monotonic_ns() / 1'000'000); }
  uint64_t monotonic_ns() override { return now_.load(); }
  void advance(std::chrono::milliseconds by) { now_ += static_cast<uint64_t>(by.count()) * 1'000'000; }

 private:
  std::atomic<uint64_t> now_{1'000'000'000'000};
};

// The bytes of a frame that carries `text`.
inline std::string framed(const std::string& text) {
  std::string bytes(4, '\0');
  store_i32(reinterpret_cast<uint8_t*>(bytes.data()), static_cast<int32_t>(text.size()));
  return bytes + text;
}

inline std::string size_field(int32_t size) {
  std::string bytes(4, '\0');
  store_i32(reinterpret_cast<uint8_t*>(bytes.data()), size);
  return bytes;
}

// Text that shows where it was cut or mixed up.
inline std::string patterned(size_t length, uint32_t seed) {
  std::string text(length, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>('a' + (state >> 24) % 26);
  }
  return text;
}

// Blocking, and patient.
class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = -1) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer >= 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Client(const Client&) = delete;
  ~Client() { hang_up(); }

  void send(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      REQUIRE(sent > 0);
      at += static_cast<size_t>(sent);
    }
  }
  // As much as the other side takes now; says how much.
  size_t send_without_waiting(const std::string& bytes) {
    size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) break;
      at += static_cast<size_t>(sent);
    }
    return at;
  }
  void ask(const std::string& text) { send(framed(text)); }

  std::string read(size_t length) {
    std::string bytes(length, '\0');
    for (size_t at = 0; at < length;) {
      const ssize_t got = ::recv(socket_, bytes.data() + at, length - at, 0);
      if (got <= 0) return "<connection ended>";
      at += static_cast<size_t>(got);
    }
    return bytes;
  }
  std::string read_answer() {
    const std::string size = read(4);
    if (size.size() != 4) return size;
    return read(load_u32(reinterpret_cast<const uint8_t*>(size.data())));
  }
  // Everything until the end of the stream, or its reset.
  std::string read_to_end() {
    std::string all;
    char bytes[4096];
    ssize_t got;
    while ((got = ::recv(socket_, bytes, sizeof bytes, 0)) > 0) all.append(bytes, static_cast<size_t>(got));
    return got < 0 && errno == EAGAIN ? "<still open>" : all;
  }
  bool nothing_to_read() {
    char byte;
    return ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }
  // Closes with a reset instead of a farewell.
  void slam() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up();
  }
  void hang_up() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  int descriptor() const { return socket_; }

 private:
  int socket_;
};

// The reactor with a main isolate that does what the test says.
class Broker {
 public:
  explicit Broker(Reactor::Options options = one_thread(), uint64_t arena_bytes = 64u << 20, WarmUp* warm_up = nullptr,
                  Clock* clock = nullptr)
      : arena_(*Arena::reserve({.capacity = arena_bytes, .warm_bytes = 1u << 20})),
        reactor_(*Reactor::start(options, *arena_, clock != nullptr ? *clock : system_clock_, warm_up, [this] { woken(); })) {
    port = *reactor_->listen(7, "127.0.0.1", 0);
  }

  static Reactor::Options one_thread() {
    Reactor::Options options;
    options.network_threads = 1;
    return options;
  }

  // Waits for the next event.
  Event next() {
    while (events_.empty()) {
      if (poll() > 0) break;
      std::unique_lock lock(mutex_);
      REQUIRE(wake_up_.wait_for(lock, kPatience, [this] { return woken_; }));
      woken_ = false;
    }
    const Event event = events_.front();
    events_.pop_front();
    return event;
  }
  Event next(EventKind kind) {
    const Event event = next();
    REQUIRE(event.kind == static_cast<uint32_t>(kind));
    return event;
  }
  Event opened() { return next(EventKind::kOpened); }
  Event request() { return next(EventKind::kRequest); }
  Event closed() { return next(EventKind::kClosed); }
  CloseReason closed_because() { return static_cast<CloseReason>(closed().slot); }
  std::vector<Event> requests(size_t count) {
    std::vector<Event> all;
    while (all.size() < count) all.push_back(request());
    return all;
  }
  // Nothing is reported of what has happened so far. Only where the test knows that the network thread is through.
  bool nothing_more() { return events_.empty() && poll() == 0; }

  // Until the network thread has come round to what was done before: it opens a connection of ours, and then closes it
  // because we say so (it need not be able to read for either). Other events that come meanwhile are kept.
  void settle() {
    std::deque<Event> kept;
    const Client messenger(port);
    uint32_t index = UINT32_MAX;
    for (bool gone = false; !gone;) {
      const Event event = next();
      const auto kind = static_cast<EventKind>(event.kind);
      if (kind == EventKind::kOpened && index == UINT32_MAX) {
        index = event.connection;
        reactor_->close_connection(index);
      } else if (kind == EventKind::kClosed && event.connection == index) {
        gone = true;
      } else {
        kept.push_back(event);
      }
    }
    kept.insert(kept.end(), events_.begin(), events_.end());
    events_ = std::move(kept);
  }

  std::string text(const Event& request) const {
    return std::string(reinterpret_cast<const char*>(arena_->at(request.offset)), request.length);
  }
  // Puts `bytes` into the arena. The caller releases it.
  uint32_t put(const std::string& bytes) {
    const uint32_t offset = arena_->lease(static_cast<uint32_t>(std::max<size_t>(bytes.size(), 1)));
    REQUIRE(offset != Arena::kNoRoom);
    std::memcpy(arena_->at(offset), bytes.data(), bytes.size());
    return offset;
  }
  void add(AnswerBatch& batch, const Event& request, const std::string& text) {
    const std::string bytes = framed(text);
    const uint32_t offset = put(bytes);
    CHECK(batch.add(request.slot, offset, static_cast<uint32_t>(bytes.size())));
    arena_->release(offset);
  }
  void answer(const Event& request, const std::string& text) {
    AnswerBatch batch(*reactor_);
    add(batch, request, text);
    batch.send();
  }

  Reactor& reactor() { return *reactor_; }
  Arena& arena() { return *arena_; }
  void end() { reactor_.reset(); }
  uint16_t port = 0;

 private:
  size_t poll() {
    Event out[16];
    const size_t count = reactor_->poll(out, 16);
    events_.insert(events_.end(), out, out + count);
    return count;
  }
  void woken() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wake_up_.notify_one();
  }

  SystemClock system_clock_;
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  std::deque<Event> events_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Reactor> reactor_;
};

// Waits until `true_now`, for conditions that nothing announces.
template <typename Condition>
void eventually(Condition true_now) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!true_now()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
}

// The seed of a random test: from ODRADEK_SEED, or new; printed when the test fails.
inline uint64_t test_seed() {
  if (const char* given = std::getenv("ODRADEK_SEED")) return std::strtoull(given, nullptr, 10);
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace odradek::test
