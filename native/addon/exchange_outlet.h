// How answers leave an Exchange: sent with a batch, or told to the main isolate.
#pragma once

#include <cstdint>
#include <vector>

#include "addon/cookie.h"
#include "addon/exchange.h"
#include "base/byte_order.h"

namespace odradek {

// Made for one round; its news are pushed by whoever made it.
class Exchange::Outlet final : public AnswerOutlet {
 public:
  Outlet(Exchange& exchange, AnswerBatch& batch, std::vector<Completion>& news) : exchange_(exchange), batch_(batch), news_(news) {}

  void send(Answer& answer) override {
    const uint32_t slot = answer.slot;
    const uint32_t offset = answer.offset;
    const uint32_t length = answer.length;
    const Answer::Close close = answer.close;
    if (close == Answer::Close::kSend) fill_in(answer);
    answer.length = 0;
    // The next request with this slot may come as soon as the batch has it.
    answer.busy.store(false, std::memory_order_release);
    if (close == Answer::Close::kSend) batch_.add(slot, offset, length);
    else if (close == Answer::Close::kNothing) batch_.add_none(slot);
    else batch_.fail(slot);
    if (length > 0) exchange_.arena_->release(offset);
  }

  void tell(uint32_t answer) override {
    news_.push_back({.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kAnswerFailed)),
                     .log = static_cast<double>(exchange_.answers_.at(answer).slot),
                     .cookie = static_cast<double>(answer)});
  }

  void release_frame(uint32_t slot) override { exchange_.reactor_->release_frame(slot); }

 private:
  void fill_in(const Answer& answer) {
    uint8_t* const bytes = exchange_.arena_->at(answer.offset);
    for (size_t row = 0; row < answer.places.size(); row++) {
      const AnswerPlace& place = answer.places[row];
      const AppendOutcome& outcome = answer.outcomes[row];
      if (place.base_offset >= 0) store_u64(bytes + place.base_offset, static_cast<uint64_t>(outcome.base_offset));
      if (place.append_time >= 0) store_u64(bytes + place.append_time, static_cast<uint64_t>(outcome.log_append_time));
      if (place.start_offset >= 0) store_u64(bytes + place.start_offset, static_cast<uint64_t>(outcome.start_offset));
    }
  }

  Exchange& exchange_;
  AnswerBatch& batch_;
  std::vector<Completion>& news_;
};

}  // namespace odradek
