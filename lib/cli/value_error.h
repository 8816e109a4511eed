#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace mq::cli {

/// Why a text is not a value, and which part of the text is to blame: bytes [at, at + size). `size` 0 means "here,
/// something is missing".
struct ValueError {
  std::size_t at = 0;
  std::size_t size = 0;
  std::string why;
};

template <class T>
using Parsed = std::expected<T, ValueError>;

template <class... Args>
[[nodiscard]] std::unexpected<ValueError> bad_value(std::size_t at, std::size_t size, fmt::format_string<Args...> text,
                                                    Args&&... args) {
  return std::unexpected(ValueError{.at = at, .size = size, .why = fmt::format(text, std::forward<Args>(args)...)});
}

/// Three lines without a final newline: `PREFIX: WHY`, the text, and `^~~~` under the part to blame. Control bytes of
/// the text are shown escaped, and a long text is cut round the part to blame.
[[nodiscard]] std::string underline(std::string_view prefix, std::string_view text, const ValueError& error);

}  // namespace mq::cli
