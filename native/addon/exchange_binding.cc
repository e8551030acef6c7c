#include "addon/exchange_binding.h"

#include "addon/arguments.h"
#include "addon/record_errors.h"

namespace odradek {

namespace {

void throw_status(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.to_string());
  error.Set("code", Napi::String::New(env, code_name(status.code())));
  error.Set("number", Napi::Number::New(env, static_cast<int32_t>(status.code())));
  error.ThrowAsJavaScriptException();
}

}  // namespace

// The handle lives until libuv has closed it, which may be after the binding is gone.
struct ExchangeBinding::Wake {
  uv_async_t handle;
  ExchangeBinding* binding;
};

Napi::Function ExchangeBinding::define(Napi::Env env) {
  using Self = ExchangeBinding;
  return DefineClass(
      env, "Exchange",
      {InstanceMethod<&Self::poll>("poll"),
       InstanceMethod<&Self::flush>("flush"),
       InstanceMethod<&Self::listen>("listen"),
       InstanceMethod<&Self::stop_listening>("stopListening"),
       InstanceMethod<&Self::peer_address>("peerAddress"),
       InstanceMethod<&Self::close_connection>("closeConnection"),
       InstanceMethod<&Self::pause_connection>("pauseConnection"),
       InstanceMethod<&Self::lease>("lease"),
       InstanceMethod<&Self::release>("release"),
       InstanceMethod<&Self::open_log>("openLog"),
       InstanceMethod<&Self::configure_log>("configureLog"),
       InstanceMethod<&Self::log_facts>("logFacts"),
       InstanceMethod<&Self::locate_hot>("locateHot"),
       InstanceMethod<&Self::locate>("locate"),
       InstanceMethod<&Self::release_slice>("releaseSlice"),
       InstanceMethod<&Self::slice_length>("sliceLength"),
       InstanceMethod<&Self::read_slice>("readSlice"),
       InstanceMethod<&Self::find_by_timestamp>("findByTimestamp"),
       InstanceMethod<&Self::max_timestamp>("maxTimestamp"),
       InstanceMethod<&Self::segments>("segments"),
       InstanceMethod<&Self::scan>("scan"),
       InstanceMethod<&Self::with_offset<&Exchange::begin_epoch>>("beginEpoch"),
       InstanceMethod<&Self::with_offset<&Exchange::truncate>>("truncate"),
       InstanceMethod<&Self::with_offset<&Exchange::truncate_fully>>("truncateFullyAndStartAt"),
       InstanceMethod<&Self::with_offset<&Exchange::set_start_offset>>("setLogStartOffset"),
       InstanceMethod<&Self::with_offset<&Exchange::delete_segments_below>>("deleteSegmentsBelow"),
       InstanceMethod<&Self::with_offset<&Exchange::purge_deleted>>("purgeDeleted"),
       InstanceMethod<&Self::without<&Exchange::roll>>("roll"),
       InstanceMethod<&Self::without<&Exchange::flush_log>>("flushLog"),
       InstanceMethod<&Self::without<&Exchange::flush_rolled>>("flushRolled"),
       InstanceMethod<&Self::without<&Exchange::abandon_log>>("abandonLog"),
       InstanceMethod<&Self::close_log>("closeLog"),
       InstanceMethod<&Self::forget_log>("forgetLog"),
       InstanceMethod<&Self::commit_alone>("commitAlone"),
       InstanceMethod<&Self::take_back>("takeBack"),
       InstanceMethod<&Self::expire_parked>("expireParked"),
       InstanceMethod<&Self::inspect>("inspect"),
       InstanceMethod<&Self::inflate>("inflate"),
       InstanceMethod<&Self::failed_answer>("failedAnswer"),
       InstanceMethod<&Self::lock_file>("lockFile"),
       InstanceMethod<&Self::unlock_file>("unlockFile"),
       InstanceMethod<&Self::stats>("stats"),
       InstanceMethod<&Self::close>("close")});
}

