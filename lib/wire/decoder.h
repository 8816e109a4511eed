#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "base/result.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/codec.h"
#include "wire/message.h"
#include "wire/records.h"

namespace mq::wire {

/// The visitor of `describe` that fills a message from bytes that may be hostile. The first mistake ends it: everything
/// after that is left at its default.
class Decoder {
 public:
  /// `elements_max` bounds all arrays together.
  Decoder(BytesView in, ApiVersion version, bool flexible, std::size_t elements_max)
      : in_(in),
        version_(version),
        flexible_(flexible),
        memory_left_(kMemoryPerByte * in.size() + kMemoryMin),
        elements_left_(elements_max) {}

  template <class T>
  void field(const char* name, T& value, Versions versions = kAlways, Versions nullable = kAlways) {
    if (failed() || !versions.contains(version_)) return;
    field_ = name;
    get(value, nullable.contains(version_));
  }
  template <class T>
  void bytes(const char* name, T& value, Versions versions = kAlways, Versions nullable = kAlways) {
    if (failed() || !versions.contains(version_)) return;
    field_ = name;
    get_bytes(value, nullable.contains(version_));
  }
  template <class T>
  void tagged(std::uint32_t tag, const char* name, T& value, Versions versions, const T& = T{}) {
    if (failed() || !versions.contains(version_)) return;
    open_tags();
    while (tags_.left > 0 && tags_.next < tag) skip_tag();
    if (failed() || tags_.left == 0 || tags_.next != tag) return;
    field_ = name;
    // The field may read its own bytes only, and must read them all.
    Reader outer = std::exchange(in_, Reader(tags_.value));
    get(value, true);
    if (failed()) return;
    if (in_.remaining() > 0) return fail("a tagged field is longer than its contents");
    in_ = outer;
    next_tag();
  }

  template <class S>
  void structure(S& value) {
    const Tags outer = std::exchange(tags_, {});
    describe(*this, value);
    if (flexible_ && !failed()) {
      open_tags();
      while (tags_.left > 0) skip_tag();
    }
    tags_ = outer;
  }

  /// What is not read yet.
  [[nodiscard]] BytesView rest() const { return in_.rest(); }
  [[nodiscard]] bool failed() const { return problem_ != nullptr; }
  /// Why it failed, for a log.
  [[nodiscard]] Error error(std::string_view message) const;

 private:
  // Elements in memory are larger than on the wire: 32 bytes for the empty string, one byte there. This bounds what a
  // request of tiny elements takes; the contents of strings add at most its own size.
  static constexpr std::size_t kMemoryPerByte = 15;
  static constexpr std::size_t kMemoryMin = 1 << 20;

  /// The tagged fields of the struct in progress, in ascending order. `next` and `value` are the front one's while
  /// `left` is above 0.
  struct Tags {
    bool is_open = false;
    std::uint32_t left = 0;
    std::uint32_t next = 0;
    BytesView value;
  };

  /// What an element takes on the wire at least.
  template <class T>
  [[nodiscard]] std::size_t wire_bytes_min() const {
    if constexpr (std::is_integral_v<T>) return sizeof(T);
    if constexpr (std::is_same_v<T, std::string>) return flexible_ ? 1 : 2;
    return 1;
  }

  template <std::integral T>
  T number() {
    if (in_.remaining() < sizeof(T)) return fail("the bytes end too early"), T{};
    return in_.be<T>();
  }
  std::uint32_t uvarint() {
    const std::uint32_t value = in_.uvarint();
    if (in_.failed()) fail("a varint is cut or too long");
    return value;
  }
  BytesView take(std::size_t size) {
    if (size > in_.remaining()) return fail("its length is more than what is left"), BytesView{};
    return in_.take(size);
  }

