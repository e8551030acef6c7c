// The races told in connection.h and core.h, provoked. Run under TSan these also prove that nothing is shared by accident.
#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"

using namespace odradek;
using namespace odradek::test;

namespace {

// No timers: a thread that is not woken stays asleep, so that a lost wake-up is a test that hangs.
Reactor::Options threads(uint32_t count) {
  Reactor::Options options;
  options.network_threads = count;
  options.connections_max_idle_ms = options.stalled_frame_ms = -1;
  return options;
}

// A main isolate that passes every request to threads that answer, as log threads do, and checks the order of events.
class BusyBroker {
 public:
  BusyBroker(Reactor::Options options, int answering, uint64_t seed, uint64_t arena_bytes = 32u << 20)
      : arena_(*Arena::reserve({.capacity = arena_bytes, .warm_bytes = 1u << 20})),
        reactor_(*Reactor::start(options, *arena_, clock_, nullptr, [this] { wake(); })) {
    port = *reactor_->listen(0, "127.0.0.1", 0);
    for (int i = 0; i < answering; ++i) threads_.emplace_back([this, seed, i] { answer(seed + static_cast<uint64_t>(i) + 1); });
    main_ = std::thread([this, seed] { poll(seed); });
  }
  ~BusyBroker() {
    reactor_->close();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    main_.join();
    {
      const std::lock_guard lock(work_mutex_);
      no_more_work_ = true;
    }
    more_work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    CHECK(open_ == 0);
    reactor_.reset();
    CHECK(arena_->in_use() == 0);
  }
  Reactor& reactor() { return *reactor_; }
  uint16_t port = 0;
  std::atomic<uint32_t> close_one_in{0};  // the main isolate ends a connection now and then
  std::atomic<uint32_t> pause_one_in{0};
  std::atomic<uint32_t> closed{0};

 private:
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wake_up_.notify_one();
  }
  void poll(uint64_t seed) {
    std::mt19937_64 random(seed);
    std::map<uint32_t, bool> known;
    std::vector<uint32_t> paused;
    Event events[64];
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_up_.wait(lock, [this] { return woken_ || stopping_; });
        woken_ = false;
      }
      size_t count = 0;
      do {
        count = reactor_->poll(events, 64);
        for (size_t i = 0; i < count; ++i) {
          const Event& event = events[i];
          switch (static_cast<EventKind>(event.kind)) {
            case EventKind::kOpened:
              CHECK(!known[event.connection]);
              known[event.connection] = true;
              ++open_;
              break;
            case EventKind::kClosed:
              CHECK(known[event.connection]);
              known[event.connection] = false;
              --open_;
              ++closed;
              break;
            case EventKind::kRequest: {
              CHECK(known[event.connection]);
              const std::lock_guard lock(work_mutex_);
              work_.push_back(event);
              more_work_.notify_one();
              if (close_one_in > 0 && random() % close_one_in == 0) reactor_->close_connection(event.connection);
              if (pause_one_in > 0 && random() % pause_one_in == 0) {
                reactor_->pause(event.connection);
                paused.push_back(event.connection);
              }
              break;
            }
            case EventKind::kConnected:
            case EventKind::kAnswer:
              CHECK_MESSAGE(false, "nobody dials here");
          }
        }
        for (const uint32_t connection : paused) reactor_->resume(connection);
        paused.clear();
      } while (count > 0);
      const std::lock_guard lock(mutex_);
      if (stopping_ && !woken_) return;
    }
  }
  // Echoes, several requests at a time, in an order of its own.
  void answer(uint64_t seed) {
    std::mt19937_64 random(seed);
    AnswerBatch batch(*reactor_);
    for (;;) {
      std::vector<Event> mine;
      {
        std::unique_lock lock(work_mutex_);
        more_work_.wait(lock, [this] { return !work_.empty() || no_more_work_; });
        if (work_.empty()) return;
        for (size_t want = 1 + random() % 8; want > 0 && !work_.empty(); --want) {
          mine.push_back(work_.front());
          work_.pop_front();
        }
      }
      std::shuffle(mine.begin(), mine.end(), random);
      for (const Event& event : mine) {
        const uint8_t first = event.length > 0 ? *arena_->at(event.offset) : 'e';
        if (first == 'n') {
          CHECK(batch.add_none(event.slot));
        } else if (first == 'f') {
          CHECK(batch.fail(event.slot));
        } else {
          CHECK(batch.add(event.slot, event.offset - 4, event.length + 4));
        }
        if (random() % 3 == 0) batch.send();
      }
      batch.send();
    }
  }

  SystemClock clock_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Reactor> reactor_;
  std::atomic<int> open_{0};
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  bool stopping_ = false;
  std::mutex work_mutex_;
  std::condition_variable more_work_;
  std::deque<Event> work_;
  bool no_more_work_ = false;
  std::vector<std::thread> threads_;
  std::thread main_;
};

