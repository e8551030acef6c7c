// A connection's life: opening, frames in, answers out in order, closing.
#include "reactor/reactor.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fixture.h"

using namespace odradek;
using namespace odradek::test;

TEST_CASE("a request is announced after its connection, answered, and everything is given back") {
  Broker broker;
  {
    Client client(broker.port);
    client.ask("hello");
    const Event opened = broker.opened();
    CHECK(opened.listener == 7);
    CHECK(broker.reactor().peer_address(opened.connection) == "127.0.0.1");
    CHECK(broker.reactor().peer_port(opened.connection) != 0);
    const Event request = broker.request();
    CHECK(request.connection == opened.connection);
    CHECK(broker.text(request) == "hello");
    broker.answer(request, "good day");
    CHECK(client.read_answer() == "good day");
  }
  CHECK(broker.closed_because() == CloseReason::kPeer);
  CHECK(broker.reactor().peer_address(0) == "");
  const ReactorStats stats = broker.reactor().stats();
  CHECK(stats.requests == 1);
  CHECK(stats.answers == 1);
  CHECK(stats.queued_bytes == 0);
  broker.end();
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("a frame that trickles in byte by byte is one frame") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  for (const char byte : framed("slowly")) client.send(std::string(1, byte));
  CHECK(broker.text(broker.request()) == "slowly");
}

TEST_CASE("many frames in one packet are as many requests, answered in one go") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += framed("request " + std::to_string(i));
  client.send(bytes);
  const std::vector<Event> requests = broker.requests(200);
  AnswerBatch batch(broker.reactor());
  for (int i = 0; i < 200; ++i) {
    CHECK(broker.text(requests[i]) == "request " + std::to_string(i));
    broker.add(batch, requests[i], "answer " + std::to_string(i));
  }
  const uint64_t before = broker.reactor().stats().sends;
  batch.send();
  for (int i = 0; i < 200; ++i) CHECK(client.read_answer() == "answer " + std::to_string(i));
  CHECK(broker.reactor().stats().sends - before <= 2);
}

TEST_CASE("a negative or oversize frame ends the connection without an answer; what came before it counts") {
  Reactor::Options options = Broker::one_thread();
  options.max_request_bytes = 1000;
  Broker broker(options);
  for (const int32_t size : {-1, INT32_MIN, 1001, INT32_MAX}) {
    Client client(broker.port);
    broker.opened();
    client.send(framed("good") + framed(std::string(1000, 'x')) + size_field(size) + "whatever");
    CHECK(broker.text(broker.request()) == "good");
    CHECK(broker.request().length == 1000);
    CHECK(broker.closed_because() == CloseReason::kRefused);
    CHECK(client.read_to_end() == "");
  }
}

TEST_CASE("answers leave in the order of the requests, whatever order they are given in") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  std::vector<int> order = {0, 1, 2, 3};
  do {
    for (int i = 0; i < 4; ++i) client.ask(std::to_string(i));
    const std::vector<Event> requests = broker.requests(4);
    for (const int i : order) broker.answer(requests[static_cast<size_t>(i)], "to " + std::to_string(i));
    for (int i = 0; i < 4; ++i) CHECK(client.read_answer() == "to " + std::to_string(i));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a request that gets no answer holds nobody up") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  for (const char* text : {"acks=0", "acks=1", "acks=0", "acks=0", "acks=1"}) client.ask(text);
  const std::vector<Event> requests = broker.requests(5);
  AnswerBatch batch(broker.reactor());
  CHECK(batch.add_none(requests[3].slot));
  broker.add(batch, requests[4], "second");
  broker.add(batch, requests[1], "first");
  batch.send();
  CHECK(client.nothing_to_read());
  CHECK(batch.add_none(requests[0].slot));
  batch.send();
  CHECK(client.read_answer() == "first");
  CHECK(client.nothing_to_read());
  CHECK(batch.add_none(requests[2].slot));
  batch.send();
  CHECK(client.read_answer() == "second");
}

