#include "codec/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include "codec/lz4_encoder.h"
#include "codec/snappy_encoder.h"

namespace odradek {

namespace {

bool gzip(int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed) {
  constexpr int kGzipFrame = MAX_WBITS + 16;
  constexpr int kUsualMemory = 8;
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipFrame, kUsualMemory, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  const size_t before = packed->size();
  packed->resize(before + deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<uint8_t*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed->data() + before;
  stream.avail_out = static_cast<uInt>(packed->size() - before);
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed->resize(before + (whole ? stream.total_out : 0));
  deflateEnd(&stream);
  return whole;
}

}  // namespace

Compressor::~Compressor() { ZSTD_freeCCtx(zstd_); }

bool Compressor::zstd(int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed) {
  if (level < ZSTD_minCLevel() || level > ZSTD_maxCLevel()) return false;
  if (zstd_ == nullptr) zstd_ = ZSTD_createCCtx();
  if (zstd_ == nullptr) return false;
  const size_t before = packed->size();
  packed->resize(before + ZSTD_compressBound(plain.size()));
  const size_t size = ZSTD_compressCCtx(zstd_, packed->data() + before, packed->size() - before, plain.data(), plain.size(), level);
  const bool well = ZSTD_isError(size) == 0;
  packed->resize(before + (well ? size : 0));
  return well;
}

bool Compressor::compress(Codec codec, int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed) {
  switch (codec) {
    case Codec::kGzip: return gzip(level, plain, packed);
    case Codec::kSnappy: encode_snappy(plain, packed); return true;
    case Codec::kLz4: return encode_lz4(level, plain, packed);
    case Codec::kZstd: return zstd(level, plain, packed);
    case Codec::kNone: break;
  }
  return false;
}

}  // namespace odradek
