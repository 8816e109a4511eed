#include "base/mark.h"

// The linker names the ends of a section whose name could be one of C. Weak: a program may have no mark at all.
extern "C" {
[[gnu::weak]] extern mq::Mark __start_mq_marks[];  // NOLINT(bugprone-reserved-identifier): the linker's word
[[gnu::weak]] extern mq::Mark __stop_mq_marks[];   // NOLINT(bugprone-reserved-identifier)
}

namespace mq {

std::span<Mark> all_marks() { return {__start_mq_marks, __stop_mq_marks}; }

}  // namespace mq