TEST_CASE("a failed request ends the connection once everything before it was answered") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  for (const char* text : {"a", "b", "c"}) client.ask(text);
  const std::vector<Event> requests = broker.requests(3);
  AnswerBatch batch(broker.reactor());
  CHECK(batch.fail(requests[1].slot));
  broker.add(batch, requests[2], "never sent");
  batch.send();
  CHECK(client.nothing_to_read());
  broker.add(batch, requests[0], "answer to a");
  batch.send();
  CHECK(client.read_to_end() == framed("answer to a"));
  CHECK(broker.closed_because() == CloseReason::kFailed);
}

TEST_CASE("every slot is answered once: a second time, and slots that never were, are refused and harmless") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  client.ask("once");
  const Event request = broker.request();
  broker.answer(request, "answer");
  CHECK(client.read_answer() == "answer");
  AnswerBatch batch(broker.reactor());
  CHECK(!batch.add_none(request.slot));
  CHECK(!batch.fail(request.slot));
  for (const uint32_t never : {5u, 999'999u, 0x7fffffffu, 0xffffffffu}) CHECK(!batch.add_none(never));
  broker.reactor().release_frame(request.slot);
  broker.reactor().release_frame(0x7fffffff);
  client.ask("the connection lives");
  broker.answer(broker.request(), "indeed");
  CHECK(client.read_answer() == "indeed");
}

TEST_CASE("frames that arrived whole before the end of the stream are requests") {
  Broker broker;
  Client client(broker.port);
  client.send(framed("acks=0 one") + framed("acks=0 two") + framed("half a frame").substr(0, 7));
  client.hang_up();
  broker.opened();
  const std::vector<Event> requests = broker.requests(2);
  CHECK(broker.text(requests[1]) == "acks=0 two");
  CHECK(broker.closed_because() == CloseReason::kPeer);
  AnswerBatch batch(broker.reactor());
  for (const Event& request : requests) CHECK(batch.add_none(request.slot));
  batch.send();
  broker.end();
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("answers for a connection that is gone are dropped and give everything back") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  for (const char* text : {"a", "b", "c", "d"}) client.ask(text);
  const std::vector<Event> requests = broker.requests(4);
  broker.answer(requests[2], "waits for a and b");
  client.slam();
  broker.closed();
  AnswerBatch batch(broker.reactor());
  broker.add(batch, requests[0], "too late");
  CHECK(batch.fail(requests[1].slot));
  std::vector<Piece> pieces;
  const uint32_t offset = broker.put("in pieces");
  pieces.push_back(Piece::arena(offset, 3));
  pieces.push_back(Piece::arena(offset + 3, 6));
  CHECK(batch.add(requests[3].slot, pieces));
  broker.arena().release(offset);
  batch.send();
  CHECK(!batch.add_none(requests[0].slot));
  CHECK(broker.reactor().stats().queued_bytes == 0);
  broker.end();
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("an index is used again only after `closed` was polled and the last request was answered") {
  Broker broker;
  std::optional<Client> first(std::in_place, broker.port);
  const uint32_t index = broker.opened().connection;
  first->ask("held");
  const Event held = broker.request();
  first.reset();
  broker.closed();
  Client second(broker.port);
  CHECK(broker.opened().connection != index);
  AnswerBatch batch(broker.reactor());
  batch.add_none(held.slot);
  batch.send();
  Client third(broker.port);
  CHECK(broker.opened().connection == index);
  third.ask("not mixed up");
  broker.answer(broker.request(), "right");
  CHECK(third.read_answer() == "right");
}

TEST_CASE("a released frame is free before its answer") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  client.ask(patterned(300'000, 1));  // has a block of its own
  const Event request = broker.request();
  CHECK(broker.reactor().stats().queued_bytes >= 300'000);
  const uint64_t before = broker.arena().in_use();
  broker.reactor().release_frame(request.slot);
  broker.reactor().release_frame(request.slot);
  CHECK(broker.arena().in_use() + 300'000 <= before);
  CHECK(broker.reactor().stats().queued_bytes == 0);
  broker.answer(request, "later");
  CHECK(client.read_answer() == "later");
}

TEST_CASE("the broker may end a connection, with requests in it or without") {
  Broker broker;
  Client client(broker.port);
  const Event opened = broker.opened();
  client.ask("never answered");
  const Event request = broker.request();
  broker.reactor().close_connection(opened.connection);
  CHECK(broker.closed_because() == CloseReason::kAsked);
  CHECK(client.read_to_end() == "");
  broker.reactor().close_connection(opened.connection);
  broker.reactor().pause(opened.connection);
  broker.reactor().resume(opened.connection);
  broker.reactor().close_connection(123'456);
  AnswerBatch batch(broker.reactor());
  CHECK(batch.add_none(request.slot));
}

TEST_CASE("polling with little room loses nothing and keeps the order") {
  Broker broker;
  Client client(broker.port);
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += framed(std::to_string(i));
  client.send(bytes);
  broker.opened();
  broker.settle();
  // Broker polls 16 at a time.
  for (int i = 0; i < 50; ++i) CHECK(broker.text(broker.request()) == std::to_string(i));
}

TEST_CASE("accepted sockets have no delay, are kept alive, and have the buffers asked for") {
  Reactor::Options options = Broker::one_thread();
  options.send_buffer_bytes = 40'000;
  Broker broker(options);
  Client client(broker.port);
  broker.opened();
  // The accepted socket is somewhere in this process: the one whose peer is our client.
  sockaddr_in mine{};
  socklen_t length = sizeof mine;
  REQUIRE(::getsockname(client.descriptor(), reinterpret_cast<sockaddr*>(&mine), &length) == 0);
  int accepted = -1;
  for (int candidate = 3; candidate < 1024; ++candidate) {
    sockaddr_in peer{};
    length = sizeof peer;
    if (::getpeername(candidate, reinterpret_cast<sockaddr*>(&peer), &length) == 0 && peer.sin_port == mine.sin_port) accepted = candidate;
  }
  REQUIRE(accepted >= 0);
  const auto option = [&](int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(accepted, level, name, &value, &size);
    return value;
  };
  CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(SOL_SOCKET, SO_SNDBUF) == 80'000);  // the kernel doubles it
}

TEST_CASE("listeners: a taken port is an error, a free one is told, IPv6 and names work, and stopping frees the port") {
  Broker broker;
  CHECK(broker.reactor().listen(1, "127.0.0.1", broker.port).status().code() == Code::kAddressInUse);
  CHECK(!broker.reactor().listen(1, "no.such.host.invalid", 0).ok());
  const Result<uint16_t> everywhere = broker.reactor().listen(2, "", 0);
  REQUIRE(everywhere.ok());
  CHECK(broker.reactor().listen(3, "localhost", 0).ok());
  {
    Client client(*everywhere);
    const Event opened = broker.opened();
    CHECK(opened.listener == 2);
    CHECK(broker.reactor().peer_address(opened.connection) == "127.0.0.1");  // not ::ffff:127.0.0.1
    broker.reactor().stop_listening();
    client.ask("those that stand stay");
    broker.answer(broker.request(), "yes");
    CHECK(client.read_answer() == "yes");
  }
  broker.closed();
  CHECK(broker.reactor().listen(1, "127.0.0.1", broker.port).ok());
  Client again(broker.port);
  CHECK(broker.opened().listener == 1);
}

TEST_CASE("closing reports every connection as closed, drops answers, and may be repeated") {
  Broker broker;
  Client client(broker.port), idle(broker.port);
  broker.opened();
  broker.opened();
  client.ask("unanswered");
  const Event request = broker.request();
  broker.reactor().close();
  CHECK(broker.closed_because() == CloseReason::kStopping);
  CHECK(broker.closed_because() == CloseReason::kStopping);
  CHECK(client.read_to_end() == "");
  broker.answer(request, "nobody listens");
  broker.reactor().close();
  broker.reactor().stop_listening();
  CHECK(broker.reactor().listen(0, "127.0.0.1", 0).status().code() == Code::kClosed);
  broker.end();
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("requests nobody answered are given back at the end") {
  Broker broker;
  Client client(broker.port);
  broker.opened();
  client.ask("a");
  client.ask(patterned(100'000, 1));
  broker.requests(2);
  broker.end();
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("two reactors in one process know nothing of each other") {
  Broker one, two;
  Client to_one(one.port), to_two(two.port);
  one.opened();
  two.opened();
  to_one.ask("one");
  to_two.ask("two");
  CHECK(one.text(one.request()) == "one");
  CHECK(two.text(two.request()) == "two");
  one.end();
  to_two.ask("still there");
  CHECK(two.text(two.request()) == "still there");
}
