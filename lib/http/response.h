#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace mq::http {

/// Takes a response from the bytes of a connection, piece by piece. What a server sends is not trusted: memory follows
/// the bytes that came, never a length that was announced.
class ResponseParser {
 public:
  enum class State {
    needs_more,
    done,
    malformed,
    header_too_large,  ///< or a line between the chunks of a body
    body_too_large,
  };

  /// Without `body_bytes_max` a body may go on for ever; then `take_body` is called often.
  ResponseParser(std::size_t header_bytes_max, std::optional<std::size_t> body_bytes_max);
  ~ResponseParser();

  /// Reads from the front of `bytes` and sets `used` to what it will not need again. After `needs_more`, call it with
  /// the rest and what came after it.
  [[nodiscard]] State parse(BytesView bytes, std::size_t& used);
  /// The connection has ended: `done` when that is how this response ends, else `malformed`.
  [[nodiscard]] State end();

  [[nodiscard]] bool has_header() const;
  [[nodiscard]] int status() const;       ///< once it has its header
  [[nodiscard]] bool keep_alive() const;  ///< after `done`: the connection takes another request
  /// What has come of the body since the last call.
  [[nodiscard]] std::string take_body();

 private:
  void begin_body();

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace mq::http
