#include "codec.h"

#include <stdexcept>
#include <string>

#if LOAD_HAS_ZLIB
#include <zlib.h>
#endif
#if LOAD_HAS_LZ4
#include <lz4frame.h>
#endif
#if LOAD_HAS_ZSTD
#include <zstd.h>
#endif
#if LOAD_HAS_SNAPPY
#include <snappy-c.h>
#endif

namespace load {
namespace {

constexpr std::string_view kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};

[[noreturn, maybe_unused]] void failed(std::string_view codec) { throw std::runtime_error("could not compress with " + std::string(codec)); }

#if LOAD_HAS_ZLIB
Bytes gzip(ByteView plain) {
  constexpr int kGzipContainer = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipContainer, 8, Z_DEFAULT_STRATEGY) != Z_OK) failed("gzip");
  Bytes out(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<uint8_t*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) failed("gzip");
  return out;
}
#endif

#if LOAD_HAS_LZ4
Bytes lz4(ByteView plain) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  Bytes out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const size_t size = LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size) != 0) failed("lz4");
  out.resize(size);
  return out;
}
#endif

#if LOAD_HAS_ZSTD
Bytes zstd(ByteView plain) {
  Bytes out(ZSTD_compressBound(plain.size()));
  const size_t size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3);
  if (ZSTD_isError(size) != 0) failed("zstd");
  out.resize(size);
  return out;
}
#endif

#if LOAD_HAS_SNAPPY
Bytes snappy(ByteView plain) {
  constexpr size_t kBlock = 32 * 1024;
  constexpr uint8_t kHeader[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
  Encoder out;
  out.raw(ByteView(kHeader));
  for (size_t at = 0; at < plain.size(); at += kBlock) {
    const ByteView block = plain.subspan(at, std::min(kBlock, plain.size() - at));
    Bytes packed(snappy_max_compressed_length(block.size()));
    size_t size = packed.size();
    if (snappy_compress(reinterpret_cast<const char*>(block.data()), block.size(), reinterpret_cast<char*>(packed.data()), &size) != SNAPPY_OK) failed("snappy");
    out.int32(static_cast<int32_t>(size));
    out.raw(ByteView(packed).first(size));
  }
  return out.take();
}
#endif

#if LOAD_HAS_ZLIB
bool ungzip(ByteView packed, Bytes& plain) {
  constexpr int kGzipContainer = 15 + 16;
  z_stream stream{};
  inflateInit2(&stream, kGzipContainer);
  stream.next_in = const_cast<uint8_t*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  const bool well = ::inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == plain.size();
  inflateEnd(&stream);
  return well;
}
#endif

#if LOAD_HAS_LZ4
bool unlz4(ByteView packed, Bytes& plain) {
  LZ4F_dctx* context = nullptr;
  LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
  size_t made = plain.size();
  size_t read = packed.size();
  const size_t left = LZ4F_decompress(context, plain.data(), &made, packed.data(), &read, nullptr);
  LZ4F_freeDecompressionContext(context);
  return left == 0 && made == plain.size();
}
#endif

#if LOAD_HAS_SNAPPY
bool unsnappy(ByteView packed, Bytes& plain) {
  size_t made = 0;
  for (ByteView rest = packed.subspan(16); !rest.empty();) {
    const size_t size = load_be(rest.data(), 4);
    const char* const block = reinterpret_cast<const char*>(rest.data()) + 4;
    size_t room = plain.size() - made;
    if (snappy_uncompress(block, size, reinterpret_cast<char*>(plain.data()) + made, &room) != SNAPPY_OK) return false;
    made += room;
    rest = rest.subspan(4 + size);
  }
  return made == plain.size();
}
#endif

}  // namespace

Codec codec_named(std::string_view name) {
  for (size_t id = 0; id < std::size(kNames); ++id) {
    if (kNames[id] == name) return static_cast<Codec>(id);
  }
  throw std::runtime_error("no codec is called " + std::string(name));
}

Bytes compress(Codec codec, ByteView plain) {
  switch (codec) {
    case Codec::none: return {plain.begin(), plain.end()};
#if LOAD_HAS_ZLIB
    case Codec::gzip: return gzip(plain);
#endif
#if LOAD_HAS_SNAPPY
    case Codec::snappy: return snappy(plain);
#endif
#if LOAD_HAS_LZ4
    case Codec::lz4: return lz4(plain);
#endif
#if LOAD_HAS_ZSTD
    case Codec::zstd: return zstd(plain);
#endif
    default: throw std::runtime_error("this build has no " + std::string(kNames[static_cast<size_t>(codec)]));
  }
}

void inflate(Codec codec, ByteView packed, Bytes& plain) {
  bool well = false;
  switch (codec) {
#if LOAD_HAS_ZLIB
    case Codec::gzip: well = ungzip(packed, plain); break;
#endif
#if LOAD_HAS_SNAPPY
    case Codec::snappy: well = unsnappy(packed, plain); break;
#endif
#if LOAD_HAS_LZ4
    case Codec::lz4: well = unlz4(packed, plain); break;
#endif
#if LOAD_HAS_ZSTD
    case Codec::zstd: well = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()) == plain.size(); break;
#endif
    default: break;
  }
  if (!well) throw std::runtime_error("could not inflate " + std::string(kNames[static_cast<size_t>(codec)]));
}

}  // namespace load
