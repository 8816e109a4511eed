#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/error_code.h"

namespace mq::client {

/// What a code that users meet means, as the rest of a sentence whose subject stands before it: "it does not exist".
/// Empty for all others.
[[nodiscard]] std::string_view meaning_of(ErrorCode code);

/// The error of a broker's answer: Errc::broker with the code, and a sentence that begins with `what` ("topic logs-0").
template <class... Args>
[[nodiscard]] Error broker_error(ErrorCode code, fmt::format_string<Args...> what, Args&&... args) {
  const std::string subject = fmt::format(what, std::forward<Args>(args)...);
  const std::string_view meaning = meaning_of(code);
  return Error{.code = Errc::broker,
               .message = meaning.empty() ? fmt::format("{}: {}", subject, name_of(code))
                                          : fmt::format("{}: {} ({})", subject, meaning, name_of(code)),
               .kafka_code = static_cast<std::int16_t>(code)};
}
/// Kafka's code of `error`; kNone when it did not come from a broker.
[[nodiscard]] inline ErrorCode code_of(const Error& error) {
  return error.code == Errc::broker ? static_cast<ErrorCode>(error.kafka_code) : ErrorCode::kNone;
}

}  // namespace mq::client
