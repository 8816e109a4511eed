#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace mq::judge {

/// A value of a JSON text that a `JsonTape` has read. Valid until the tape reads the next one.
class Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, other_number, string, list, object };

  /// What stands on the tape: a value, or the name of a member before its value. Small, as writing tokens is most of
  /// what reading a history costs.
  struct Token {
    Kind kind = Kind::null;
    std::uint32_t end = 0;  ///< of a list or object: the number of the token behind it; of a string: its bytes
    union {
      std::int64_t number = 0;  ///< an integer; 0 or 1; how many elements
      const char* begin;        ///< of a string
    };
    [[nodiscard]] std::string_view text() const { return {begin, end}; }
  };
  /// Goes through the elements of a list, or the members of an object.
  class Iterator;

  Json(const Token* tape, std::uint32_t at) : tape_(tape), at_(at) {}

  [[nodiscard]] Kind kind() const { return token().kind; }
  [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
  [[nodiscard]] bool is_string() const { return kind() == Kind::string; }
  [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
  /// 0 of a string.
  [[nodiscard]] std::int64_t number() const { return is_string() ? 0 : token().number; }
  /// Empty of anything but a string.
  [[nodiscard]] std::string_view text() const { return is_string() ? token().text() : std::string_view{}; }
  /// How many elements or members.
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(token().number); }
  /// An element of a list that has more than `number`; goes past those before it.
  [[nodiscard]] Json operator[](std::size_t number) const;
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;

 private:
  [[nodiscard]] const Token& token() const { return tape_[at_]; }
  [[nodiscard]] std::uint32_t next() const {
    return kind() == Kind::list || kind() == Kind::object ? token().end : at_ + 1;
  }

  const Token* tape_;
  std::uint32_t at_;
};

class Json::Iterator {
 public:
  struct Element {
    std::string_view name;  ///< of a member of an object
    Json value;
  };
  Iterator(const Token* tape, std::uint32_t at, bool has_names) : tape_(tape), at_(at), names_(has_names ? 1 : 0) {}
  [[nodiscard]] Element operator*() const {
    return {names_ ? tape_[at_].text() : std::string_view{}, Json(tape_, at_ + names_)};
  }
  Iterator& operator++() {
    at_ = Json(tape_, at_ + names_).next();
    return *this;
  }
  friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

 private:
  const Token* tape_;
  std::uint32_t at_;
  std::uint32_t names_;
};

inline Json::Iterator Json::begin() const { return {tape_, at_ + 1, kind() == Kind::object}; }
inline Json::Iterator Json::end() const { return {tape_, next(), kind() == Kind::object}; }

inline Json Json::operator[](std::size_t number) const {
  Json element(tape_, at_ + 1);
  for (; number > 0; --number) element.at_ = element.next();
  return element;
}

/// Reads JSON texts one after the other into the same memory. Three times as fast as a tree of values, of which most
/// lines of a history would use each one once.
class JsonTape {
 public:
  JsonTape();
  ~JsonTape();

  /// Reads `text`, which must stay where it is as long as the value is used. Lists and objects are nested 16 deep at
  /// most. corrupt: it is no JSON text; the message says why.
  [[nodiscard]] Result<Json> read(std::string_view text);

 private:
  class Writer;
  std::unique_ptr<Writer> writer_;
};

}  // namespace mq::judge
