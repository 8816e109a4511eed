#include "http/response.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <utility>

namespace mq::http {
namespace {

/// A body as it comes. Unlike Beast's string_body it reserves nothing for a length that a header names.
struct GrowingBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(boost::beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t size = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        size += buffer.size();
      }
      return size;
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace

struct ResponseParser::Parts {
  boost::beast::http::response_parser<GrowingBody> parser;
  std::size_t header_bytes_max = 0;
};

ResponseParser::ResponseParser(std::size_t header_bytes_max, std::optional<std::size_t> body_bytes_max)
    : parts_(std::make_unique<Parts>()) {
  parts_->header_bytes_max = header_bytes_max;
  auto& parser = parts_->parser;
  parser.eager(true);
  parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser.body_limit(boost::none);
  if (body_bytes_max) parser.body_limit(*body_bytes_max);
}

ResponseParser::~ResponseParser() = default;

ResponseParser::State ResponseParser::parse(BytesView bytes, std::size_t& used) {
  namespace beast = boost::beast::http;
  auto& parser = parts_->parser;
  boost::system::error_code error;
  used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error == beast::error::header_limit) return State::header_too_large;
  if (error == beast::error::body_limit) return State::body_too_large;
  if (error && error != beast::error::need_more) return State::malformed;
  if (parser.is_done()) return State::done;
  // What it cannot use yet is part of a header, or of a line between two chunks.
  return bytes.size() - used > parts_->header_bytes_max ? State::header_too_large : State::needs_more;
}

ResponseParser::State ResponseParser::end() {
  boost::system::error_code error;
  parts_->parser.put_eof(error);
  return !error && parts_->parser.is_done() ? State::done : State::malformed;
}

bool ResponseParser::has_header() const { return parts_->parser.is_header_done(); }
int ResponseParser::status() const { return static_cast<int>(parts_->parser.get().result_int()); }
bool ResponseParser::keep_alive() const { return parts_->parser.keep_alive(); }
std::string ResponseParser::take_body() { return std::exchange(parts_->parser.get().body(), {}); }

}  // namespace mq::http
