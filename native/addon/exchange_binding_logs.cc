// The half of the boundary that is about logs.
#include "addon/arguments.h"
#include "addon/exchange_binding.h"

namespace odradek {

namespace {

LogOptions log_options(Fields& fields) {
  LogOptions options;
  options.segment_bytes = fields.uint32("segmentBytes");
  options.segment_ms = fields.int64("segmentMs");
  options.segment_jitter_ms = fields.int64("segmentJitterMs");
  options.jitter_seed = static_cast<uint64_t>(fields.int64("jitterSeed"));
  options.index_interval_bytes = fields.uint32("indexIntervalBytes");
  options.index_max_bytes = fields.uint32("indexMaxBytes");
  options.max_message_bytes = fields.uint32("maxMessageBytes");
  options.flush_messages = fields.int64("flushMessages");
  return options;
}

int32_t refusal(Arguments& args) {
  const int32_t code = args.int32("code");
  if (code <= 0) args.reject("code", "an error");
  return code;
}

FirstBatch first_batch(Arguments& args) {
  const uint32_t first = args.uint32("firstBatch");
  if (first >= kFirstBatchKinds) args.reject("firstBatch", "one of three");
  return static_cast<FirstBatch>(first);
}

}  // namespace

Napi::Value ExchangeBinding::open_log(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  OpenRequest request;
  const double cookie = args.number("cookie");
  request.directory = args.string("directory");
  const Napi::Object options = args.object("options");
  request.recovery_point = args.int64("recoveryPoint");
  request.start_offset = args.int64("startOffset");
  request.clean_shutdown = args.boolean("clean");
  if (args.rejected()) return nothing(info);
  Fields fields(args, options);
  request.options = log_options(fields);
  if (args.rejected()) return nothing(info);
  return Napi::Number::New(env_, exchange_->open_log(cookie, request));
}

Napi::Value ExchangeBinding::configure_log(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  const Napi::Object options = args.object("options");
  if (args.rejected()) return nothing(info);
  Fields fields(args, options);
  const LogOptions parsed = log_options(fields);
  const int64_t before = fields.int64("timestampBeforeMaxMs");
  const int64_t after = fields.int64("timestampAfterMaxMs");
  if (args.rejected()) return nothing(info);
  exchange_->configure_log(index, parsed, before, after);
  return nothing(info);
}

Napi::Value ExchangeBinding::log_facts(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  Napi::Float64Array facts = args.doubles("facts");
  if (args.rejected()) return nothing(info);
  if (facts.ElementLength() < 6) return args.reject("facts", "six doubles long"), nothing(info);
  const Log* const log = exchange_->log(index);
  if (log == nullptr) return Napi::Boolean::New(env_, false);
  facts[0] = static_cast<double>(log->start_offset());
  facts[1] = static_cast<double>(log->end_offset());
  facts[2] = static_cast<double>(log->size());
  facts[3] = log->segment_count();
  facts[4] = static_cast<double>(log->active_segment_base());
  facts[5] = static_cast<double>(log->recovery_point());
  return Napi::Boolean::New(env_, true);
}

Napi::Value ExchangeBinding::locate_hot(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  const int64_t from = args.int64("from");
  const int64_t below = args.int64("below");
  const uint32_t max_bytes = args.uint32("maxBytes");
  const FirstBatch first = first_batch(args);
  if (args.rejected()) return nothing(info);
  int32_t slice = -1;
  // -2: memory alone cannot tell. -1: it can, and there is nothing.
  if (!exchange_->locate_hot(index, from, below, max_bytes, first, &slice)) slice = -2;
  return Napi::Number::New(env_, slice);
}

Napi::Value ExchangeBinding::locate(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  const int64_t from = args.int64("from");
  const int64_t below = args.int64("below");
  const uint32_t max_bytes = args.uint32("maxBytes");
  const FirstBatch first = first_batch(args);
  if (!args.rejected()) exchange_->locate(cookie, index, from, below, max_bytes, first);
  return nothing(info);
}

Napi::Value ExchangeBinding::release_slice(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t slice = args.uint32("slice");
  if (!args.rejected()) exchange_->release_slice(slice);
  return nothing(info);
}

Napi::Value ExchangeBinding::slice_length(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t slice = args.uint32("slice");
  if (args.rejected()) return nothing(info);
  return Napi::Number::New(env_, exchange_->slice_length(slice));
}

Napi::Value ExchangeBinding::read_slice(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t slice = args.uint32("slice");
  Napi::Uint8Array target = args.bytes("target");
  if (args.rejected()) return nothing(info);
  hold(cookie, target);
  exchange_->read_slice(cookie, slice, target.Data(), target.ByteLength());
  return nothing(info);
}

Napi::Value ExchangeBinding::find_by_timestamp(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  const int64_t timestamp = args.int64("timestamp");
  const int64_t from = args.int64("from");
  if (!args.rejected()) exchange_->find_by_timestamp(cookie, index, timestamp, from);
  return nothing(info);
}

Napi::Value ExchangeBinding::max_timestamp(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  if (!args.rejected()) exchange_->max_timestamp(cookie, index);
  return nothing(info);
}

Napi::Value ExchangeBinding::segments(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  Napi::Float64Array target = args.doubles("target");
  if (args.rejected()) return nothing(info);
  hold(cookie, target);
  exchange_->segments(cookie, index, target.Data(), target.ElementLength() / kSegmentFields);
  return nothing(info);
}

Napi::Value ExchangeBinding::scan(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  const int64_t from = args.int64("from");
  Napi::Float64Array target = args.doubles("target");
  if (args.rejected()) return nothing(info);
  hold(cookie, target);
  exchange_->scan(cookie, index, from, target.Data(), target.ElementLength() / kScanFields);
  return nothing(info);
}

Napi::Value ExchangeBinding::close_log(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  const bool flush = args.boolean("flush");
  if (!args.rejected()) exchange_->close_log(cookie, index, flush);
  return nothing(info);
}

Napi::Value ExchangeBinding::forget_log(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  if (!args.rejected()) exchange_->forget_log(index);
  return nothing(info);
}

Napi::Value ExchangeBinding::commit_alone(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  const bool alone = args.boolean("alone");
  if (args.rejected()) return nothing(info);
  return Napi::Number::New(env_, static_cast<double>(exchange_->commit_alone(index, alone)));
}

Napi::Value ExchangeBinding::take_back(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("log");
  const int32_t code = refusal(args);
  if (!args.rejected()) exchange_->take_back(index, code);
  return nothing(info);
}

Napi::Value ExchangeBinding::expire_parked(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const int32_t code = refusal(args);
  if (args.rejected()) return nothing(info);
  return Napi::Number::New(env_, static_cast<double>(exchange_->expire_parked(code)));
}

Napi::Value ExchangeBinding::inspect(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  Napi::Uint8Array batch = args.bytes("batch");
  const uint32_t flags = args.uint32("flags");
  Napi::Float64Array errors = args.doubles("errors");
  if (args.rejected()) return nothing(info);
  Napi::Array held = Napi::Array::New(env_, 2);
  held.Set(0u, batch);
  held.Set(1u, errors);
  hold(cookie, held);
  exchange_->inspect(cookie, index, {batch.Data(), batch.ByteLength()}, flags, {errors.Data(), errors.ElementLength()});
  return nothing(info);
}

Napi::Value ExchangeBinding::inflate(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t codec = args.uint32("codec");
  Napi::Uint8Array packed = args.bytes("packed");
  Napi::Uint8Array plain = args.bytes("plain");
  if (args.rejected()) return nothing(info);
  if (codec < 1 || codec > 4) return args.reject("codec", "a codec of Kafka's"), nothing(info);
  Napi::Array held = Napi::Array::New(env_, 2);
  held.Set(0u, packed);
  held.Set(1u, plain);
  hold(cookie, held);
  exchange_->inflate(cookie, static_cast<Codec>(codec), {packed.Data(), packed.ByteLength()}, {plain.Data(), plain.ByteLength()});
  return nothing(info);
}

}  // namespace odradek
