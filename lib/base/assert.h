#pragma once

#include <source_location>
#include <string_view>

namespace mq {

/// How last words are said: one line with its end. To standard error, unless somebody knows a way that cannot wait for
/// ever: a pipe that nobody reads must not keep a broken process alive.
using SayLastWords = void (*)(std::string_view line);
void set_last_words(SayLastWords say);

/// Says the broken fact and aborts. Never returns.
[[noreturn]] void assert_failed(const char* fact, std::source_location where = std::source_location::current());

}  // namespace mq

/// States a fact about ourselves. Checked in every build, release too: a broker that knows it is wrong must stop.
/// Bytes from others are never asserted, they are answered with an error.
#define MQ_ASSERT(...)                   \
  do {                                   \
    if (!(__VA_ARGS__)) [[unlikely]]     \
      ::mq::assert_failed(#__VA_ARGS__); \
  } while (false)