// Sends `count` requests, up to `window` ahead, and checks that the echoes come in order. False: the connection ended.
bool converse(Client& client, std::mt19937_64& random, int count, int window) {
  std::deque<std::string> expected;
  const auto read_some = [&](std::string& into, size_t length) {
    into.assign(length, '\0');
    for (size_t at = 0; at < length;) {
      const ssize_t got = ::recv(client.descriptor(), into.data() + at, length - at, 0);
      if (got <= 0) return false;
      at += static_cast<size_t>(got);
    }
    return true;
  };
  std::string bytes;
  for (int sent = 0; sent < count || !expected.empty();) {
    bytes.clear();
    while (sent < count && expected.size() < static_cast<size_t>(window)) {
      const size_t length = random() % 50 == 0 ? random() % 60'000 : random() % 300;
      const bool silent = random() % 5 == 0;
      const std::string text = (silent ? "n" : "e") + patterned(length, static_cast<uint32_t>(random()));
      bytes += framed(text);
      if (!silent) expected.push_back(text);
      ++sent;
    }
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(client.descriptor(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += static_cast<size_t>(n);
    }
    for (size_t some = 1 + random() % static_cast<size_t>(window); some > 0 && !expected.empty(); --some) {
      std::string answer;
      if (!read_some(answer, 4) || !read_some(answer, load_u32(reinterpret_cast<const uint8_t*>(answer.data())))) return false;
      CHECK(answer == expected.front());
      expected.pop_front();
    }
  }
  return true;
}

std::vector<std::thread> clients(int threads, uint64_t seed, std::function<void(std::mt19937_64&)> story) {
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([seed, i, story] {
      std::mt19937_64 random(seed * 1'000 + static_cast<uint64_t>(i));
      story(random);
    });
  }
  return all;
}

void join(std::vector<std::thread>& threads) {
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("several threads answer the requests of one connection: order holds, nothing is lost") {
  const uint64_t seed = test_seed();
  CAPTURE(seed);
  Reactor::Options options = threads(2);
  BusyBroker broker(options, 4, seed);
  auto all = clients(3, seed, [&](std::mt19937_64& random) {
    Client client(broker.port, 20'000);  // small, so that sends block and are resumed by the network thread
    CHECK(converse(client, random, 3'000, 100));
  });
  join(all);
}

TEST_CASE("with hardly any budget every request still comes through: no wake-up is lost") {
  const uint64_t seed = test_seed();
  CAPTURE(seed);
  Reactor::Options options = threads(2);
  options.queued_max_bytes = 1'000;
  options.max_requests = 3;
  options.max_in_flight = 2;
  options.max_queued_response_bytes = 10'000;
  BusyBroker broker(options, 3, seed, 40 * Arena::kPageBytes);
  auto all = clients(6, seed, [&](std::mt19937_64& random) {
    Client client(broker.port);
    CHECK(converse(client, random, 400, 5));
  });
  join(all);
}

TEST_CASE("connections come and go while they are answered: slots and indexes are used again, descriptors never mixed up") {
  const uint64_t seed = test_seed();
  CAPTURE(seed);
  Reactor::Options options = threads(2);
  BusyBroker broker(options, 3, seed);
  SUBCASE("clients leave") {}
  SUBCASE("the broker ends them") { broker.close_one_in = 50; }
  SUBCASE("and mutes them") { broker.pause_one_in = 3; }
  auto all = clients(4, seed, [&](std::mt19937_64& random) {
    for (int round = 0; round < 100; ++round) {
      Client client(broker.port);
      converse(client, random, static_cast<int>(random() % 40), 10);
      switch (random() % 4) {
        case 0: client.slam(); break;
        case 1: client.send_without_waiting(framed("e" + patterned(2'000, 1)).substr(0, random() % 2'000)); break;
        case 2: client.send_without_waiting(framed("f") + framed("e")); break;
        default: break;
      }
    }
  });
  join(all);
  eventually([&] { return broker.closed == 400; });
}

TEST_CASE("closing while a thread answers: at any moment, with everything under way") {
  const uint64_t seed = test_seed();
  CAPTURE(seed);
  for (int round = 0; round < 30; ++round) {
    Reactor::Options options = threads(2);
    BusyBroker broker(options, 2, seed + static_cast<uint64_t>(round));
    std::atomic<uint64_t> under_way{0};
    auto all = clients(3, seed + static_cast<uint64_t>(round), [&](std::mt19937_64& random) {
      Client client(broker.port, 20'000);
      ++under_way;
      while (converse(client, random, 50, 30)) {
      }
    });
    eventually([&] { return under_way == 3; });
    eventually([&] { return broker.reactor().stats().answers >= static_cast<uint64_t>(round) * 10; });
    std::thread listening([&] { static_cast<void>(broker.reactor().listen(9, "127.0.0.1", 0)); });
    std::thread stopping([&] { broker.reactor().stop_listening(); });
    broker.reactor().close();
    listening.join();
    stopping.join();
    join(all);
  }
}

TEST_CASE("reactors that are closed at once, while connections pour in") {
  for (int round = 0; round < 20; ++round) {
    Reactor::Options options = threads(3);
    Broker broker(options);
    std::atomic<bool> over{false};
    std::thread pouring([&] {
      while (!over) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(broker.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
        ::send(socket, "\0\0\0\1x", 5, MSG_NOSIGNAL);
        ::close(socket);
      }
    });
    eventually([&] { return broker.reactor().stats().accepted >= static_cast<uint64_t>(round); });
    broker.end();
    CHECK(broker.arena().in_use() == 0);
    over = true;
    pouring.join();
  }
}

TEST_CASE("a main isolate that sleeps whenever it finds nothing is woken for every event") {
  const uint64_t seed = test_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  auto arena = *Arena::reserve({.capacity = 4u << 20});
  SystemClock clock;
  std::mutex mutex;
  std::condition_variable wake_up;
  bool woken = false;
  // Many threads, so that a poll takes its time.
  auto reactor = *Reactor::start(threads(16), *arena, clock, nullptr, [&] {
    const std::lock_guard lock(mutex);
    woken = true;
    wake_up.notify_one();
  });
  const uint16_t port = *reactor->listen(0, "127.0.0.1", 0);
  // Pairs of requests, so that the second comes while the first is polled; and one client alone, so that nobody else's
  // event makes good for a lost wake.
  constexpr int kRounds = 10'000;
  auto all = clients(1, seed, [port](std::mt19937_64& story) {
    Client client(port);
    std::atomic<uint32_t> spins{0};
    for (int i = 0; i < kRounds; ++i) {
      client.send(framed("x"));
      for (uint64_t spin = story() % 4'000; spin > 0; --spin) ++spins;  // some microseconds
      client.send(framed("y"));
      if (client.read(10).size() != 10) return;
    }
  });
  AnswerBatch batch(*reactor);
  for (int left = 2 * kRounds + 1; left > 0;) {
    Event events[64];
    for (uint64_t polls = 1 + random() % 3; polls > 0; --polls) {  // one is enough; more must do no harm
      const size_t count = reactor->poll(events, 64);
      for (size_t i = 0; i < count; ++i) {
        const auto kind = static_cast<EventKind>(events[i].kind);
        if (kind == EventKind::kClosed) continue;
        --left;
        if (kind == EventKind::kRequest) batch.add(events[i].slot, events[i].offset - 4, events[i].length + 4);
      }
      batch.send();
    }
    if (left == 0) break;
    std::unique_lock lock(mutex);
    REQUIRE(wake_up.wait_for(lock, kPatience, [&] { return woken; }));
    woken = false;
  }
  join(all);
}
