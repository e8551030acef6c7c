// The module. State lives in one object per environment, so it loads twice, and in worker threads.

#include <napi.h>

#include "addon/arguments.h"
#include "addon/exchange_binding.h"
#include "base/crc32c.h"

namespace {

Napi::Value crc32c(const Napi::CallbackInfo& info) {
  odradek::Arguments args(info);
  const Napi::Uint8Array bytes = args.bytes("bytes");
  if (args.rejected()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), odradek::crc32c({bytes.Data(), bytes.ByteLength()}));
}

Napi::Object define(Napi::Env env, Napi::Object exports) {
  exports.Set("Exchange", odradek::ExchangeBinding::define(env));
  exports.Set("crc32c", Napi::Function::New<crc32c>(env, "crc32c"));
  return exports;
}

}  // namespace

NODE_API_MODULE(odradek, define)
