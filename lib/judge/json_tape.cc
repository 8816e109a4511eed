#include "judge/json_tape.h"

#include <boost/json/basic_parser_impl.hpp>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace mq::judge {
namespace {

constexpr std::size_t kDepthMax = 16;

/// Takes what Boost's parser meets, and puts it on the tape.
struct TapeHandler {
  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::uint32_t>::max() / 2;
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  std::string_view input;
  std::vector<Json::Token> tape;
  std::vector<std::uint32_t> open;  ///< lists and objects whose end has not come
  std::string parts;                ///< of a string with escapes
  std::deque<std::string> decoded;  ///< such strings, whole

  void begin(Json::Kind kind) {
    open.push_back(static_cast<std::uint32_t>(tape.size()));
    tape.push_back({.kind = kind});
  }
  void end(std::size_t count) {
    Json::Token& token = tape[open.back()];
    token.end = static_cast<std::uint32_t>(tape.size());
    token.number = static_cast<std::int64_t>(count);
    open.pop_back();
  }
  void scalar(Json::Kind kind, std::int64_t number) { tape.push_back({.kind = kind, .number = number}); }
  /// What has no escapes is a view of the input; anything else is in memory that the parser uses again.
  void string(std::string_view text) {
    const bool is_input = std::less_equal<>{}(input.data(), text.data()) &&
                          std::less_equal<>{}(text.data() + text.size(), input.data() + input.size());
    this->text(parts.empty() && is_input ? text : decoded.emplace_back(std::exchange(parts, {}).append(text)));
  }
  void text(std::string_view text) {
    tape.push_back({.kind = Json::Kind::string, .end = static_cast<std::uint32_t>(text.size()), .begin = text.data()});
  }
  bool part(string_view text) {
    parts.append(text.data(), text.size());
    return true;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return begin(Json::Kind::object), true; }
  bool on_object_end(std::size_t count, error_code&) { return end(count), true; }
  bool on_array_begin(error_code&) { return begin(Json::Kind::list), true; }
  bool on_array_end(std::size_t count, error_code&) { return end(count), true; }
  bool on_key_part(string_view text, std::size_t, error_code&) { return part(text); }
  bool on_key(string_view text, std::size_t, error_code&) { return string({text.data(), text.size()}), true; }
  bool on_string_part(string_view text, std::size_t, error_code&) { return part(text); }
  bool on_string(string_view text, std::size_t, error_code&) { return string({text.data(), text.size()}), true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, error_code&) { return scalar(Json::Kind::integer, number), true; }
  bool on_uint64(std::uint64_t, string_view, error_code&) { return scalar(Json::Kind::other_number, 0), true; }
  bool on_double(double, string_view, error_code&) { return scalar(Json::Kind::other_number, 0), true; }
  bool on_bool(bool value, error_code&) { return scalar(Json::Kind::boolean, value ? 1 : 0), true; }
  bool on_null(error_code&) { return scalar(Json::Kind::null, 0), true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

/// Puts a text in the plain form on the tape, which nearly every line of a history has: no white space, strings of
/// ASCII without escapes, numbers that are whole and short. Twice as fast as Boost's parser, which gets everything
/// else, and says what is wrong.
class PlainText {
 public:
  PlainText(std::string_view text, TapeHandler& to) : at_(text.data()), end_(at_ + text.size()), to_(to) {}

  /// False: the text is not in that form; what is on the tape means nothing.
  bool read() { return value() && at_ == end_; }

 private:
  static bool is_plain(char byte) { return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\'; }

  bool value() {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"':
        return string();
      case '[':
        return list();
      case '{':
        return object();
      case 't':
        return word("true", Json::Kind::boolean, 1);
      case 'f':
        return word("false", Json::Kind::boolean, 0);
      case 'n':
        return word("null", Json::Kind::null, 0);
      default:
        return integer();
    }
  }
  bool list() {
    return elements(Json::Kind::list, ']', [this] { return value(); });
  }
  bool object() {
    return elements(Json::Kind::object, '}', [this] { return string() && skip(':') && value(); });
  }
  template <class Element>
  bool elements(Json::Kind kind, char close, const Element& element) {
    if (depth_ == kDepthMax) return false;
    ++depth_;
    ++at_;
    const std::size_t begin = to_.tape.size();
    to_.scalar(kind, 0);
    std::int64_t count = 0;
    if (!skip(close)) {
      do {
        if (!element()) return false;
        ++count;
      } while (skip(','));
      if (!skip(close)) return false;
    }
    to_.tape[begin].number = count;
    to_.tape[begin].end = static_cast<std::uint32_t>(to_.tape.size());
    --depth_;
    return true;
  }
  bool string() {
    if (!skip('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && is_plain(*at_)) ++at_;
    to_.text({begin, at_});
    return skip('"');
  }
  bool integer() {
    constexpr std::ptrdiff_t kDigitsMax = 18;  // any such number fits
    const bool is_negative = skip('-');
    const char* const begin = at_;
    std::int64_t number = 0;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9' && at_ - begin < kDigitsMax; ++at_)
      number = number * 10 + (*at_ - '0');
    if (at_ == begin || (*begin == '0' && (is_negative || at_ - begin > 1))) return false;
    to_.scalar(Json::Kind::integer, is_negative ? -number : number);
    // A digit, a point or an exponent behind it is not what follows a value.
    return true;
  }
  bool word(std::string_view text, Json::Kind kind, std::int64_t number) {
    if (!std::string_view(at_, end_).starts_with(text)) return false;
    at_ += text.size();
    to_.scalar(kind, number);
    return true;
  }
  bool skip(char byte) {
    if (at_ == end_ || *at_ != byte) return false;
    ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
  TapeHandler& to_;
  std::size_t depth_ = 0;
};

boost::json::parse_options bounded_options() {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  return options;
}

}  // namespace

class JsonTape::Writer {
 public:
  boost::json::basic_parser<TapeHandler> parser{bounded_options()};
};

JsonTape::JsonTape() : writer_(std::make_unique<Writer>()) {}
JsonTape::~JsonTape() = default;

Result<Json> JsonTape::read(std::string_view text) {
  auto& parser = writer_->parser;
  TapeHandler& handler = parser.handler();
  handler.input = text;
  handler.tape.clear();
  if (PlainText(text, handler).read()) return Json(handler.tape.data(), 0);
  handler.tape.clear();
  handler.open.clear();
  handler.parts.clear();
  handler.decoded.clear();
  parser.reset();
  boost::json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error) return fail(Errc::corrupt, "{}", error.message());
  if (used != text.size()) return fail(Errc::corrupt, "more text after its end");
  return Json(handler.tape.data(), 0);
}

}  // namespace mq::judge
