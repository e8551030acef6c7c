// Answers made of bytes and file slices.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"

using namespace odradek;
using namespace odradek::test;

namespace {

// A real file, which can pretend that its pages are not in the cache.
class Shelf final : public File {
 public:
  explicit Shelf(const std::string& content) {
    std::string name = std::filesystem::temp_directory_path() / "odradek-shelf-XXXXXX";
    descriptor_ = ::mkstemp(name.data());
    REQUIRE(descriptor_ >= 0);
    ::unlink(name.c_str());
    for (size_t at = 0; at < content.size();) {
      const ssize_t wrote = ::pwrite(descriptor_, content.data() + at, content.size() - at, static_cast<off_t>(at));
      REQUIRE(wrote > 0);
      at += static_cast<size_t>(wrote);
    }
  }
  ~Shelf() override { ::close(descriptor_); }

  std::atomic<bool> cold{false};        // everything beyond warm_until
  std::atomic<uint64_t> warm_until{0};
  std::atomic<bool> failing{false};
  bool in_memory_only = false;          // no descriptor to show

  int descriptor() const noexcept override { return in_memory_only ? -1 : descriptor_; }
  Result<size_t> read_at(uint64_t position, std::span<uint8_t> into) override {
    if (failing) return Status::from_errno(EIO, "read");
    const ssize_t got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(position));
    if (got < 0) return Status::from_errno(errno, "read");
    return static_cast<size_t>(got);
  }
  Result<size_t> read_nowait(uint64_t position, std::span<uint8_t> into) override {
    if (cold && position + into.size() > warm_until) return Status(Code::kWouldBlock);
    return read_at(position, into);
  }
  Status truncate(uint64_t size) override {
    return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0 ? Status::success() : Status::from_errno(errno, "truncate");
  }
  Status write_at(uint64_t, std::span<const iovec>) override { return unused(); }
  Status sync_data() override { return unused(); }
  Status sync_all() override { return unused(); }
  Status allocate(uint64_t) override { return unused(); }
  Result<uint64_t> size() override { return unused(); }
  Result<Mapping> map(uint64_t) override { return unused(); }
  void will_need(uint64_t, uint64_t) override {}
  void dont_need(uint64_t, uint64_t) override {}

 private:
  static Status unused() { return Status(Code::kInvalidArgument); }
  int descriptor_;
};

// Collects what is to be warmed, for the test to do when it likes.
class WarmUpByHand final : public WarmUp {
 public:
  struct Wanted {
    std::shared_ptr<FileHandle> file;
    uint64_t position;
    uint32_t length;
    uint64_t ticket;
  };
  void warm(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length, uint64_t ticket) override {
    const std::lock_guard lock(mutex_);
    wanted_.push_back({std::move(file), position, length, ticket});
    more_.notify_one();
  }
  Wanted next() {
    std::unique_lock lock(mutex_);
    REQUIRE(more_.wait_for(lock, kPatience, [this] { return !wanted_.empty(); }));
    Wanted first = std::move(wanted_.front());
    wanted_.pop_front();
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Wanted> wanted_;
};

// Head in the arena, slices from the shelf; the client sees one frame.
void answer_with(Broker& broker, const Event& request, const std::vector<Piece>& slices, uint32_t bytes) {
  const uint32_t head = broker.put(size_field(static_cast<int32_t>(bytes + 4)) + "head");
  std::vector<Piece> pieces = {Piece::arena(head, 8)};
  pieces.insert(pieces.end(), slices.begin(), slices.end());
  AnswerBatch batch(broker.reactor());
  CHECK(batch.add(request.slot, pieces));
  broker.arena().release(head);
  batch.send();
}

}  // namespace

