#include "http/body.h"

#include <algorithm>
#include <limits>
#include <string_view>

namespace mq::http {
namespace {

/// What a chunk's first line says before its extensions; none when that is no number, or one that nobody means.
std::optional<std::uint64_t> chunk_size_of(std::string_view line) {
  constexpr std::size_t kDigitsMax = 15;
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  const std::size_t end = std::min(line.find_first_not_of(kDigits), line.size());
  if (end == 0 || end > kDigitsMax) return std::nullopt;
  if (end < line.size() && line[end] != ';' && line[end] != ' ' && line[end] != '\t') return std::nullopt;
  std::uint64_t size = 0;
  for (const char c : line.substr(0, end)) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    size = size * 16 + static_cast<std::uint64_t>(digit);
  }
  return size;
}

}  // namespace

BodyParser::BodyParser(Form form, std::uint64_t length, Limits limits)
    : form_(form),
      limits_(limits),
      left_(form == Form::until_the_end ? std::numeric_limits<std::uint64_t>::max() : length) {
  if (form == Form::chunked) left_ = 0;
}

BodyParser::State BodyParser::parse(BytesView bytes, std::size_t& used, std::string& body) {
  used = 0;
  if (form_ == Form::chunked) return parse_chunks(bytes, used, body);
  if (form_ == Form::of_length && limits_.body_bytes_max && taken_ + left_ > *limits_.body_bytes_max)
    return State::body_too_large;
  const State state = take_data(bytes, used, body);
  return state == State::needs_more && left_ == 0 ? State::done : state;
}

BodyParser::State BodyParser::take_data(BytesView bytes, std::size_t& used, std::string& body) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
  if (limits_.body_bytes_max && taken_ + size > *limits_.body_bytes_max) return State::body_too_large;
  body += bytes.substr(used, size);
  used += size;
  taken_ += size;
  left_ -= size;
  return State::needs_more;
}

BodyParser::State BodyParser::parse_chunks(BytesView bytes, std::size_t& used, std::string& body) {
  while (true) {
    if (next_ == Next::data) {
      if (const State state = take_data(bytes, used, body); state != State::needs_more || left_ > 0) return state;
      next_ = Next::end_of_data;
    }
    const BytesView rest = bytes.substr(used);
    const std::size_t end = rest.find("\r\n");
    if (std::min(end, rest.size()) > limits_.line_bytes_max) return State::line_too_long;
    if (end == BytesView::npos) return State::needs_more;
    const State state = take_line(rest.substr(0, end));
    used += end + 2;
    if (state != State::needs_more) return state;
  }
}

BodyParser::State BodyParser::take_line(BytesView line) {
  if (next_ == Next::end_of_data) {
    next_ = Next::size;
    return line.empty() ? State::needs_more : State::malformed;
  }
  if (next_ == Next::trailer) {
    trailer_bytes_ += line.size();
    if (trailer_bytes_ > limits_.line_bytes_max) return State::line_too_long;
    return line.empty() ? State::done : State::needs_more;
  }
  const auto size = chunk_size_of(line);
  if (!size) return State::malformed;
  left_ = *size;
  next_ = left_ == 0 ? Next::trailer : Next::data;
  return State::needs_more;
}

}  // namespace mq::http
