#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace mq {

/// A rare branch that simulated lives must reach, and how often it was reached in this process. What is never reached
/// is not tested, whatever else passes.
struct Mark {
  const char* name;
  std::atomic<std::uint32_t> hits{0};

  void hit() { hits.fetch_add(1, std::memory_order_relaxed); }
};

/// All marks of the program, whether reached or not, in the order of their places in it. Any thread.
[[nodiscard]] std::span<Mark> all_marks();

}  // namespace mq

/// Counts that this place was reached. `NAME` is "folder: what happens here", unlike every other. It costs an
/// increment, so it stands where something rare happens, in a source file and outside templates. The linker makes the
/// list.
#define MQ_MARK(NAME)                                                                                            \
  do {                                                                                                           \
    [[gnu::section("mq_marks"), gnu::used, gnu::retain]] static constinit ::mq::Mark mq_mark_here{.name = NAME}; \
    mq_mark_here.hit();                                                                                          \
  } while (false)