TEST_CASE("slices of any size come whole and in order, between bytes") {
  const std::string content = patterned(3'000'000, 1);
  auto shelf = std::make_shared<Shelf>(content);
  SUBCASE("of a file") {}
  SUBCASE("of a file that has no descriptor") { shelf->in_memory_only = true; }
  Broker broker;
  Client client(broker.port);
  broker.opened();
  for (const uint32_t length : {1u, 1'000u, 16'384u, 16'385u, 70'000u, 262'144u, 262'145u, 2'000'000u}) {
    client.ask("fetch");
    const Event request = broker.request();
    const uint32_t second = std::min(length, 900'000u);
    const uint32_t between = broker.put("between");
    answer_with(broker, request,
                {Piece::slice(shelf, 5, length), Piece::arena(between, 7), Piece::arena(between, 0), Piece::slice(shelf, 0, 0),
                 Piece::slice(shelf, 1'000'000, second), Piece::arena(between, 3)},
                length + second + 10);
    broker.arena().release(between);
    const std::string answer = client.read_answer();
    CHECK(answer == "head" + content.substr(5, length) + "between" + content.substr(1'000'000, second) + "bet");
  }
  broker.end();
  CHECK(shelf.use_count() == 1);
  CHECK(broker.arena().in_use() == 0);
}

TEST_CASE("a small cached slice leaves with its head in one call, on the thread that answers") {
  auto shelf = std::make_shared<Shelf>(patterned(100'000, 1));
  Broker broker;
  Client client(broker.port);
  broker.opened();
  client.ask("fetch");
  const Event request = broker.request();
  broker.settle();
  const uint64_t before = broker.reactor().stats().sends;
  answer_with(broker, request, {Piece::slice(shelf, 0, 4'000), Piece::slice(shelf, 50'000, 4'000)}, 8'000);
  CHECK(broker.reactor().stats().sends == before + 1);
  client.read_answer();
}

TEST_CASE("many small slices, more than one call can take") {
  const std::string content = patterned(1'000'000, 1);
  auto shelf = std::make_shared<Shelf>(content);
  Broker broker;
  Client client(broker.port);
  broker.opened();
  client.ask("fetch");
  std::vector<Piece> slices;
  std::string expected = "head";
  for (uint32_t i = 0; i < 500; ++i) {
    slices.push_back(Piece::slice(shelf, i * 1'999, 1'500));
    expected += content.substr(i * 1'999, 1'500);
  }
  answer_with(broker, broker.request(), slices, static_cast<uint32_t>(expected.size() - 4));
  CHECK(client.read_answer() == expected);
}

TEST_CASE("a slice that is not in the page cache is warmed first, and others go on meanwhile") {
  const std::string content = patterned(1'000'000, 1);
  auto shelf = std::make_shared<Shelf>(content);
  shelf->cold = true;
  WarmUpByHand warm_up;
  Broker broker(Broker::one_thread(), 64u << 20, &warm_up);
  Client patient(broker.port), other(broker.port);
  broker.opened();
  broker.opened();
  patient.ask("fetch");
  uint32_t length = 700'000;
  bool stays = true;
  SUBCASE("long") {}
  SUBCASE("short") { length = 2'000; }
  SUBCASE("long, and evicted again before it was sent") { stays = false; }
  SUBCASE("short, and evicted again before it was sent") {
    length = 2'000;
    stays = false;
  }
  answer_with(broker, broker.request(), {Piece::slice(shelf, 100, length)}, length);
  std::string answer;
  std::thread reading([&] { answer = patient.read_answer(); });
  uint64_t warmed = 0;
  while (warmed < length) {
    const WarmUpByHand::Wanted wanted = warm_up.next();
    CHECK(wanted.position == 100 + warmed);
    CHECK(wanted.length <= 256 * 1024);
    warmed += wanted.length;
    other.ask("hot");
    broker.answer(broker.request(), "at once");
    CHECK(other.read_answer() == "at once");
    if (stays) shelf->warm_until = wanted.position + wanted.length;
    broker.reactor().warmed(wanted.ticket, true);
    broker.reactor().warmed(wanted.ticket, true);  // a second call is ignored
  }
  reading.join();
  CHECK(answer == "head" + content.substr(100, length));
}

TEST_CASE("what precedes a cold slice is not kept back") {
  auto shelf = std::make_shared<Shelf>(patterned(100'000, 1));
  shelf->cold = true;
  WarmUpByHand warm_up;
  Broker broker(Broker::one_thread(), 64u << 20, &warm_up);
  Client client(broker.port);
  broker.opened();
  client.ask("one");
  client.ask("two");
  const std::vector<Event> requests = broker.requests(2);
  answer_with(broker, requests[1], {Piece::slice(shelf, 0, 50'000)}, 50'000);
  broker.answer(requests[0], "first");
  CHECK(client.read_answer() == "first");
  broker.reactor().warmed(warm_up.next().ticket, true);
  CHECK(client.read_answer().size() == 50'004);
}

TEST_CASE("a slice that cannot be read ends the connection") {
  auto shelf = std::make_shared<Shelf>(patterned(100'000, 1));
  WarmUpByHand warm_up;
  Broker broker(Broker::one_thread(), 64u << 20, &warm_up);
  Client client(broker.port);
  broker.opened();
  client.ask("fetch");
  const Event request = broker.request();
  SUBCASE("warming fails") {
    shelf->cold = true;
    answer_with(broker, request, {Piece::slice(shelf, 0, 50'000)}, 50'000);
    broker.reactor().warmed(warm_up.next().ticket, false);
  }
  SUBCASE("the file is shorter than the slice") {
    CHECK(shelf->truncate(30'000).ok());
    answer_with(broker, request, {Piece::slice(shelf, 0, 50'000)}, 50'000);
  }
  SUBCASE("the file is shorter than the small slice") {
    CHECK(shelf->truncate(300).ok());
    answer_with(broker, request, {Piece::slice(shelf, 0, 500)}, 500);
  }
  SUBCASE("reading fails") {
    shelf->failing = true;
    answer_with(broker, request, {Piece::slice(shelf, 0, 50'000)}, 50'000);
  }
  SUBCASE("reading a file without descriptor fails") {
    shelf->failing = shelf->in_memory_only = true;
    answer_with(broker, request, {Piece::slice(shelf, 0, 500)}, 500);
  }
  CHECK(broker.closed_because() == CloseReason::kReadFailed);
  broker.end();
  CHECK(shelf.use_count() == 1);
}

TEST_CASE("a connection that ends while its slice is being warmed lets go of the file; late tickets are ignored") {
  auto shelf = std::make_shared<Shelf>(patterned(100'000, 1));
  shelf->cold = true;
  WarmUpByHand warm_up;
  Broker broker(Broker::one_thread(), 64u << 20, &warm_up);
  Client client(broker.port);
  const uint32_t index = broker.opened().connection;
  client.ask("fetch");
  answer_with(broker, broker.request(), {Piece::slice(shelf, 0, 50'000)}, 50'000);
  uint64_t ticket;
  {
    const WarmUpByHand::Wanted wanted = warm_up.next();
    ticket = wanted.ticket;
    client.slam();
    broker.closed();
  }
  eventually([&] { return shelf.use_count() == 1; });
  broker.reactor().warmed(ticket, true);
  // The same index, another connection, which also waits for its warming: the old ticket is not its.
  Client next(broker.port);
  REQUIRE(broker.opened().connection == index);
  next.ask("fetch");
  answer_with(broker, broker.request(), {Piece::slice(shelf, 0, 50'000)}, 50'000);
  const WarmUpByHand::Wanted wanted = warm_up.next();
  CHECK(wanted.ticket != ticket);
  broker.reactor().warmed(ticket, false);
  broker.reactor().warmed(0x7fffffff, false);
  broker.reactor().warmed(wanted.ticket, true);
  CHECK(next.read_answer().size() == 50'004);
  broker.reactor().close();
  broker.reactor().warmed(wanted.ticket, true);
}

TEST_CASE("a client that leaves in the middle of a long slice raises no signal and keeps nothing") {
  auto shelf = std::make_shared<Shelf>(patterned(8'000'000, 1));
  Broker broker;
  for (int round = 0; round < 5; ++round) {
    Client client(broker.port, 10'000);
    broker.opened();
    client.ask("fetch");
    answer_with(broker, broker.request(), {Piece::slice(shelf, 0, 8'000'000)}, 8'000'000);
    client.read(20'000);
    client.slam();
    CHECK(broker.closed_because() == CloseReason::kPeer);
  }
  broker.end();
  CHECK(shelf.use_count() == 1);
}

TEST_CASE("slow readers of long slices do not hold up each other") {
  const std::string content = patterned(4'000'000, 1);
  auto shelf = std::make_shared<Shelf>(content);
  Broker broker;
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(broker.port, 30'000);
    broker.opened();
    clients.back().ask("fetch");
    answer_with(broker, broker.request(), {Piece::slice(shelf, 0, 4'000'000)}, 4'000'000);
  }
  for (Client& client : clients) CHECK(client.read_answer() == "head" + content);
}
