// One flat-ish JSON object, written in the order it is told. Enough for a result line.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace load {

class Json {
 public:
  Json& number(std::string_view key, double value) {
    char text[40];
    if (!std::isfinite(value)) return member(key, "null");
    std::snprintf(text, sizeof text, "%.6g", value);
    return member(key, text);
  }
  Json& integer(std::string_view key, int64_t value) { return member(key, std::to_string(value)); }
  Json& boolean(std::string_view key, bool value) { return member(key, value ? "true" : "false"); }
  Json& object(std::string_view key, const Json& value) { return member(key, value.text()); }
  Json& string(std::string_view key, std::string_view value) { return member(key, quoted(value)); }

  std::string text() const { return "{" + members_ + "}"; }

 private:
  static std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return out + '"';
  }
  Json& member(std::string_view key, std::string_view value) {
    if (!members_.empty()) members_ += ',';
    members_ += quoted(key);
    members_ += ':';
    members_ += value;
    return *this;
  }

  std::string members_;
};

}  // namespace load
