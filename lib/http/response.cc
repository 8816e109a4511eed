#include "http/response.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <utility>

#include "http/body.h"

namespace mq::http {
namespace {

namespace beast = boost::beast::http;

ResponseParser::State state_of(BodyParser::State state) {
  switch (state) {
    case BodyParser::State::needs_more:
      return ResponseParser::State::needs_more;
    case BodyParser::State::done:
      return ResponseParser::State::done;
    case BodyParser::State::malformed:
      return ResponseParser::State::malformed;
    case BodyParser::State::line_too_long:
      return ResponseParser::State::header_too_large;
    case BodyParser::State::body_too_large:
      return ResponseParser::State::body_too_large;
  }
  std::unreachable();
}

bool has_no_body(unsigned status) { return status / 100 == 1 || status == 204 || status == 304; }

}  // namespace

struct ResponseParser::Parts {
  beast::response_parser<beast::empty_body> header;
  BodyParser::Limits limits;
  std::optional<BodyParser> body_parser;  ///< once it has its header
  bool is_until_the_end = false;
  std::string body;
};

ResponseParser::ResponseParser(std::size_t header_bytes_max, std::optional<std::size_t> body_bytes_max)
    : parts_(std::make_unique<Parts>()) {
  parts_->limits = {.line_bytes_max = header_bytes_max, .body_bytes_max = body_bytes_max};
  parts_->header.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parts_->header.body_limit(boost::none);
  parts_->header.skip(true);  // the body is not Beast's
}

ResponseParser::~ResponseParser() = default;

ResponseParser::State ResponseParser::parse(BytesView bytes, std::size_t& used) {
  Parts& parts = *parts_;
  if (parts.body_parser) return state_of(parts.body_parser->parse(bytes, used, parts.body));
  boost::system::error_code error;
  used = parts.header.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::error::header_limit) return State::header_too_large;
  if (error && error != beast::error::need_more) return State::malformed;
  if (!parts.header.is_header_done())
    return bytes.size() - used > parts.limits.line_bytes_max ? State::header_too_large : State::needs_more;
  std::size_t of_the_body = 0;
  begin_body();
  const State state = state_of(parts.body_parser->parse(bytes.substr(used), of_the_body, parts.body));
  used += of_the_body;
  return state;
}

void ResponseParser::begin_body() {
  Parts& parts = *parts_;
  const auto length = parts.header.content_length();
  const bool is_empty = has_no_body(parts.header.get().result_int());
  const auto form = is_empty                 ? BodyParser::Form::of_length
                    : parts.header.chunked() ? BodyParser::Form::chunked
                    : length.has_value()     ? BodyParser::Form::of_length
                                             : BodyParser::Form::until_the_end;
  parts.is_until_the_end = form == BodyParser::Form::until_the_end;
  parts.body_parser.emplace(form, is_empty ? 0 : length.value_or(0), parts.limits);
}

ResponseParser::State ResponseParser::end() {
  return parts_->body_parser ? state_of(parts_->body_parser->end()) : State::malformed;
}

bool ResponseParser::has_header() const { return parts_->body_parser.has_value(); }
int ResponseParser::status() const { return static_cast<int>(parts_->header.get().result_int()); }
bool ResponseParser::keep_alive() const { return parts_->header.keep_alive() && !parts_->is_until_the_end; }
std::string ResponseParser::take_body() { return std::exchange(parts_->body, {}); }

}  // namespace mq::http
