#include "codec/zstd_decoder.h"

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_sizeof_DCtx
#include <zstd.h>
#include <zstd_errors.h>

namespace odradek {

namespace {
// Producers use levels up to about nine, whose windows are 4 MiB at most; the usual level's is 2 MiB.
constexpr size_t kKept = 5 << 20;
}  // namespace

ZstdDecoder::~ZstdDecoder() { ZSTD_freeDCtx(context_); }

void ZstdDecoder::begin(std::span<const uint8_t> packed) {
  packed_ = packed;
  at_ = 0;
  between_frames_ = true;
  if (context_ != nullptr) ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
}

Decoded ZstdDecoder::run(PlainWindow& window) {
  if (between_frames_ && at_ == packed_.size()) return Decoded::kEnd;
  if (context_ == nullptr) context_ = ZSTD_createDCtx();
  if (context_ == nullptr) return Decoded::kNoMemory;
  ZSTD_inBuffer in{packed_.data(), packed_.size(), at_};
  ZSTD_outBuffer out{window.end, window.room(), 0};
  const size_t result = ZSTD_decompressStream(context_, &out, &in);
  if (ZSTD_isError(result) != 0) {
    return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? Decoded::kNoMemory : Decoded::kDamaged;
  }
  window.end += out.pos;
  at_ = in.pos;
  between_frames_ = result == 0;
  const bool cut_off = out.pos == 0 && at_ == packed_.size() && !between_frames_;
  return cut_off ? Decoded::kDamaged : Decoded::kMore;
}

void ZstdDecoder::rest() {
  if (context_ == nullptr || ZSTD_sizeof_DCtx(context_) <= kKept) return;
  ZSTD_freeDCtx(context_);
  context_ = nullptr;
}

}  // namespace odradek
