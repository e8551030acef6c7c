#include "base/congestion.h"

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/socket.h"

using namespace odradek;

namespace {

std::string congestion_of(int socket) {
  char name[17] = "";
  socklen_t length = 16;
  REQUIRE(::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0);
  return name;
}

bool choose(int socket, const std::string& name) {
  return ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) == 0;
}

struct Connected {
  ListeningSocket listening = *listen_tcp("127.0.0.1", 0, {});
  Descriptor client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Accepted accepted;
  Connected() {
    SocketAddress address;
    address.v4 = {};
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(listening.port);
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(client.get(), &address.any, sizeof address.v4) == 0);
    accepted = accept_tcp(listening.descriptor.get());
    REQUIRE(accepted.outcome == AcceptOutcome::kAccepted);
  }
};

SocketAddress from_afar() {
  SocketAddress address;
  address.v4 = {};
  address.v4.sin_family = AF_INET;
  address.v4.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1, of the documentation
  return address;
}

}  // namespace

TEST_CASE("a listener whose congestion control paces gives it up, and says what it was") {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (choose(socket.get(), "bbr")) {
    CHECK(avoid_pacing(socket.get()) == "bbr");
    CHECK(congestion_of(socket.get()) == "reno");
  } else {
    MESSAGE("this system has no bbr");
  }
}

TEST_CASE("where it does not pace nothing is changed") {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(choose(socket.get(), "reno"));
  CHECK(avoid_pacing(socket.get()) == "");
  CHECK(congestion_of(socket.get()) == "reno");
}

TEST_CASE("a connection from this machine keeps what its listener has; one from another gets the system's choice back") {
  const std::string systems = congestion_of(Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)).get());
  Connected here;
  const int socket = here.accepted.descriptor.get();
  REQUIRE(choose(socket, "reno"));
  restore_congestion(socket, here.accepted.peer, systems);
  CHECK(congestion_of(socket) == "reno");
  restore_congestion(socket, from_afar(), "");
  CHECK(congestion_of(socket) == "reno");
  restore_congestion(socket, from_afar(), systems);
  CHECK(congestion_of(socket) == systems);
}

TEST_CASE("an accepted connection of this machine is not paced") {
  const Connected here;
  CHECK_FALSE(congestion_of(here.accepted.descriptor.get()).starts_with("bbr"));
}

TEST_CASE("loopback addresses, of either family") {
  const Connected here;
  CHECK(here.accepted.peer.is_loopback());
  CHECK_FALSE(from_afar().is_loopback());
  SocketAddress mapped;
  mapped.v6.sin6_family = AF_INET6;
  mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
  mapped.v6.sin6_addr.s6_addr[12] = 127;
  CHECK(mapped.is_loopback());
  mapped.v6.sin6_addr.s6_addr[12] = 10;
  CHECK_FALSE(mapped.is_loopback());
  SocketAddress six;
  six.v6.sin6_family = AF_INET6;
  six.v6.sin6_addr = in6addr_loopback;
  CHECK(six.is_loopback());
}
