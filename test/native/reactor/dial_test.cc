// Connections that we dial: to each other, and to whoever does not behave.
#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <map>
#include <thread>

#include "reactor/fixture.h"

using namespace odradek;
using namespace odradek::test;

namespace {

constexpr uint32_t kRoomy = 64u << 20;

// A peer of which the test holds the other end: a plain socket that listens.
class Peer {
 public:
  Peer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port = ntohs(address.sin_port);
  }
  ~Peer() {
    hang_up();
    if (listener_ >= 0) ::close(listener_);
  }
  void accept() {
    socket_ = ::accept(listener_, nullptr, nullptr);
    REQUIRE(socket_ >= 0);
  }
  void stop_listening() { ::close(std::exchange(listener_, -1)); }
  void send(const std::string& bytes) { REQUIRE(sends(bytes)); }
  // False: the other side has closed.
  bool sends(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t sent = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<size_t>(sent);
    }
    return true;
  }
  std::string read(size_t length) {
    std::string bytes(length, '\0');
    for (size_t at = 0; at < length;) {
      const ssize_t got = ::recv(socket_, bytes.data() + at, length - at, 0);
      REQUIRE(got > 0);
      at += static_cast<size_t>(got);
    }
    return bytes;
  }
  std::string read_frame() { return read(load_u32(reinterpret_cast<const uint8_t*>(read(4).data()))); }
  void slam() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up();
  }
  void hang_up() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  uint16_t port = 0;

 private:
  int listener_;
  int socket_ = -1;
};

uint32_t dial(Broker& broker, uint16_t port, uint32_t max_frame = kRoomy) {
  const Result<uint32_t> connection = broker.reactor().dial("127.0.0.1", port, {.max_frame_bytes = max_frame});
  REQUIRE(connection.ok());
  return *connection;
}

uint32_t dial_and_connect(Broker& broker, Peer& peer, uint32_t max_frame = kRoomy) {
  const uint32_t connection = dial(broker, peer.port, max_frame);
  peer.accept();
  CHECK(broker.next(EventKind::kConnected).connection == connection);
  return connection;
}

bool ask(Broker& broker, uint32_t connection, const std::string& text) {
  const std::string bytes = framed(text);
  const uint32_t offset = broker.put(bytes);
  AnswerBatch batch(broker.reactor());
  const bool queued = batch.ask(connection, offset, static_cast<uint32_t>(bytes.size()));
  batch.send();
  broker.arena().release(offset);
  return queued;
}

Event answer(Broker& broker) { return broker.next(EventKind::kAnswer); }

}  // namespace

