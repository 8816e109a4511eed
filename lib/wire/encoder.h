#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/cursor.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/codec.h"
#include "wire/message.h"
#include "wire/records.h"

namespace mq::wire {

/// True when a tagged field need not be sent.
template <class T>
[[nodiscard]] bool is_default(const T& value, const T& default_value) {
  return value == default_value;
}
template <class T>
[[nodiscard]] bool is_default(const std::vector<T>& value, const std::vector<T>&) {
  return value.empty();
}

/// The visitor of `describe` that appends a message to a string.
class Encoder {
 public:
  /// `errors` may be null.
  Encoder(std::string& out, ApiVersion version, bool flexible, std::vector<ErrorCode>* errors)
      : out_(&out), version_(version), flexible_(flexible), errors_(errors) {}

  template <class T>
  void field(const char*, const T& value, Versions versions = kAlways, Versions nullable = kAlways) {
    if (versions.contains(version_)) put(value, nullable.contains(version_));
  }
  /// A string on our side whose length has four bytes in a classic version.
  template <class T>
  void bytes(const char*, const T& value, Versions versions = kAlways, Versions nullable = kAlways) {
    if (versions.contains(version_)) put_bytes(value, nullable.contains(version_));
  }
  /// Comes after the plain fields of its struct, in the order of the tags.
  template <class T>
  void tagged(std::uint32_t tag, const char*, const T& value, Versions versions, const T& default_value = T{}) {
    if (!versions.contains(version_) || is_default(value, default_value)) return;
    MQ_ASSERT(flexible_ && (tags_.count == 0 || tags_.last < tag));
    std::string alone;
    std::string* outer = std::exchange(out_, &alone);
    put(value, true);
    out_ = outer;
    Writer section(tags_.bytes);
    section.uvarint(tag);
    section.uvarint(alone.size());
    section.bytes(alone);
    tags_.last = tag;
    ++tags_.count;
  }

  template <class S>
  void structure(const S& value) {
    Tags outer = std::exchange(tags_, {});
    // Every visitor gets the struct as if it would change it, so that one describe() serves all; this one does not.
    describe(*this, const_cast<S&>(value));
    if (flexible_) {
      out().uvarint(tags_.count);
      out().bytes(tags_.bytes);
    }
    tags_ = std::move(outer);
  }

  [[nodiscard]] std::vector<Gap>& gaps() { return gaps_; }

 private:
  /// The tagged fields of the struct in progress.
  struct Tags {
    std::uint32_t count = 0;
    std::uint32_t last = 0;
    std::string bytes;
  };

  Writer out() { return Writer(*out_); }

  void put(bool value, bool) { out().be(static_cast<std::uint8_t>(value)); }
  template <std::integral T>
  void put(T value, bool) {
    out().be(value);
  }
  void put(ErrorCode value, bool) {
    if (value != ErrorCode::kNone && errors_ != nullptr) [[unlikely]]
      errors_->push_back(value);
    out().be(static_cast<std::int16_t>(value));
  }
  void put(const Uuid& value, bool) {
    out().bytes({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
  }
  void put(const std::string& value, bool) {
    const std::size_t size = std::min(value.size(), kStringBytesMax);
    flexible_ ? out().uvarint(size + 1) : out().be(static_cast<std::int16_t>(size));
    out().bytes(BytesView(value).substr(0, size));
  }
  void put(const std::optional<std::string>& value, bool nullable) {
    if (value || !nullable) return put(value.value_or(std::string{}), nullable);
    flexible_ ? out().uvarint(0) : out().be(std::int16_t{-1});
  }
  void put(const Records& value, bool nullable) {
    if (value.is_null && nullable) return put_null_length();
    put_length(value.size());
    if (value.external_size > 0) {
      gaps_.push_back({.position = out_->size(), .index = gaps_.size(), .size = value.external_size});
    } else {
      out().bytes(value.bytes);
    }
  }
  template <class T>
  void put(const std::vector<T>& values, bool) {
    put_length(values.size());
    for (const T& value : values) put(value, false);
  }
  template <class T>
  void put(const std::optional<std::vector<T>>& values, bool nullable) {
    if (values) return put(*values, nullable);
    nullable ? put_null_length() : put_length(0);
  }
  template <class S>
  void put(const std::optional<S>& value, bool) {
    out().be(static_cast<std::int8_t>(value ? 1 : -1));
    if (value) structure(*value);
  }
  template <class S>
    requires std::is_class_v<S>
  void put(const S& value, bool) {
    structure(value);
  }

  void put_bytes(const std::string& value, bool) {
    put_length(value.size());
    out().bytes(value);
  }
  void put_bytes(const std::optional<std::string>& value, bool nullable) {
    if (value) return put_bytes(*value, nullable);
    nullable ? put_null_length() : put_length(0);
  }
  void put_length(std::size_t n) { flexible_ ? out().uvarint(n + 1) : out().be(static_cast<std::int32_t>(n)); }
  void put_null_length() { flexible_ ? out().uvarint(0) : out().be(std::int32_t{-1}); }

  std::string* out_;
  ApiVersion version_;
  bool flexible_;
  std::vector<ErrorCode>* errors_;
  Tags tags_;
  std::vector<Gap> gaps_;
};

}  // namespace mq::wire
