// Arguments by name: a wrong one is a TypeError that says which, never a crash.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace odradek {

inline Napi::Value nothing(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }

class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  // True when some argument was wrong; a TypeError is then pending.
  bool rejected() const { return rejected_; }

  double number(const char* name) {
    const Napi::Value value = next();
    if (!value.IsNumber()) return reject(name, "a number"), 0;
    const double number = value.As<Napi::Number>().DoubleValue();
    if (std::isnan(number)) return reject(name, "a number"), 0;
    return number;
  }
  uint32_t uint32(const char* name) {
    const double number = this->number(name);
    if (!(number >= 0 && number <= std::numeric_limits<uint32_t>::max())) return reject(name, "an unsigned 32-bit number"), 0;
    return static_cast<uint32_t>(number);
  }
  int32_t int32(const char* name) {
    const double number = this->number(name);
    if (!(number >= INT32_MIN && number <= INT32_MAX)) return reject(name, "a 32-bit number"), 0;
    return static_cast<int32_t>(number);
  }
  // Offsets and times; what exceeds the range (Kafka's "never" is 2^63 - 1) is clamped to it.
  int64_t int64(const char* name) { return clamp(number(name)); }
  bool boolean(const char* name) {
    const Napi::Value value = next();
    if (!value.IsBoolean()) return reject(name, "a boolean"), false;
    return value.As<Napi::Boolean>().Value();
  }
  std::string string(const char* name) {
    const Napi::Value value = next();
    if (!value.IsString()) return reject(name, "a string"), std::string();
    return value.As<Napi::String>().Utf8Value();
  }
  Napi::Object object(const char* name) {
    const Napi::Value value = next();
    if (!value.IsObject()) return reject(name, "an object"), Napi::Object();
    return value.As<Napi::Object>();
  }
  Napi::Uint8Array bytes(const char* name) {
    const Napi::Value value = next();
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      return reject(name, "a Uint8Array"), Napi::Uint8Array();
    }
    return value.As<Napi::Uint8Array>();
  }
  Napi::Float64Array doubles(const char* name) {
    const Napi::Value value = next();
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      return reject(name, "a Float64Array"), Napi::Float64Array();
    }
    return value.As<Napi::Float64Array>();
  }
  Napi::Function function(const char* name) {
    const Napi::Value value = next();
    if (!value.IsFunction()) return reject(name, "a function"), Napi::Function();
    return value.As<Napi::Function>();
  }

  static int64_t clamp(double number) {
    if (number >= 9.2233720368547e18) return INT64_MAX;
    if (number <= -9.2233720368547e18) return INT64_MIN;
    return static_cast<int64_t>(number);
  }

  void reject(const char* name, const char* wanted) {
    if (rejected_) return;
    rejected_ = true;
    Napi::TypeError::New(info_.Env(), std::string(name) + " must be " + wanted).ThrowAsJavaScriptException();
  }

 private:
  Napi::Value next() { return info_[at_++]; }

  const Napi::CallbackInfo& info_;
  size_t at_ = 0;
  bool rejected_ = false;
};

// Fields of an options object, by name.
class Fields {
 public:
  Fields(Arguments& arguments, Napi::Object object) : arguments_(arguments), object_(object) {}

  int64_t int64(const char* name) {
    const Napi::Value value = object_.Get(name);
    if (!value.IsNumber()) return arguments_.reject(name, "a number"), 0;
    return Arguments::clamp(value.As<Napi::Number>().DoubleValue());
  }
  uint32_t uint32(const char* name) {
    const int64_t number = int64(name);
    if (number < 0 || number > UINT32_MAX) return arguments_.reject(name, "an unsigned 32-bit number"), 0;
    return static_cast<uint32_t>(number);
  }
  int32_t int32(const char* name) {
    const int64_t number = int64(name);
    if (number < INT32_MIN || number > INT32_MAX) return arguments_.reject(name, "a 32-bit number"), 0;
    return static_cast<int32_t>(number);
  }

 private:
  Arguments& arguments_;
  Napi::Object object_;
};

}  // namespace odradek
