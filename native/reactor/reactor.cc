#include "reactor/reactor.h"

#include <mutex>
#include <utility>

#include "reactor/core.h"
#include "reactor/sender.h"

namespace odradek {

using reactor::Connection;
using reactor::Core;
using reactor::Slot;

static_assert(Reactor::kSlotIndexMask == reactor::SlotTable::kIndexMask);

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

AnswerBatch::AnswerBatch(Reactor& reactor)
    : core_(*reactor.core_), sender_(std::make_unique<reactor::Sender>(*reactor.core_, false)) {}

AnswerBatch::~AnswerBatch() { send(); }

bool AnswerBatch::add(uint32_t slot, uint32_t offset, uint32_t length) {
  Piece piece = Piece::arena(offset, length);
  return add(slot, std::span(&piece, 1));
}

bool AnswerBatch::add(uint32_t slot, std::span<Piece> pieces) {
  return core_.answer(slot, Slot::State::kAnswered, pieces, this, touched_);
}

bool AnswerBatch::add_none(uint32_t slot) { return core_.answer(slot, Slot::State::kAnswered, {}, this, touched_); }
bool AnswerBatch::fail(uint32_t slot) { return core_.answer(slot, Slot::State::kFailed, {}, this, touched_); }

void AnswerBatch::send() {
  for (Connection* connection : touched_) {
    sender_->flush(*connection);
    core_.untouch(*connection, this);
  }
  touched_.clear();
}

}  // namespace odradek