namespace {

// As a callback of the event loop, so that promises settled in it run their continuations at its end. Bare calls: where
// the environment is being torn down (a worker that is terminated) nothing can be called, and nothing need be.
void call_back(Napi::Env env, const Napi::FunctionReference& function) {
  const Napi::HandleScope scope(env);
  napi_value global = nullptr;
  napi_value callee = nullptr;
  if (napi_get_global(env, &global) != napi_ok) return;
  if (napi_get_reference_value(env, function, &callee) != napi_ok || callee == nullptr) return;
  napi_value ignored = nullptr;
  if (napi_make_callback(env, nullptr, global, callee, 0, nullptr, &ignored) != napi_pending_exception) return;
  napi_value error = nullptr;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

}  // namespace

ExchangeBinding::ExchangeBinding(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ExchangeBinding>(info), env_(info.Env()) {
  Arguments args(info);
  const Napi::Object given = args.object("options");
  if (args.rejected()) return;
  Fields fields(args, given);
  ExchangeOptions options;
  options.reactor.network_threads = fields.uint32("networkThreads");
  options.log_threads = fields.uint32("logThreads");
  options.arena_bytes = static_cast<uint64_t>(fields.int64("arenaBytes"));
  options.reactor.max_request_bytes = fields.uint32("maxRequestBytes");
  options.reactor.queued_max_bytes = static_cast<uint64_t>(fields.int64("queuedMaxBytes"));
  options.reactor.max_in_flight = fields.uint32("maxInFlight");
  options.reactor.max_queued_response_bytes = static_cast<uint64_t>(fields.int64("maxQueuedResponseBytes"));
  options.reactor.connections_max_idle_ms = fields.int64("connectionsMaxIdleMs");
  options.reactor.max_connections = fields.uint32("maxConnections");
  options.reactor.send_buffer_bytes = fields.int32("sendBufferBytes");
  options.reactor.receive_buffer_bytes = fields.int32("receiveBufferBytes");
  const Napi::Value on_wake = given.Get("onWake");
  if (!on_wake.IsFunction()) args.reject("onWake", "a function");
  if (args.rejected()) return;

  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env_, &loop);
  auto* wake = new Wake{{}, this};
  if (uv_async_init(loop, &wake->handle, [](uv_async_t* handle) {
        auto* self = reinterpret_cast<Wake*>(handle)->binding;
        if (self == nullptr) return;
        call_back(self->env_, self->on_wake_);
      }) != 0) {
    delete wake;
    Napi::Error::New(env_, "the event loop takes no more handles").ThrowAsJavaScriptException();
    return;
  }
  wake_ = wake;
  on_wake_ = Napi::Persistent(on_wake.As<Napi::Function>());
  auto started = Exchange::start(options, [wake] { uv_async_send(&wake->handle); });
  if (!started.ok()) {
    shut();
    throw_status(env_, started.status());
    return;
  }
  exchange_ = std::shared_ptr<Exchange>(*std::move(started));
  napi_add_env_cleanup_hook(env_, at_exit, this);

  // Memory both sides see. It stays for as long as anybody holds one of these arrays, closed or not.
  Napi::Object self = info.This().As<Napi::Object>();
  const auto shared = [&](void* at, size_t bytes) {
    return Napi::ArrayBuffer::New(
        env_, at, bytes, [](Napi::Env, void*, std::shared_ptr<Exchange>* holder) { delete holder; }, new std::shared_ptr<Exchange>(exchange_));
  };
  Exchange& exchange = *exchange_;
  self.Set("arena", shared(exchange.arena().base(), exchange.arena().capacity()));
  self.Set("events", Napi::Int32Array::New(env_, kEventCapacity * 8, shared(exchange.events(), kEventCapacity * sizeof(Event)), 0));
  self.Set("completions", Napi::Float64Array::New(env_, kCompletionCapacity * 10, shared(exchange.completions(), kCompletionCapacity * sizeof(Completion)), 0));
  self.Set("commands", Napi::Float64Array::New(env_, kCommandWords, shared(exchange.commands(), kCommandWords * sizeof(double)), 0));
  self.Set("watched", Napi::Int32Array::New(env_, kLogCapacity, shared(exchange.watched(), kLogCapacity * sizeof(int32_t)), 0));
  self.Set("slotIndexMask", Napi::Number::New(env_, kSlotIndexMask));
  self.Set("sliceFacts", Napi::Float64Array::New(env_, 4, shared(exchange.slice_facts(), 4 * sizeof(double)), 0));
}

ExchangeBinding::~ExchangeBinding() {
  if (exchange_) napi_remove_env_cleanup_hook(env_, at_exit, this);
  shut();
}

void ExchangeBinding::at_exit(void* self) { static_cast<ExchangeBinding*>(self)->shut(); }

// Threads end first: after that nobody sends to the handle.
void ExchangeBinding::shut() {
  if (exchange_) exchange_->close();
  if (wake_ != nullptr) {
    wake_->binding = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_->handle), [](uv_handle_t* handle) { delete reinterpret_cast<Wake*>(handle); });
    wake_ = nullptr;
  }
  locks_.clear();
}

