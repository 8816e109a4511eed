#pragma once

#include <source_location>

namespace mq {

/// Prints the broken fact and aborts. Never returns.
[[noreturn]] void assert_failed(const char* fact, std::source_location where = std::source_location::current());

}  // namespace mq

/// States a fact about ourselves. Checked in every build, release too: a broker that knows it is wrong must stop.
/// Bytes from others are never asserted, they are answered with an error.
#define MQ_ASSERT(...)                   \
  do {                                   \
    if (!(__VA_ARGS__)) [[unlikely]]     \
      ::mq::assert_failed(#__VA_ARGS__); \
  } while (false)
