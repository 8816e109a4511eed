#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/result.h"
#include "model/error_code.h"

namespace mq::client {

/// The error of a broker's answer: Errc::broker with the code, and a sentence that begins with `what` ("topic logs-0").
template <class... Args>
[[nodiscard]] Error broker_error(ErrorCode code, fmt::format_string<Args...> what, Args&&... args) {
  return Error{.code = Errc::broker,
               .message = fmt::format("{}: {}", fmt::format(what, std::forward<Args>(args)...), name_of(code)),
               .kafka_code = static_cast<std::int16_t>(code)};
}
/// Kafka's code of `error`; kNone when it did not come from a broker.
[[nodiscard]] inline ErrorCode code_of(const Error& error) {
  return error.code == Errc::broker ? static_cast<ErrorCode>(error.kafka_code) : ErrorCode::kNone;
}

}  // namespace mq::client
