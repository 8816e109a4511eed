#pragma once

#include <string_view>

namespace mq {

/// Of the broker, the library and the tools, which come together.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace mq
