#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "posix/process.h"

namespace mq::posix {

/// An environment variable with another value, or none, while it lives.
class Variable {
 public:
  Variable(std::string name, std::optional<std::string> value) : name_(std::move(name)), before_(environment(name_)) {
    set(value);
  }
  ~Variable() { set(before_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name_.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  std::string name_;
  std::optional<std::string> before_;
};

}  // namespace mq::posix
