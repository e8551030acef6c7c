// TCP sockets: listening, accepting, addresses.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/congestion.h"
#include "base/status.h"

namespace odradek {

// Closes its descriptor when it goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return number_; }
  int take() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// An IPv4 or IPv6 address with its port. IPv4 that came over an IPv6 socket reads as IPv4.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  SocketAddress() : v6{} {}

  std::string host() const;  // numeric, "" when unset
  bool is_loopback() const;
  uint16_t port() const;
};

struct ListenOptions {
  uint32_t backlog = 128;
  int32_t send_buffer_bytes = -1;     // < 0: the system's choice
  int32_t receive_buffer_bytes = -1;
};

struct ListeningSocket {
  Descriptor descriptor;
  uint16_t port = 0;
  std::string congestion;  // for restore_congestion()
};

// Of a numeric address (never a name: nothing waits for a name server).
Result<SocketAddress> numeric_address(const std::string& host, uint16_t port);

struct DialledSocket {
  Descriptor descriptor;   // non-blocking, not connected yet
  std::string congestion;  // for restore_congestion()
};

// A socket for connect_tcp(), with TCP_NODELAY and SO_KEEPALIVE.
Result<DialledSocket> dialling_socket(const SocketAddress& to, int32_t receive_buffer_bytes);

// Begins to connect and answers 0, or the errno that ended it. The poller tells of room to send when it is over; then ask
// connect_error().
int connect_tcp(int socket, const SocketAddress& to);
int connect_error(int socket);

// Binds the first address of `host` that can be bound (empty: every interface, both families where the system has
// both), non-blocking. Buffers, TCP_NODELAY and SO_KEEPALIVE are set on the listener: accepted sockets inherit them, so
// that accepting costs one system call. May wait for a name server.
Result<ListeningSocket> listen_tcp(const std::string& host, uint16_t port, const ListenOptions& options);

enum class AcceptOutcome {
  kAccepted,
  kNoneWaiting,
  kAborted,    // this one is gone already; the next may be fine
  kExhausted,  // no descriptors or memory: what waits goes on waiting, so trying again at once would spin
  kBroken,     // the listener itself is not usable
};

struct Accepted {
  AcceptOutcome outcome = AcceptOutcome::kNoneWaiting;
  Descriptor descriptor;  // non-blocking
  SocketAddress peer;
};

Accepted accept_tcp(int listener);

}  // namespace odradek
