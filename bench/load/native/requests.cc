#include "requests.h"

namespace load {
namespace {

constexpr std::string_view kClientId = "odradek-load";
// Up to here a batch is copied behind its request's head, so that many requests go out in one piece of memory.
constexpr size_t kJoinedBatch = 16 * 1024;

Encoder begin(Api api, int16_t version, bool flexible) {
  Encoder out;
  out.int32(0);  // size, by finish()
  out.int16(static_cast<int16_t>(api));
  out.int16(version);
  out.int32(0);  // correlation id, patched for every sending
  out.string(kClientId, false);
  out.no_tags(flexible);
  return out;
}

RequestFrame finish(Encoder& out, ByteView body = {}, Bytes tail = {}) {
  RequestFrame frame{out.take(), body, std::move(tail)};
  store_be(frame.head.data(), frame.size() - 4, 4);
  return frame;
}

}  // namespace

RequestFrame join_request(Api api, int16_t version, bool flexible, ByteView body) {
  Encoder out = begin(api, version, flexible);
  out.raw(body);
  return finish(out);
}

RequestFrame api_versions_request() { return join_request(Api::api_versions, 0, false, {}); }

RequestFrame produce_request(const ProduceOptions& options, const Target& target, ByteView batch) {
  const bool flexible = options.version >= 9;
  Encoder out = begin(Api::produce, options.version, flexible);
  out.null_string(flexible);
  out.int16(options.acks);
  out.int32(30'000);
  out.array(1, flexible);
  out.string(target.topic, flexible);
  out.array(1, flexible);
  out.int32(target.partition);
  out.bytes_length(batch.size(), flexible);
  // The three tag sections that end the partition, the topic and the request stand behind the records.
  Bytes tags(flexible ? 3 : 0, 0);
  if (batch.size() > kJoinedBatch) return finish(out, batch, std::move(tags));
  out.raw(batch);
  out.raw(tags);
  return finish(out);
}

FetchFrame fetch_request(const FetchOptions& options, const Target& target, int64_t offset) {
  const int16_t version = options.version;
  const bool flexible = version >= 12;
  Encoder out = begin(Api::fetch, version, flexible);
  if (version < 15) out.int32(-1);
  out.int32(options.max_wait_ms);
  out.int32(options.min_bytes);
  out.int32(options.max_bytes);
  out.int8(0);
  out.int32(0);   // no session
  out.int32(-1);  // and none wanted
  out.array(1, flexible);
  if (version >= 13) out.raw(ByteView(target.id));
  else out.string(target.topic, flexible);
  out.array(1, flexible);
  out.int32(target.partition);
  if (version >= 9) out.int32(-1);
  const size_t offset_at = out.size();
  out.int64(offset);
  if (version >= 12) out.int32(-1);
  if (version >= 5) out.int64(-1);
  out.int32(options.partition_max_bytes);
  out.no_tags(flexible);
  out.no_tags(flexible);
  if (version >= 7) out.array(0, flexible);
  if (version >= 11) out.string("", flexible);
  out.no_tags(flexible);
  return {finish(out), offset_at};
}

ProduceAnswer read_produce_answer(ByteView answer, int16_t version) {
  const bool flexible = version >= 9;
  Decoder in(answer);
  in.int32();
  in.tags(flexible);
  if (in.array(flexible) != 1) throw ProtocolError("a produce answer without its topic");
  in.string(flexible);
  if (in.array(flexible) != 1) throw ProtocolError("a produce answer without its partition");
  in.int32();
  ProduceAnswer result;
  result.error = in.int16();
  result.base_offset = in.int64();
  return result;
}

FetchAnswer read_fetch_answer(ByteView answer, int16_t version) {
  const bool flexible = version >= 12;
  FetchAnswer result;
  Decoder in(answer);
  in.int32();
  in.tags(flexible);
  in.int32();
  result.error = in.int16();
  in.int32();
  if (in.array(flexible) != 1) {
    if (result.error != 0) return result;
    throw ProtocolError("a fetch answer without its topic");
  }
  if (version >= 13) in.raw(16);
  else in.string(flexible);
  if (in.array(flexible) != 1) throw ProtocolError("a fetch answer without its partition");
  in.int32();
  result.error = in.int16();
  result.high_watermark = in.int64();
  in.int64();
  if (version >= 5) in.int64();
  if (in.array(flexible) != 0) throw ProtocolError("aborted transactions where there are none");
  if (version >= 11) in.int32();
  const int64_t size = flexible ? static_cast<int64_t>(in.uvarint()) - 1 : in.int32();
  result.records_bytes = size < 0 ? 0 : static_cast<size_t>(size);
  result.records_at = in.position();
  return result;
}

}  // namespace load
