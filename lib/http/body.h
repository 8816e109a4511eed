#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace mq::http {

/// Takes the body of a message, in any of its three forms, from the bytes behind a header. Of our own, since Beast's
/// parser asserts what a peer that sends wrong chunks does not keep.
class BodyParser {
 public:
  enum class Form {
    of_length,      ///< so many bytes
    chunked,        ///< pieces, each with its length before it, and trailers, which are passed over
    until_the_end,  ///< all that comes before the connection ends
  };
  enum class State { needs_more, done, malformed, line_too_long, body_too_large };

  struct Limits {
    std::size_t line_bytes_max = 0;             ///< of a chunk's first line and of a trailer
    std::optional<std::size_t> body_bytes_max;  ///< none: it may go on for ever
  };

  BodyParser(Form form, std::uint64_t length, Limits limits);

  /// Reads from the front of `bytes`, appends what is of the body to `body`, and sets `used` to what it will not need
  /// again. After `needs_more`, call it with the rest and what came after it. A header may have made it `done`, or
  /// `body_too_large`, before anything came.
  [[nodiscard]] State parse(BytesView bytes, std::size_t& used, std::string& body);
  /// The connection has ended.
  [[nodiscard]] State end() const { return form_ == Form::until_the_end ? State::done : State::malformed; }

 private:
  /// What comes next of a chunked body.
  enum class Next { size, data, end_of_data, trailer };

  State parse_chunks(BytesView bytes, std::size_t& used, std::string& body);
  [[nodiscard]] State take_line(BytesView line);
  /// Appends what there is of the `left_` bytes that are next.
  State take_data(BytesView bytes, std::size_t& used, std::string& body);

  const Form form_;
  const Limits limits_;
  std::uint64_t left_ = 0;   ///< of the body, or of a chunk
  std::uint64_t taken_ = 0;  ///< of the body
  Next next_ = Next::size;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace mq::http