TEST_CASE("a dialled connection asks and is answered, and its frames stay until they are released") {
  Broker broker;
  Peer peer;
  const uint32_t connection = dial_and_connect(broker, peer);
  CHECK(broker.reactor().peer_port(connection) == peer.port);
  CHECK(ask(broker, connection, "who leads"));
  CHECK(peer.read_frame() == "who leads");
  peer.send(framed("I do") + framed("still"));
  const Event first = answer(broker);
  const Event second = answer(broker);
  CHECK(first.connection == connection);
  CHECK(broker.reactor().stats().queued_bytes == 0);  // nobody is charged for what was asked for
  peer.send(framed(patterned(100'000, 1)));
  const Event third = answer(broker);
  CHECK(broker.text(first) == "I do");
  CHECK(broker.text(second) == "still");
  CHECK(broker.text(third) == patterned(100'000, 1));
  broker.reactor().release_frame(first.slot);
  broker.reactor().release_frame(first.slot);  // the second time is nothing
  broker.reactor().release_frame(second.slot);
  broker.reactor().release_frame(third.slot);
  peer.hang_up();
  const Event closed = broker.closed();
  CHECK(closed.connection == connection);
  CHECK(closed.slot == static_cast<uint32_t>(CloseReason::kPeer));
  CHECK(closed.offset == 0);
}

TEST_CASE("what is asked before the connection stands goes out once it does, in order") {
  Broker broker;
  Peer peer;
  const uint32_t connection = dial(broker, peer.port);
  for (int i = 0; i < 100; ++i) CHECK(ask(broker, connection, "question " + std::to_string(i)));
  peer.accept();
  CHECK(broker.next(EventKind::kConnected).connection == connection);
  for (int i = 0; i < 100; ++i) CHECK(peer.read_frame() == "question " + std::to_string(i));
}

TEST_CASE("nobody listens: the connection closes and says why") {
  Broker broker;
  Peer peer;
  peer.stop_listening();
  const uint32_t connection = dial(broker, peer.port);
  static_cast<void>(ask(broker, connection, "is anybody there"));
  const Event closed = broker.closed();
  CHECK(closed.connection == connection);
  CHECK(closed.slot == static_cast<uint32_t>(CloseReason::kUnreachable));
  CHECK(closed.offset == ECONNREFUSED);
  CHECK_FALSE(ask(broker, connection, "is anybody there"));
}

TEST_CASE("what is no numeric address is refused at once") {
  Broker broker;
  for (const char* name : {"localhost", "", "127.0.0.1:80", "no such host"}) {
    CHECK_MESSAGE(broker.reactor().dial(name, 9092, {}).status().code() == Code::kInvalidArgument, name);
  }
}

TEST_CASE("a peer that resets in the middle of an answer") {
  Broker broker;
  Peer peer;
  const uint32_t connection = dial_and_connect(broker, peer);
  const std::string frame = framed(patterned(1'000'000, 2));
  peer.send(framed("whole") + frame.substr(0, 500'000));
  CHECK(broker.text(answer(broker)) == "whole");
  peer.slam();
  const Event closed = broker.closed();
  CHECK(closed.connection == connection);
  CHECK((closed.offset == ECONNRESET || closed.offset == 0));
}

TEST_CASE("a peer that ends in the middle of an answer") {
  Broker broker;
  Peer peer;
  dial_and_connect(broker, peer);
  peer.send(framed("half of it").substr(0, 7));
  peer.hang_up();
  CHECK(broker.closed_because() == CloseReason::kPeer);
}

TEST_CASE("an answer that comes byte by byte is one answer") {
  Broker broker;
  Peer peer;
  dial_and_connect(broker, peer);
  for (const char byte : framed("slowly")) peer.send(std::string(1, byte));
  CHECK(broker.text(answer(broker)) == "slowly");
}

TEST_CASE("an answer of many megabytes arrives whole, past the budget that requests have") {
  Reactor::Options options = Broker::one_thread();
  options.queued_max_bytes = 1;
  options.max_request_bytes = 1000;
  Broker broker(options, 128u << 20);
  Peer peer;
  dial_and_connect(broker, peer);
  const std::string text = patterned(20'000'000, 3);
  std::thread sender([&] { peer.send(framed(text) + framed("next")); });
  const Event large = answer(broker);
  CHECK(broker.text(large) == text);
  CHECK(broker.text(answer(broker)) == "next");
  sender.join();
}

TEST_CASE("a size that is negative, or above the limit of the connection, ends it") {
  Broker broker;
  for (const int32_t size : {-1, INT32_MIN, 1001, INT32_MAX}) {
    Peer peer;
    dial_and_connect(broker, peer, 1000);
    peer.send(framed(patterned(1000, 4)) + size_field(size));
    CHECK(broker.text(answer(broker)) == patterned(1000, 4));
    CHECK_MESSAGE(broker.closed_because() == CloseReason::kRefused, size);
  }
}

TEST_CASE("a flood of answers that nobody asked for ends at a bound") {
  Broker broker;
  Peer peer;
  const uint32_t connection = dial_and_connect(broker, peer);
  std::thread flood([&] {
    const std::string some(64 * 1024, '\0');  // sixteen thousand empty frames
    while (peer.sends(some)) {}
  });
  size_t held = 0;
  Event event;
  while ((event = broker.next()).kind == static_cast<uint32_t>(EventKind::kAnswer)) ++held;
  CHECK(event.connection == connection);
  CHECK(event.slot == static_cast<uint32_t>(CloseReason::kUnasked));
  CHECK(held <= 1u << 15);
  flood.join();
}

TEST_CASE("a connection can be given up while it connects") {
  Broker broker;
  Peer peer;
  for (int i = 0; i < 200; ++i) {
    const uint32_t connection = dial(broker, peer.port);
    if (i % 2 == 0) static_cast<void>(ask(broker, connection, "too late"));
    broker.reactor().close_connection(connection);
    Event event = broker.next();
    if (event.kind == static_cast<uint32_t>(EventKind::kConnected)) event = broker.next();
    CHECK(event.kind == static_cast<uint32_t>(EventKind::kClosed));
    CHECK(event.connection == connection);
  }
}

TEST_CASE("a reactor that closes tells of every connection that was dialled") {
  Peer peer;
  Broker broker;
  std::map<uint32_t, int> closed;
  for (int i = 0; i < 20; ++i) closed[dial(broker, peer.port)] = 0;
  broker.reactor().close();
  Event out[64];
  const size_t count = broker.reactor().poll(out, 64);
  for (size_t i = 0; i < count; ++i) if (out[i].kind == static_cast<uint32_t>(EventKind::kClosed)) ++closed[out[i].connection];
  for (const auto& [connection, times] : closed) CHECK(times == 1);
  CHECK(broker.reactor().dial("127.0.0.1", peer.port, {}).status().code() == Code::kClosed);
}

TEST_CASE("silence does not end a dialled connection, and it takes no client's place") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = 1000;
  options.max_connections = 2;
  Broker broker(options, 64u << 20, nullptr, &clock);
  Peer peer;
  const uint32_t dialled = dial_and_connect(broker, peer);
  const Client one(broker.port);
  const Client other(broker.port);
  broker.opened();
  broker.opened();
  clock.advance(std::chrono::seconds(5));
  const Client third(broker.port);  // wakes the thread
  uint32_t closed = 0;
  while (closed < 2) {
    const Event event = broker.next();
    if (event.kind != static_cast<uint32_t>(EventKind::kClosed)) continue;
    CHECK(event.connection != dialled);
    ++closed;
  }
  CHECK(ask(broker, dialled, "still there"));
  CHECK(peer.read_frame() == "still there");
}

TEST_CASE("an answer waits for room in the arena, and for no request's budget") {
  Broker broker(Broker::one_thread(), 4u << 20);
  Peer peer;
  dial_and_connect(broker, peer);
  const uint32_t hoard = broker.arena().lease(3u << 20);
  REQUIRE(hoard != Arena::kNoRoom);
  const std::string text = patterned(2'000'000, 5);
  std::thread sender([&] { peer.send(framed(text)); });
  broker.settle();
  CHECK(broker.nothing_more());
  broker.arena().release(hoard);
  CHECK(broker.text(answer(broker)) == text);
  sender.join();
}

TEST_CASE("two reactors talk to each other, both ways, more than either would buffer") {
  Broker left;
  Broker right;
  const uint32_t to_right = dial(left, right.port);
  const uint32_t to_left = dial(right, left.port);
  constexpr int kRounds = 300;
  const auto talk = [](Broker& broker, uint32_t connection) {
    int asked = 0;
    int heard = 0;
    int served = 0;
    while (heard < kRounds || served < kRounds) {
      while (asked < kRounds && asked - heard < 64) {
        if (!ask(broker, connection, patterned(50'000, static_cast<uint32_t>(asked)))) break;
        ++asked;
      }
      const Event event = broker.next();
      switch (static_cast<EventKind>(event.kind)) {
        case EventKind::kRequest:
          CHECK(broker.text(event) == patterned(50'000, static_cast<uint32_t>(served)));
          broker.answer(event, broker.text(event));
          ++served;
          break;
        case EventKind::kAnswer:
          CHECK(broker.text(event) == patterned(50'000, static_cast<uint32_t>(heard)));
          broker.reactor().release_frame(event.slot);
          ++heard;
          break;
        default:
          REQUIRE(static_cast<EventKind>(event.kind) != EventKind::kClosed);
      }
    }
  };
  std::thread other([&] { talk(right, to_left); });
  talk(left, to_right);
  other.join();
  CHECK(left.arena().in_use() <= 8u << 20);
}