bool ExchangeBinding::ready(const Napi::CallbackInfo& info) {
  if (exchange_ && wake_ != nullptr) return true;
  throw_status(info.Env(), Status(Code::kClosed));
  return false;
}

void ExchangeBinding::hold(double cookie, Napi::Object memory) { held_[cookie] = Napi::Persistent(memory); }

Napi::Value ExchangeBinding::poll(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  const Exchange::Polled polled = exchange_->poll();
  if (!held_.empty()) {
    const Completion* const completions = exchange_->completions();
    for (uint32_t at = 0; at < polled.completions; at++) {
      if (completions[at].kind == static_cast<double>(CompletionKind::kJob)) held_.erase(completions[at].cookie);
    }
  }
  return Napi::Number::New(env_, static_cast<double>(polled.events + polled.completions * 65536.0));
}

Napi::Value ExchangeBinding::flush(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t words = args.uint32("words");
  if (args.rejected()) return nothing(info);
  if (words > kCommandWords || !exchange_->flush(words)) Napi::TypeError::New(env_, "commands contradict their layout").ThrowAsJavaScriptException();
  return nothing(info);
}

Napi::Value ExchangeBinding::listen(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t listener = args.uint32("listener");
  const std::string host = args.string("host");
  const uint32_t port = args.uint32("port");
  const uint32_t backlog = args.uint32("backlog");
  if (args.rejected()) return nothing(info);
  if (port > 65535) return args.reject("port", "at most 65535"), nothing(info);
  auto bound = exchange_->reactor().listen(listener, host, static_cast<uint16_t>(port), backlog);
  if (!bound.ok()) return throw_status(env_, bound.status()), nothing(info);
  return Napi::Number::New(env_, *bound);
}

Napi::Value ExchangeBinding::stop_listening(const Napi::CallbackInfo& info) {
  if (ready(info)) exchange_->reactor().stop_listening();
  return nothing(info);
}

Napi::Value ExchangeBinding::peer_address(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t connection = args.uint32("connection");
  if (args.rejected()) return nothing(info);
  return Napi::String::New(env_, exchange_->reactor().peer_address(connection));
}

Napi::Value ExchangeBinding::close_connection(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t connection = args.uint32("connection");
  if (!args.rejected()) exchange_->reactor().close_connection(connection);
  return nothing(info);
}

Napi::Value ExchangeBinding::pause_connection(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t connection = args.uint32("connection");
  const bool paused = args.boolean("paused");
  if (args.rejected()) return nothing(info);
  if (paused) exchange_->reactor().pause(connection);
  else exchange_->reactor().resume(connection);
  return nothing(info);
}

