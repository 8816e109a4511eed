#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace mq {

void assert_failed(const char* fact, std::source_location where) {
  std::fprintf(stderr, "%s:%u: %s: broken invariant: %s\n", where.file_name(), where.line(), where.function_name(),
               fact);
  std::abort();
}

}  // namespace mq
