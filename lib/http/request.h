#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace mq::http {

struct Request {
  std::string method;
  std::string path;  ///< without the query
  bool keep_alive = false;
};

/// Finds the next request in the bytes of a connection.
class RequestParser {
 public:
  enum class State {
    needs_more,
    done,
    malformed,         ///< 400
    header_too_large,  ///< 431
    has_body,          ///< 413: requests with a body are not taken
  };

  explicit RequestParser(std::size_t header_bytes_max);
  ~RequestParser();

  /// Reads from the front of `bytes` and sets `used` to what it will not need again. After `needs_more`, call it with
  /// the rest and what came after it.
  [[nodiscard]] State parse(BytesView bytes, std::size_t& used);
  /// After `done`.
  [[nodiscard]] Request request() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mq::http
