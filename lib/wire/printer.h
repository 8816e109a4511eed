#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/error_code.h"
#include "model/ids.h"
#include "wire/encoder.h"
#include "wire/message.h"
#include "wire/records.h"

namespace mq::wire {

/// The visitor of `describe` that writes a line for people. Stops adding at kPrintBytesMax.
class Printer {
 public:
  explicit Printer(ApiVersion version) : version_(version) {}

  template <class T>
  void field(const char* name, const T& value, Versions versions = kAlways, Versions = kAlways) {
    if (!versions.contains(version_) || is_full()) return;
    print_name(name);
    print(value);
  }
  template <class T>
  void bytes(const char* name, const T& value, Versions versions = kAlways, Versions = kAlways) {
    if (!versions.contains(version_) || is_full()) return;
    print_name(name);
    print_bytes(value);
  }
  template <class T>
  void tagged(std::uint32_t, const char* name, const T& value, Versions versions, const T& default_value = T{}) {
    if (!is_default(value, default_value)) field(name, value, versions);
  }

  template <class S>
  void structure(const S& value) {
    out_ += '{';
    is_first_ = true;
    describe(*this, const_cast<S&>(value));
    out_ += '}';
    is_first_ = false;
  }

  /// The line, cut to kPrintBytesMax.
  [[nodiscard]] std::string line() &&;

 private:
  static constexpr std::size_t kElementsMax = 32;
  static constexpr std::size_t kTextBytesMax = 256;

  [[nodiscard]] bool is_full() const { return out_.size() > kPrintBytesMax; }
  void print_name(const char* name);
  void print(bool value) { out_ += value ? "true" : "false"; }
  template <std::integral T>
  void print(T value) {
    out_ += std::to_string(value);
  }
  void print(ErrorCode value);
  void print(const Uuid& value);
  void print(const std::string& value);
  void print(const Records& value);
  template <class T>
  void print(const std::vector<T>& values) {
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      if (i == kElementsMax || is_full()) {
        print_omitted(values.size() - i);
        break;
      }
      print(values[i]);
    }
    out_ += ']';
  }
  template <class T>
  void print(const std::optional<T>& value) {
    value ? print(*value) : print_null();
  }
  template <class S>
    requires std::is_class_v<S>
  void print(const S& value) {
    structure(value);
  }
  void print_bytes(const std::string& value) { print_size(value.size()); }
  void print_bytes(const std::optional<std::string>& value) { value ? print_size(value->size()) : print_null(); }
  void print_null() { out_ += "null"; }
  void print_size(std::size_t size);
  void print_omitted(std::size_t count);

  std::string out_;
  ApiVersion version_;
  bool is_first_ = true;
};

}  // namespace mq::wire
