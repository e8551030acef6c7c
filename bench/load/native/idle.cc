// Many connections at once: all are opened together, each asks for ApiVersions as soon as it stands ("served" when the
// answer is there), then waits in a fetch that nothing will end. Then what all of them cost while nothing happens.
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
    for (size_t i = 0; i < idlers_.size(); ++i) {
      idlers_[i].socket = begin_connect(leader_);
      watch_for(i, EPOLLOUT, EPOLL_CTL_ADD);
    }
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

  const Histogram& connected() const { return connected_; }
  const Histogram& served() const { return served_; }
  uint64_t lost() const { return lost_; }
  uint64_t woken() const { return woken_; }

 private:
  void on_event(size_t index) {
    Idler& idler = idlers_[index];
    if (idler.stage == Stage::connecting) on_connected(index);
    else on_readable(idler);
  }

  void on_connected(size_t index) {
    Idler& idler = idlers_[index];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(idler.socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lose(idler);
    connected_.record(now_ns() - started_ns_);
    idler.stage = Stage::asking;
    watch_for(index, EPOLLIN, EPOLL_CTL_MOD);
    send(idler, api_versions_);
  }

  void on_readable(Idler& idler) {
    uint8_t buffer[4096];
    const ssize_t got = ::recv(idler.socket.fd(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return lose(idler);
    idler.in.insert(idler.in.end(), buffer, buffer + got);
    if (idler.in.size() < 4 || idler.in.size() < load_be(idler.in.data(), 4) + 4) return;
    Bytes().swap(idler.in);
    if (idler.stage == Stage::waiting) {
      ++woken_;
    } else {
      served_.record(now_ns() - started_ns_);
      idler.stage = Stage::waiting;
    }
    send(idler, fetch_);
  }

  void send(Idler& idler, const RequestFrame& frame) {
    const ssize_t wrote = ::send(idler.socket.fd(), frame.head.data(), frame.head.size(), MSG_NOSIGNAL);
    if (wrote != static_cast<ssize_t>(frame.head.size())) lose(idler);
  }

  void lose(Idler& idler) {
    ++lost_;
    idler.socket.close();
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
  Histogram connected_;
  Histogram served_;
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

double seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace

int run_idle(Options& options) {
  const auto connections = static_cast<size_t>(options.integer("connections", 5000));
  const double patience = options.number("patience-seconds", 180);
  const double hold = options.number("hold-seconds", 5);
  const auto pid = static_cast<pid_t>(options.integer("pid", 0));
  const std::string topic = options.required("topic");
  const bool cleanup = options.integer("cleanup", 0) != 0;
  Cluster cluster(options.required("broker"));
  FetchOptions fetch;
  fetch.version = cluster.version_of(Api::fetch, static_cast<int16_t>(options.integer("fetch-version", 12)));
  fetch.max_wait_ms = static_cast<int32_t>(options.integer("max-wait-ms", 120'000));
  const auto partitions = static_cast<int32_t>(options.integer("partitions", 0));
  options.refuse_unused();
  allow_files(connections + 64);
  const Partition partition = (partitions > 0 ? cluster.create_topic(topic, partitions, {}) : cluster.partitions(topic)).front();

  Crowd crowd(partition, connections, fetch_request(fetch, partition.target, cluster.end_offset(partition)).frame);
  Watch opening(pid);
  opening.start();
  crowd.open();
  crowd.run_until(now_ns() + static_cast<int64_t>(patience * 1e9), true);
  opening.stop();
  Watch holding(pid);
  holding.start();
  crowd.run_until(now_ns() + static_cast<int64_t>(hold * 1e9), false);
  holding.stop();

  const bool verified = crowd.served().count() == connections && crowd.lost() == 0;
  Json json;
  json.string("command", "idle")
      .integer("connections", static_cast<int64_t>(connections))
      .integer("connected", static_cast<int64_t>(crowd.connected().count()))
      .integer("served", static_cast<int64_t>(crowd.served().count()))
      .integer("lost", static_cast<int64_t>(crowd.lost()))
      .integer("woken", static_cast<int64_t>(crowd.woken()))
      .number("allConnectedSeconds", seconds(crowd.connected().max()))
      .number("allServedSeconds", seconds(crowd.served().max()))
      .number("halfServedSeconds", seconds(crowd.served().percentile(0.5)));
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
