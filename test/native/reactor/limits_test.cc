// What is spent stops being given: budgets, slow readers, idle and too many connections, too few descriptors.
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"
#include "reactor/connection.h"
#include "reactor/frame_reader.h"

using namespace odradek;
using namespace odradek::test;
using namespace std::chrono_literals;

namespace {

// No timers: a thread that is not woken stays asleep, so that a lost wake-up is a test that hangs.
Reactor::Options without_timers() {
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = options.stalled_frame_ms = -1;
  return options;
}

}  // namespace

TEST_CASE("with the budget spent no socket is read; it goes on when frames are given back") {
  Reactor::Options options = without_timers();
  options.queued_max_bytes = 10'000;
  Broker broker(options);
  Client greedy(broker.port), modest(broker.port);
  broker.opened();
  broker.opened();
  greedy.ask(std::string(20'000, 'x'));  // may pass the budget, since nothing was spent when it came
  const Event large = broker.request();
  modest.ask("small");
  broker.settle();
  CHECK(broker.nothing_more());
  SUBCASE("by an answer") { broker.answer(large, "done"); }
  SUBCASE("by releasing the frame") { broker.reactor().release_frame(large.slot); }
  CHECK(broker.text(broker.request()) == "small");
}

TEST_CASE("with all request slots taken no socket is read until one is free") {
  Reactor::Options options = without_timers();
  options.max_requests = 2;
  Broker broker(options);
  Client a(broker.port), b(broker.port), c(broker.port);
  for (int i = 0; i < 3; ++i) broker.opened();
  a.ask("a");
  const Event first = broker.request();
  b.ask("b");
  broker.request();
  c.ask("c");
  broker.settle();
  CHECK(broker.nothing_more());
  broker.answer(first, "free");
  CHECK(broker.text(broker.request()) == "c");
}

// The last frame of a block that they fill begins, empty as it is, where another block may.
TEST_CASE("empty requests that fill a block to its last byte give that block back, and no other") {
  Broker broker;
  Client client(broker.port);
  const std::string many(1u << 20, '\0');
  std::thread sender([&] { client.send(many); });
  broker.opened();
  for (size_t left = many.size() / 4; left > 0; --left) {
    const Event request = broker.request();
    CHECK(request.length == 0);
    AnswerBatch batch(broker.reactor());
    CHECK(batch.add_none(request.slot));
  }
  sender.join();
  CHECK(broker.reactor().stats().queued_bytes == 0);
}

TEST_CASE("with the arena full nothing is lost, and reading goes on when there is room") {
  Broker broker(without_timers(), 16 * Arena::kPageBytes);
  const uint32_t all = broker.arena().lease(16 * Arena::kPageBytes);
  Client a(broker.port), b(broker.port);
  broker.opened();
  broker.opened();
  a.ask("a");
  b.ask(patterned(300'000, 1));
  broker.settle();
  CHECK(broker.nothing_more());
  broker.arena().release(all);
  std::vector<std::string> texts = {broker.text(broker.request()), broker.text(broker.request())};
  std::sort(texts.begin(), texts.end(), [](const auto& x, const auto& y) { return x.size() < y.size(); });
  CHECK(texts == std::vector<std::string>{"a", patterned(300'000, 1)});
}

TEST_CASE("one that waits for a long block does not keep others from a slab") {
  Broker broker(without_timers(), 16 * Arena::kPageBytes);
  Client large(broker.port), small(broker.port);
  broker.opened();
  broker.opened();
  uint32_t others = broker.arena().lease(14 * Arena::kPageBytes);
  large.send(framed(patterned(400'000, 1)).substr(0, 300'000));
  broker.settle();
  // Whatever order they wait in: the one page that is free goes to the small one.
  for (int round = 0; round < 3; ++round) {
    small.ask("small");
    const Event request = broker.request();
    CHECK(broker.text(request) == "small");
    broker.answer(request, "ok");
    CHECK(small.read_answer() == "ok");
  }
  broker.arena().release(others);
  large.send(framed(patterned(400'000, 1)).substr(300'000));
  CHECK(broker.text(broker.request()) == patterned(400'000, 1));
}

TEST_CASE("a connection with max_in_flight requests is not read; answers let it go on") {
  Reactor::Options options = without_timers();
  options.max_in_flight = 1;
  Broker broker(options);
  Client client(broker.port), other(broker.port);
  broker.opened();
  broker.opened();
  client.ask("first");
  const Event first = broker.request();
  client.ask("second");
  broker.settle();
  CHECK(broker.nothing_more());
  other.ask("others are read");
  CHECK(broker.text(broker.request()) == "others are read");
  broker.answer(first, "one");
  CHECK(broker.text(broker.request()) == "second");
}

TEST_CASE("a slow reader is not read any more, harms nobody, and gets every byte in the end") {
  Reactor::Options options = without_timers();
  options.max_queued_response_bytes = 1u << 20;
  options.send_buffer_bytes = 20'000;
  Broker broker(options);
  Client slow(broker.port, 20'000), quick(broker.port);
  broker.opened();
  broker.opened();
  std::string expected;
  uint32_t answers = 0;
  // It asks and asks and reads nothing, until its requests are not taken any more.
  std::string asking = framed(std::string(1'000, 'q'));
  size_t unsent = 0;
  for (;;) {
    const size_t sent = slow.send_without_waiting(asking.substr(unsent));
    unsent = (unsent + sent) % asking.size();
    broker.settle();
    bool any = false;
    while (!broker.nothing_more()) {
      any = true;
      const std::string answer = patterned(100'000, ++answers);
      expected += framed(answer);
      broker.answer(broker.request(), answer);
    }
    if (!any && sent == 0) break;
  }
  CHECK(expected.size() < 8u << 20);  // bounded, though it would have gone on for ever
  quick.ask("me?");
  broker.answer(broker.request(), "of course");
  CHECK(quick.read_answer() == "of course");
  CHECK(slow.read(expected.size()) == expected);
  // Now it is read again: what it had asked in vain, and the rest of the last one.
  for (asking.erase(0, unsent); !asking.empty();) {
    asking.erase(0, slow.send_without_waiting(asking));
    broker.settle();
    while (!broker.nothing_more()) broker.answer(broker.request(), "at last");
    while (!slow.nothing_to_read()) CHECK(slow.read_answer() == "at last");
  }
}

TEST_CASE("a paused connection is not read until it is resumed") {
  Broker broker(without_timers());
  Client client(broker.port);
  const Event opened = broker.opened();
  broker.reactor().pause(opened.connection);
  client.ask("muted");
  broker.settle();
  CHECK(broker.nothing_more());
  broker.reactor().resume(opened.connection);
  const Event request = broker.request();
  CHECK(broker.text(request) == "muted");
  broker.reactor().pause(opened.connection);
  broker.reactor().pause(opened.connection);
  broker.answer(request, "answers pass");
  CHECK(client.read_answer() == "answers pass");
  client.ask("again");
  broker.settle();
  CHECK(broker.nothing_more());
  broker.reactor().resume(opened.connection);
  CHECK(broker.text(broker.request()) == "again");
}

TEST_CASE("a connection that is idle too long is closed; one that waits for its answer is not") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = 1'000;
  Broker broker(options, 64u << 20, nullptr, &clock);
  Client idle(broker.port);
  const uint32_t idle_one = broker.opened().connection;
  Client waiting(broker.port);
  broker.opened();
  waiting.ask("a long poll");
  const Event request = broker.request();
  clock.advance(2'000ms);
  const Event closed = broker.closed();
  CHECK(closed.connection == idle_one);
  CHECK(static_cast<CloseReason>(closed.slot) == CloseReason::kIdle);
  CHECK(idle.read_to_end() == "");
  broker.answer(request, "still here");
  CHECK(waiting.read_answer() == "still here");
  // The answer was activity, too.
  clock.advance(900ms);
  waiting.ask("and now?");
  broker.answer(broker.request(), "yes");
  CHECK(waiting.read_answer() == "yes");
  // An answer counts from the next sweep on, so time must pass in more than one step.
  eventually([&] {
    clock.advance(300ms);
    broker.settle();
    return !broker.nothing_more();
  });
  CHECK(broker.closed_because() == CloseReason::kIdle);
}

TEST_CASE("whoever sits on half a frame while others lack memory has to go") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = int64_t{1} << 50;  // never, but there are sweeps
  options.stalled_frame_ms = 1'000;
  Broker broker(options, 64 * Arena::kPageBytes, nullptr, &clock);
  Client hoarder(broker.port);
  const uint32_t hoarding = broker.opened().connection;
  Client honest(broker.port);
  broker.opened();
  const std::string hoard = framed(patterned(1'900'000, 1)).substr(0, 1'850'000);
  hoarder.send(hoard);
  eventually([&] {
    clock.advance(150ms);  // what comes slower than expected is read when a sweep finds it silent
    return broker.reactor().stats().bytes_in == hoard.size();
  });
  std::thread asking([&] { honest.ask(patterned(2'300'000, 2)); });
  eventually([&] { return broker.reactor().stats().bytes_in > hoard.size() + (1u << 20); });
  broker.settle();
  CHECK(broker.nothing_more());
  clock.advance(2'000ms);
  const Event closed = broker.closed();
  CHECK(closed.connection == hoarding);
  CHECK(static_cast<CloseReason>(closed.slot) == CloseReason::kStalled);
  CHECK(broker.text(broker.request()) == patterned(2'300'000, 2));
  asking.join();
}

TEST_CASE("a long frame, of which half a megabyte is waited for at once, comes through however slow it gets") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = int64_t{1} << 50;  // never, but there are sweeps
  Broker broker(options, 64u << 20, nullptr, &clock);
  Client client(broker.port);
  broker.opened();
  const std::string text = patterned(4'000'000, 3);
  const std::string bytes = framed(text);
  SUBCASE("all at once") {
    client.send(bytes);
    CHECK(broker.text(broker.request()) == text);
  }
  SUBCASE("halting in the midst of what is waited for, and going on by the byte") {
    client.send(bytes.substr(0, 3'000'001));
    eventually([&] {
      clock.advance(150ms);
      return broker.reactor().stats().bytes_in == 3'000'001;
    });
    for (size_t at = 3'000'001; at < 3'000'100; ++at) client.send(bytes.substr(at, 1));
    client.send(bytes.substr(3'000'100));
    CHECK(broker.text(broker.request()) == text);
  }
  SUBCASE("the client goes in the midst of it") {
    client.send(bytes.substr(0, 3'000'001));
    client.hang_up();
    CHECK(broker.closed_because() == CloseReason::kPeer);
  }
}

TEST_CASE("of frames that wait for each other's memory, one has to go so that the other comes through") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.connections_max_idle_ms = int64_t{1} << 50;
  options.stalled_frame_ms = 1'000;
  Broker broker(options, 64 * Arena::kPageBytes, nullptr, &clock);
  Client one(broker.port), two(broker.port);
  broker.opened();
  broker.opened();
  // Each gets a block of 17 pages, and both together leave too few for either's next.
  const std::string text = patterned(2'300'000, 1);
  const std::string bytes = framed(text);
  const auto ask = [](Client& client, std::string rest) {
    while (!rest.empty()) {
      const ssize_t sent = ::send(client.descriptor(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // it was the one to go
      rest.erase(0, static_cast<size_t>(sent));
    }
  };
  const auto received = [&](uint64_t all) { eventually([&] { return broker.reactor().stats().bytes_in >= all; }); };
  ask(one, bytes.substr(0, 100'000));
  eventually([&] {
    clock.advance(150ms);  // less than is expected at once: a sweep has it read
    return broker.reactor().stats().bytes_in >= 100'000;
  });
  std::thread second([&] { ask(two, bytes); });
  received(100'000 + reactor::FrameReader::kFirstClaim);
  clock.advance(10ms);
  std::thread first([&] { ask(one, bytes.substr(100'000)); });
  received(2 * reactor::FrameReader::kFirstClaim);
  broker.settle();
  CHECK(broker.nothing_more());
  clock.advance(2'000ms);
  CHECK(broker.closed_because() == CloseReason::kStalled);  // the second: no byte of it came since
  const Event request = broker.request();
  CHECK(broker.text(request) == text);
  broker.answer(request, "at last");
  first.join();
  second.join();
  CHECK(one.read_answer() == "at last");
}

TEST_CASE("beyond max_connections the longest idle one gives way") {
  HandClock clock;
  Reactor::Options options = Broker::one_thread();
  options.max_connections = 2;
  Broker broker(options, 64u << 20, nullptr, &clock);
  Client busy(broker.port);
  broker.opened();
  busy.ask("work");
  const Event work = broker.request();
  Client idle(broker.port);
  const uint32_t idle_one = broker.opened().connection;
  clock.advance(10ms);
  Client third(broker.port);
  broker.opened();
  const Event closed = broker.closed();
  CHECK(closed.connection == idle_one);
  CHECK(static_cast<CloseReason>(closed.slot) == CloseReason::kTooMany);
  third.ask("x");
  broker.request();
  Client fourth(broker.port);  // all are busy: it goes itself
  const uint32_t newest = broker.opened().connection;
  CHECK(broker.closed().connection == newest);
  broker.answer(work, "done");
  CHECK(busy.read_answer() == "done");
}

TEST_CASE("without descriptors the listener waits instead of spinning, and accepts when there are some") {
  Broker broker;
  { Client warm(broker.port); broker.opened(); }
  broker.closed();
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(socket) + 1;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::vector<int> filled;
  for (int fd; (fd = ::dup(socket)) >= 0;) filled.push_back(fd);
  const uint64_t waits = broker.reactor().stats().waits;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(broker.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  // It tries, is refused, and falls silent; then tries again after a while.
  eventually([&] { return broker.reactor().stats().waits >= waits + 4; });
  const auto start = std::chrono::steady_clock::now();
  eventually([&] { return std::chrono::steady_clock::now() - start > 150ms; });
  const uint64_t rounds = broker.reactor().stats().waits - waits;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  for (const int fd : filled) ::close(fd);
  CHECK(rounds < 100);
  broker.opened();
  ::close(socket);
  broker.closed();
}

TEST_CASE("a thousand connections, all served, and light while they idle") {
  CHECK(sizeof(reactor::Connection) <= 512);
  Reactor::Options options;
  options.network_threads = 3;
  Broker broker(options);
  const uint64_t before = broker.arena().in_use();
  std::vector<Client> clients;
  for (int i = 0; i < 1'000; ++i) clients.emplace_back(broker.port);
  for (int i = 0; i < 1'000; ++i) broker.opened();
  for (int i = 0; i < 1'000; ++i) clients[static_cast<size_t>(i)].ask("client " + std::to_string(i));
  for (int i = 0; i < 1'000; ++i) {
    const Event request = broker.request();
    broker.answer(request, broker.text(request) + " served");
  }
  for (int i = 0; i < 1'000; ++i) CHECK(clients[static_cast<size_t>(i)].read_answer() == "client " + std::to_string(i) + " served");
  CHECK(broker.arena().in_use() - before <= 3 * Arena::kPageBytes);  // a slab per thread, none per connection
}
