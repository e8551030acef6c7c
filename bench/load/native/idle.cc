// Many connections at once: all are opened together, each asks for ApiVersions as soon as it stands ("served" when the
// answer is there), then waits in a fetch that nothing will end. Then what all of them cost while nothing happens.
//
// Where an accept backlog overflows, our kernel believes a connection to stand that the other side has dropped; it is
// reset when a minute of retries is over. We open such a one again, as any client would, and count it in `reopened`.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "cluster.h"
#include "commands.h"
#include "histogram.h"
#include "json.h"
#include "producer.h"
#include "watch.h"

namespace load {
namespace {

enum class Stage : uint8_t { connecting, asking, waiting };

struct Idler {
  Socket socket;
  Stage stage = Stage::connecting;
  Bytes in;
};

class Crowd {
 public:
  Crowd(const Partition& partition, size_t count, RequestFrame fetch)
      : leader_(partition.leader), idlers_(count), fetch_(std::move(fetch)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.fd() < 0) fail("epoll_create");
  }

  void open() {
    started_ns_ = now_ns();
    for (size_t i = 0; i < idlers_.size(); ++i) open(i);
  }

  void run_until(int64_t deadline_ns, bool until_served) {
    std::array<epoll_event, 512> events;
    while (!(until_served && served_.count() == idlers_.size()) && now_ns() < deadline_ns) {
      const int64_t left_ms = std::max<int64_t>(1, (deadline_ns - now_ns()) / 1'000'000);
      const int count = epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), static_cast<int>(std::min<int64_t>(left_ms, 1000)));
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) on_event(events[static_cast<size_t>(i)].data.u64);
    }
  }

  bool complete() const { return served_.count() == idlers_.size() && lost_ == 0; }
  double all_connected_seconds() const { return seconds(last_connected_ns_ - started_ns_); }
  const Histogram& served() const { return served_; }
  /// Before they were served; and after, which nothing excuses.
  uint64_t reopened() const { return reopened_; }
  uint64_t lost() const { return lost_; }
  uint64_t woken() const { return woken_; }

 private:
  static double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

  void open(size_t index) {
    idlers_[index] = Idler{begin_connect(leader_), Stage::connecting, {}};
    watch_for(index, EPOLLOUT, EPOLL_CTL_ADD);
  }

  void on_event(size_t index) {
    if (idlers_[index].stage == Stage::connecting) on_connected(index);
    else on_readable(index);
  }

  void on_connected(size_t index) {
    Idler& idler = idlers_[index];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(idler.socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lose(index);
    last_connected_ns_ = now_ns();
    idler.stage = Stage::asking;
    watch_for(index, EPOLLIN, EPOLL_CTL_MOD);
    send(index, api_versions_);
  }

  void on_readable(size_t index) {
    Idler& idler = idlers_[index];
    uint8_t buffer[4096];
    const ssize_t got = ::recv(idler.socket.fd(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return lose(index);
    idler.in.insert(idler.in.end(), buffer, buffer + got);
    if (idler.in.size() < 4 || idler.in.size() < load_be(idler.in.data(), 4) + 4) return;
    Bytes().swap(idler.in);
    if (idler.stage == Stage::waiting) {
      ++woken_;
    } else {
      served_.record(now_ns() - started_ns_);
      idler.stage = Stage::waiting;
    }
    send(index, fetch_);
  }

  void send(size_t index, const RequestFrame& frame) {
    const ssize_t wrote = ::send(idlers_[index].socket.fd(), frame.head.data(), frame.head.size(), MSG_NOSIGNAL);
    if (wrote != static_cast<ssize_t>(frame.head.size())) lose(index);
  }

  void lose(size_t index) {
    if (idlers_[index].stage == Stage::waiting) {
      ++lost_;
      idlers_[index].socket.close();
    } else {
      ++reopened_;
      open(index);
    }
  }

  void watch_for(size_t index, uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    if (epoll_ctl(epoll_.fd(), operation, idlers_[index].socket.fd(), &event) != 0) fail("epoll_ctl");
  }

  const Address leader_;
  std::vector<Idler> idlers_;
  const RequestFrame api_versions_ = api_versions_request();
  const RequestFrame fetch_;
  Socket epoll_;
  int64_t started_ns_ = 0;
  int64_t last_connected_ns_ = 0;
  Histogram served_;
  uint64_t reopened_ = 0;
  uint64_t lost_ = 0;
  uint64_t woken_ = 0;
};

void allow_files(size_t count) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("RLIMIT_NOFILE");
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = count;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, count);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("RLIMIT_NOFILE");
}

}  // namespace

int run_idle(Options& options) {
  const auto connections = static_cast<size_t>(options.integer("connections", 5000));
  const double patience = options.number("patience-seconds", 180);
  const double hold = options.number("hold-seconds", 5);
  const Pids pids = options.integers("pid");
  const std::string topic = options.required("topic");
  const bool cleanup = options.integer("cleanup", 0) != 0;
  Cluster cluster(options.required("broker"));
  FetchOptions fetch;
  fetch.version = cluster.version_of(Api::fetch, static_cast<int16_t>(options.integer("fetch-version", 12)));
  fetch.max_wait_ms = static_cast<int32_t>(options.integer("max-wait-ms", 600'000));
  const auto partitions = static_cast<int32_t>(options.integer("partitions", 0));
  options.refuse_unused();
  allow_files(connections + 64);
  const Partition partition = (partitions > 0 ? cluster.create_topic(topic, partitions, {}) : cluster.partitions(topic)).front();

  Crowd crowd(partition, connections, fetch_request(fetch, partition.target, cluster.end_offset(partition)).frame);
  Watch opening(pids);
  opening.start();
  crowd.open();
  crowd.run_until(now_ns() + static_cast<int64_t>(patience * 1e9), true);
  opening.stop();
  Watch holding(pids);
  holding.start();
  crowd.run_until(now_ns() + static_cast<int64_t>(hold * 1e9), false);
  holding.stop();

  const bool verified = crowd.complete();
  Json json;
  json.string("command", "idle")
      .integer("connections", static_cast<int64_t>(connections))
      .integer("served", static_cast<int64_t>(crowd.served().count()))
      .integer("reopened", static_cast<int64_t>(crowd.reopened()))
      .integer("lost", static_cast<int64_t>(crowd.lost()))
      .integer("woken", static_cast<int64_t>(crowd.woken()))
      .number("allConnectedSeconds", crowd.all_connected_seconds())
      .number("allServedSeconds", static_cast<double>(crowd.served().max()) / 1e9)
      .number("halfServedSeconds", static_cast<double>(crowd.served().percentile(0.5)) / 1e9);
  Json opened;
  opening.report(opened, 0, connections);
  Json held;
  held.number("seconds", holding.elapsed_seconds());
  holding.report(held, 0, 0);
  json.object("opening", opened).object("holding", held).boolean("verified", verified);
  if (cleanup) cluster.delete_topic(topic);
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

}  // namespace load
