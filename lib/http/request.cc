#include "http/request.h"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace mq::http {

namespace beast = boost::beast::http;

struct RequestParser::Parts {
  beast::request_parser<beast::empty_body> parser;
};

RequestParser::RequestParser(std::size_t header_bytes_max) : parts_(std::make_unique<Parts>()) {
  parts_->parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parts_->parser.body_limit(0);
}

RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::parse(BytesView bytes, std::size_t& used) {
  auto& parser = parts_->parser;
  boost::system::error_code error;
  used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::error::need_more) return State::needs_more;
  if (error == beast::error::header_limit) return State::header_too_large;
  if (error == beast::error::body_limit) return State::has_body;
  if (error) return State::malformed;
  if (parser.is_done()) return State::done;
  return parser.is_header_done() ? State::has_body : State::needs_more;
}

Request RequestParser::request() const {
  const auto& message = parts_->parser.get();
  const auto method = message.method_string();
  const auto target = message.target();
  return {.method = std::string(method.data(), method.size()),
          .path = std::string(target.data(), std::min(target.find('?'), target.size())),
          .keep_alive = message.keep_alive()};
}

}  // namespace mq::http
