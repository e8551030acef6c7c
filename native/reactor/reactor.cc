#include "reactor/reactor.h"

#include <algorithm>
#include <utility>

#include "reactor/core.h"
#include "reactor/sender.h"

namespace odradek {

using reactor::Connection;
using reactor::Core;
using reactor::Slot;


Result<std::unique_ptr<Reactor>> Reactor::start(Options options, Arena& arena, Clock& clock, WarmUp* warm_up,
                                                std::function<void()> wake) {
  auto core = std::make_unique<Core>(options, arena, clock, warm_up, std::move(wake));
  if (Status status = core->start(); !status.ok()) return status;
  return std::unique_ptr<Reactor>(new Reactor(std::move(core)));
}

Reactor::Reactor(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Reactor::~Reactor() = default;

Result<uint16_t> Reactor::listen(uint32_t listener, const std::string& host, uint16_t port, uint32_t backlog) {
  return core_->listen(listener, host, port, backlog);
}

void Reactor::stop_listening() { core_->stop_listening(); }
void Reactor::close() { core_->close(); }
size_t Reactor::poll(Event* out, size_t capacity) { return core_->poll(out, capacity); }

Result<uint32_t> Reactor::dial(const std::string& address, uint16_t port, const DialOptions& options) {
  return core_->dial(address, port, options);
}

std::string Reactor::peer_address(uint32_t connection) const {
  const Connection* known = core_->known(connection);
  return known != nullptr ? known->peer.host() : std::string();
}

uint16_t Reactor::peer_port(uint32_t connection) const {
  const Connection* known = core_->known(connection);
  return known != nullptr ? known->peer.port() : 0;
}

void Reactor::pause(uint32_t connection) {
  if (Connection* known = core_->known(connection)) core_->pause(*known, true);
}

void Reactor::resume(uint32_t connection) {
  if (Connection* known = core_->known(connection)) core_->pause(*known, false);
}

void Reactor::close_connection(uint32_t connection) {
  if (Connection* known = core_->known(connection)) core_->end(*known, CloseReason::kAsked);
}

void Reactor::release_frame(uint32_t slot) {
  if (Slot* found = core_->slots.find(slot)) core_->release_frame(*found);
}

void Reactor::warmed(uint64_t ticket, bool ok) { core_->warmed(ticket, ok); }
ReactorStats Reactor::stats() const { return core_->stats(); }

AnswerBatch::AnswerBatch(Reactor& reactor) : core_(*reactor.core_) {}

AnswerBatch::~AnswerBatch() { send(); }

bool AnswerBatch::add(uint32_t slot, uint32_t offset, uint32_t length) {
  Piece piece = Piece::arena(offset, length);
  return settle(slot, false, std::span(&piece, 1));
}

bool AnswerBatch::add(uint32_t slot, std::span<Piece> pieces) { return settle(slot, false, pieces); }
bool AnswerBatch::add_none(uint32_t slot) { return settle(slot, false, {}); }
bool AnswerBatch::fail(uint32_t slot) { return settle(slot, true, {}); }

bool AnswerBatch::settle(uint32_t slot, bool failed, std::span<Piece> pieces) {
  const Core::Answered answered =
      core_.answer(slot, failed ? Slot::State::kFailed : Slot::State::kAnswered, pieces, this);
  if (answered.touched != nullptr) touch(answered.touched);
  return answered.ok;
}

bool AnswerBatch::ask(uint32_t connection, uint32_t offset, uint32_t length) {
  Connection* const known = core_.known(connection);
  if (known == nullptr) return false;
  const Core::Answered queued = core_.send(*known, offset, length, this);
  if (queued.touched != nullptr) touch(queued.touched);
  return queued.ok;
}

void AnswerBatch::touch(Connection* connection) {
  if (few_count_ < kFew) {
    few_[few_count_++] = connection;
  } else {
    many_.push_back(connection);
  }
}

void AnswerBatch::send() {
  if (few_count_ == 0) return;
  reactor::Sender sender(core_, false);
  const auto send_one = [&](Connection* connection) {
    sender.flush(*connection);
    core_.untouch(*connection, this);
  };
  std::for_each(few_, few_ + few_count_, send_one);
  std::for_each(many_.begin(), many_.end(), send_one);
  few_count_ = 0;
  many_.clear();
}

}  // namespace odradek
