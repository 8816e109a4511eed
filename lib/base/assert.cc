#include "base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace mq {
namespace {

void print(std::string_view line) { std::fwrite(line.data(), 1, line.size(), stderr); }

std::atomic<SayLastWords> say_last_words{print};

}  // namespace

void set_last_words(SayLastWords say) { say_last_words.store(say); }

void assert_failed(const char* fact, std::source_location where) {
  char line[1024];
  const int size = std::snprintf(line, sizeof line, "%s:%u: %s: broken invariant: %s\n", where.file_name(),
                                 where.line(), where.function_name(), fact);
  if (size < 0) std::abort();
  const auto length = static_cast<std::size_t>(size);
  if (length >= sizeof line) line[sizeof line - 2] = '\n';
  say_last_words.load()({line, length < sizeof line ? length : sizeof line - 1});
  std::abort();
}

}  // namespace mq