  void get(bool& value, bool) { value = number<std::int8_t>() != 0; }
  template <std::integral T>
  void get(T& value, bool) {
    value = number<T>();
  }
  void get(ErrorCode& value, bool) { value = static_cast<ErrorCode>(number<std::int16_t>()); }
  void get(Uuid& value, bool) {
    const BytesView raw = take(value.bytes.size());
    for (std::size_t i = 0; i < raw.size(); ++i) value.bytes[i] = static_cast<std::uint8_t>(raw[i]);
  }
  void get(std::string& value, bool) {
    if (const auto size = string_length(false)) value = take(*size);
  }
  void get(std::optional<std::string>& value, bool nullable) {
    const auto size = string_length(nullable);
    value = size ? std::optional<std::string>(take(*size)) : std::nullopt;
  }
  void get(Records& value, bool nullable) {
    const auto size = length(nullable);
    value = size ? Records::of(take(*size)) : Records::null();
  }
  template <class T>
  void get(std::vector<T>& values, bool) {
    if (const auto count = length(false)) get_elements(values, *count);
  }
  template <class T>
  void get(std::optional<std::vector<T>>& values, bool nullable) {
    const auto count = length(nullable);
    values.reset();
    if (count) get_elements(values.emplace(), *count);
  }
  template <class S>
  void get(std::optional<S>& value, bool) {
    value.reset();
    if (number<std::int8_t>() >= 0 && !failed()) structure(value.emplace());
  }
  template <class S>
    requires std::is_class_v<S>
  void get(S& value, bool) {
    structure(value);
  }
  template <class T>
  void get_elements(std::vector<T>& values, std::size_t count) {
    if (count > in_.remaining() / wire_bytes_min<T>()) return fail("more elements than the bytes can hold");
    if (count > memory_left_ / sizeof(T)) return fail("more elements than we keep in memory", Errc::too_large);
    if (count > elements_left_) return fail("more elements than one request may name", Errc::too_large);
    memory_left_ -= count * sizeof(T);
    elements_left_ -= count;
    values.reserve(count);
    for (std::size_t i = 0; i < count && !failed(); ++i) get(values.emplace_back(), false);
  }
  void get_bytes(std::string& value, bool) {
    if (const auto size = length(false)) value = take(*size);
  }
  void get_bytes(std::optional<std::string>& value, bool nullable) {
    const auto size = length(nullable);
    value = size ? std::optional<std::string>(take(*size)) : std::nullopt;
  }

  /// The length of bytes or of an array; nothing for null and for a mistake.
  std::optional<std::size_t> length(bool nullable) {
    return checked_length(flexible_ ? std::int64_t{uvarint()} - 1 : std::int64_t{number<std::int32_t>()}, nullable);
  }
  std::optional<std::size_t> string_length(bool nullable) {
    const auto size =
        checked_length(flexible_ ? std::int64_t{uvarint()} - 1 : std::int64_t{number<std::int16_t>()}, nullable);
    if (size && *size > kStringBytesMax) return fail("a string is longer than 32767 bytes"), std::nullopt;
    return size;
  }
  std::optional<std::size_t> checked_length(std::int64_t n, bool nullable) {
    if (failed() || (n == -1 && nullable)) return std::nullopt;
    if (n < 0) return fail(n == -1 ? "null is not allowed" : "a length is negative"), std::nullopt;
    return static_cast<std::size_t>(n);
  }

  void open_tags();
  void next_tag();
  void skip_tag() {
    field_ = "tagged fields";
    next_tag();
  }
  /// Keeps the first mistake.
  void fail(const char* problem, Errc code = Errc::corrupt) {
    if (failed()) return;
    problem_ = problem;
    code_ = code;
    in_.fail();
    tags_ = {.is_open = true, .left = 0, .next = 0, .value = {}};
  }

  Reader in_;
  ApiVersion version_;
  bool flexible_;
  std::size_t memory_left_;
  std::size_t elements_left_;
  Tags tags_;
  const char* field_ = "";
  const char* problem_ = nullptr;
  Errc code_ = Errc::corrupt;
};

}  // namespace mq::wire
