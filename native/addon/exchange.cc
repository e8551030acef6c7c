#include "addon/exchange.h"

#include "addon/exchange_entry.h"

namespace odradek {

Exchange::Exchange(std::function<void()> wake)
    : wake_(std::move(wake)),
      events_(kEventCapacity),
      out_(kCompletionCapacity),
      commands_(kCommandWords),
      watched_(kLogCapacity) {}

Result<std::unique_ptr<Exchange>> Exchange::start(const ExchangeOptions& options, std::function<void()> wake) {
  std::unique_ptr<Exchange> exchange(new Exchange(std::move(wake)));
  auto arena = Arena::reserve({.capacity = options.arena_bytes});
  if (!arena.ok()) return arena.status();
  exchange->arena_ = *std::move(arena);
  exchange->threads_ = std::make_unique<LogThreads>(LogThreads::Options{.threads = options.log_threads});
  auto reactor = Reactor::start(options.reactor, *exchange->arena_, exchange->clock_, exchange.get(),
                                [self = exchange.get()] { self->news_of_reactor(); });
  if (!reactor.ok()) return reactor.status();
  exchange->reactor_ = *std::move(reactor);
  return exchange;
}

Exchange::~Exchange() { close(); }

void Exchange::close() {
  if (closed_) return;
  closed_ = true;
  closing_.store(true);
  if (reactor_) reactor_->close();
  // Whatever is still open ends as after a crash: whoever wants a clean stop closes logs first.
  for (auto& entry : entries_) {
    if (entry && entry->open.load()) entry->log->abandon([](const Status&) {});
  }
  if (threads_) {
    threads_->kick();
    threads_->close();
  }
}

void Exchange::wake() {
  if (closing_.load(std::memory_order_relaxed)) return;
  if (!awake_.exchange(true, std::memory_order_seq_cst)) wake_();
}

// What the last requests led to, these will probably lead to: the log thread gets up while the main isolate does.
void Exchange::news_of_reactor() {
  wake();
  if (appended_lately_.load(std::memory_order_relaxed)) threads_->expect();
}

Exchange::Polled Exchange::poll() {
  awake_.store(false, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Polled polled;
  polled.events = static_cast<uint32_t>(reactor_->poll(events_.data(), events_.size()));
  polled.completions = static_cast<uint32_t>(completions_.take(out_.data(), out_.size()));
  // What did not fit is news that nobody will announce again.
  if (polled.events == events_.size() || (polled.completions == out_.size() && completions_.any())) wake();
  return polled;
}

void Exchange::job_done(double cookie, Code code, double first, double second, double third, double fourth) {
  const Completion completion{.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kJob)),
                              .cookie = cookie,
                              .code = code_of(code),
                              .first = first,
                              .second = second,
                              .third = third,
                              .fourth = fourth};
  completions_.push({&completion, 1});
  wake();
}

void Exchange::warm(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length, uint64_t ticket) {
  threads_->submit([this, file = std::move(file), position, length, ticket] {
    // Reading through a small window brings the range into the page cache without memory in proportion to it.
    constexpr size_t kWindow = 128 * 1024;
    thread_local std::unique_ptr<uint8_t[]> window;
    if (!window) window = std::make_unique<uint8_t[]>(kWindow);
    bool ok = true;
    for (uint64_t at = 0; at < length && ok;) {
      auto read = file->read_at(position + at, {window.get(), std::min<size_t>(kWindow, length - at)});
      ok = read.ok() && *read > 0;
      if (ok) at += *read;
    }
    reactor_->warmed(ticket, ok);
  });
}

}  // namespace odradek