Napi::Value ExchangeBinding::lease(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t bytes = args.uint32("bytes");
  if (args.rejected()) return nothing(info);
  const uint32_t offset = bytes == 0 ? Arena::kNoRoom : exchange_->arena().lease(bytes);
  if (offset == Arena::kNoRoom) return Napi::Number::New(env_, -1);
  leased_.insert(offset);
  return Napi::Number::New(env_, offset);
}

Napi::Value ExchangeBinding::release(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t offset = args.uint32("offset");
  if (args.rejected()) return nothing(info);
  if (leased_.erase(offset) == 0) return args.reject("offset", "of a leased block"), nothing(info);
  exchange_->arena().release(offset);
  return nothing(info);
}

Napi::Value ExchangeBinding::failed_answer(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const uint32_t index = args.uint32("answer");
  if (args.rejected()) return nothing(info);
  const Answer* const answer = exchange_->failed_answer(index);
  if (answer == nullptr) return args.reject("answer", "one whose completion was polled"), nothing(info);
  Napi::Object told = Napi::Object::New(env_);
  told.Set("slot", answer->slot);
  Napi::Array outcomes = Napi::Array::New(env_);
  uint32_t ended = 0;
  for (uint32_t row = 0; row < answer->outcomes.size(); row++) {
    const AppendOutcome& outcome = answer->outcomes[row];
    if (outcome.code == Code::kOk && outcome.refusal == 0) continue;
    Napi::Object each = Napi::Object::New(env_);
    each.Set("row", row);
    each.Set("code", static_cast<int32_t>(outcome.code));
    each.Set("refusal", outcome.refusal);
    each.Set("baseOffset", static_cast<double>(outcome.base_offset));
    each.Set("logAppendTime", static_cast<double>(outcome.log_append_time));
    each.Set("logStartOffset", static_cast<double>(outcome.start_offset));
    Napi::Float64Array records = Napi::Float64Array::New(env_, outcome.record_errors.size() * kRecordErrorFields);
    write_record_errors(outcome.record_errors, records.Data(), records.ElementLength());
    each.Set("records", records);
    each.Set("recordErrors", outcome.record_error_count);
    outcomes.Set(ended++, each);
  }
  told.Set("outcomes", outcomes);
  exchange_->failed_answer_read(index);
  return told;
}

Napi::Value ExchangeBinding::lock_file(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const std::string path = args.string("path");
  if (args.rejected()) return nothing(info);
  auto locked = exchange_->files().lock(path);
  if (!locked.ok()) {
    if (locked.status().code() == Code::kLocked) return Napi::Number::New(env_, -1);
    return throw_status(env_, locked.status()), nothing(info);
  }
  const int32_t handle = next_lock_++;
  locks_[handle] = *std::move(locked);
  return Napi::Number::New(env_, handle);
}

Napi::Value ExchangeBinding::unlock_file(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const int32_t handle = args.int32("handle");
  if (!args.rejected()) locks_.erase(handle);
  return nothing(info);
}

Napi::Value ExchangeBinding::stats(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  const ReactorStats now = exchange_->reactor().stats();
  Napi::Object told = Napi::Object::New(env_);
  const auto set = [&](const char* name, uint64_t value) { told.Set(name, static_cast<double>(value)); };
  set("connections", now.connections);
  set("accepted", now.accepted);
  set("requests", now.requests);
  set("answers", now.answers);
  set("bytesIn", now.bytes_in);
  set("bytesOut", now.bytes_out);
  set("queuedBytes", now.queued_bytes);
  set("receives", now.receives);
  set("sends", now.sends);
  set("wakes", now.wakes);
  set("waits", now.waits);
  set("arenaInUse", exchange_->arena().in_use());
  set("arenaResident", exchange_->arena().resident());
  return told;
}

Napi::Value ExchangeBinding::close(const Napi::CallbackInfo& info) {
  shut();
  return nothing(info);
}

}  // namespace odradek
