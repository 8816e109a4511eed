#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace mq {

enum class Base64 {
  padded,    ///< with `+` and `/`, and `=` up to a multiple of four characters (RFC 4648, section 4)
  url_safe,  ///< with `-` and `_`, and nothing at the end (section 5)
};

void append_base64(BytesView bytes, Base64 spelling, std::string& out);

/// invalid_argument: not what `append_base64` makes of any bytes. Each value has one spelling only.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text, Base64 spelling);

}  // namespace mq
