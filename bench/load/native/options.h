// Command line options: `--name value`, each asked for by the code that uses it. An option that nobody asked for is a
// mistake, and unused() finds it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace load {

class Options {
 public:
  Options(int count, char** words) {
    for (int i = 0; i < count; i += 2) {
      const std::string name = words[i];
      if (name.rfind("--", 0) != 0 || i + 1 == count) throw std::runtime_error("expected --name value at " + name);
      given_[name.substr(2)] = words[i + 1];
    }
  }

  std::string text(const std::string& name, const std::string& otherwise) {
    asked_.insert(name);
    const auto found = given_.find(name);
    return found == given_.end() ? otherwise : found->second;
  }
  std::string required(const std::string& name) {
    const std::string value = text(name, "");
    if (value.empty()) throw std::runtime_error("--" + name + " is missing");
    return value;
  }
  double number(const std::string& name, double otherwise) {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    char* end = nullptr;
    const double result = std::strtod(value.c_str(), &end);
    if (*end != '\0' || result < 0) throw std::runtime_error("--" + name + " is not a number: " + value);
    return result;
  }
  int64_t integer(const std::string& name, int64_t otherwise) {
    return static_cast<int64_t>(number(name, static_cast<double>(otherwise)));
  }

  /// Numbers with commas between them.
  std::vector<int> integers(const std::string& name) {
    std::vector<int> list;
    const std::string given = text(name, "");
    for (size_t at = 0; at < given.size();) {
      const size_t end = std::min(given.find(',', at), given.size());
      list.push_back(std::stoi(given.substr(at, end - at)));
      at = end + 1;
    }
    return list;
  }

  /// Throws when an option was given that nothing has asked for.
  void refuse_unused() const {
    for (const auto& [name, value] : given_) {
      if (!asked_.contains(name)) throw std::runtime_error("no such option here: --" + name);
    }
  }

 private:
  std::map<std::string, std::string> given_;
  std::set<std::string> asked_;
};

}  // namespace load
