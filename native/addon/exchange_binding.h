// Exchange as a JavaScript class. Translates and decides nothing; src/native/exchange.ts says what each method means.
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "addon/arguments.h"
#include "addon/exchange.h"

namespace odradek {

class ExchangeBinding final : public Napi::ObjectWrap<ExchangeBinding> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ExchangeBinding(const Napi::CallbackInfo& info);
  ~ExchangeBinding() override;

 private:
  struct Wake;

  Napi::Value poll(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value listen(const Napi::CallbackInfo& info);
  Napi::Value stop_listening(const Napi::CallbackInfo& info);
  Napi::Value peer_address(const Napi::CallbackInfo& info);
  Napi::Value close_connection(const Napi::CallbackInfo& info);
  Napi::Value pause_connection(const Napi::CallbackInfo& info);
  Napi::Value lease(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value open_log(const Napi::CallbackInfo& info);
  Napi::Value configure_log(const Napi::CallbackInfo& info);
  Napi::Value log_facts(const Napi::CallbackInfo& info);
  Napi::Value locate_hot(const Napi::CallbackInfo& info);
  Napi::Value locate(const Napi::CallbackInfo& info);
  Napi::Value release_slice(const Napi::CallbackInfo& info);
  Napi::Value slice_length(const Napi::CallbackInfo& info);
  Napi::Value read_slice(const Napi::CallbackInfo& info);
  Napi::Value find_by_timestamp(const Napi::CallbackInfo& info);
  Napi::Value max_timestamp(const Napi::CallbackInfo& info);
  Napi::Value segments(const Napi::CallbackInfo& info);
  Napi::Value scan(const Napi::CallbackInfo& info);
  template <void (Exchange::*method)(double, uint32_t, int64_t)>
  Napi::Value with_offset(const Napi::CallbackInfo& info);
  template <void (Exchange::*method)(double, uint32_t)>
  Napi::Value without(const Napi::CallbackInfo& info);
  Napi::Value close_log(const Napi::CallbackInfo& info);
  Napi::Value forget_log(const Napi::CallbackInfo& info);
  Napi::Value commit_alone(const Napi::CallbackInfo& info);
  Napi::Value take_back(const Napi::CallbackInfo& info);
  Napi::Value expire_parked(const Napi::CallbackInfo& info);
  Napi::Value inspect(const Napi::CallbackInfo& info);
  Napi::Value inflate(const Napi::CallbackInfo& info);
  Napi::Value failed_answer(const Napi::CallbackInfo& info);
  Napi::Value lock_file(const Napi::CallbackInfo& info);
  Napi::Value unlock_file(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // False, with an Error pending: the exchange is closed.
  bool ready(const Napi::CallbackInfo& info);
  void hold(double cookie, Napi::Object memory);
  void shut();
  static void at_exit(void* self);

  Napi::Env env_;
  // Shared with the arrays that show its memory: whoever still holds one of those may touch it after everything else ended.
  std::shared_ptr<Exchange> exchange_;
  Wake* wake_ = nullptr;
  Napi::FunctionReference on_wake_;
  // Memory that log threads write to or read from, until the completion of its cookie is polled.
  std::unordered_map<double, Napi::ObjectReference> held_;
  // Blocks that TypeScript has leased: it can give back no others, which belong to answers and network threads.
  std::unordered_set<uint32_t> leased_;
  std::unordered_map<int32_t, std::unique_ptr<FileLock>> locks_;
  int32_t next_lock_ = 1;
};

template <void (Exchange::*method)(double, uint32_t, int64_t)>
Napi::Value ExchangeBinding::with_offset(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  const int64_t offset = args.int64("offset");
  if (!args.rejected()) (*exchange_.*method)(cookie, index, offset);
  return nothing(info);
}

template <void (Exchange::*method)(double, uint32_t)>
Napi::Value ExchangeBinding::without(const Napi::CallbackInfo& info) {
  if (!ready(info)) return nothing(info);
  Arguments args(info);
  const double cookie = args.number("cookie");
  const uint32_t index = args.uint32("log");
  if (!args.rejected()) (*exchange_.*method)(cookie, index);
  return nothing(info);
}

}  // namespace odradek
