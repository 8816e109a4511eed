#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/life/plan.h"

namespace mq::sim {

/// A life in a process of its own, so that one that aborts is told like any other.
struct Trial {
  enum class Answer : std::uint8_t {
    kept,
    broken,
    unknown,  ///< too little happened
    aborted,  ///< an invariant did not hold, or it crashed
    hung,     ///< it came to no end
  };
  Answer answer = Answer::aborted;
  std::string text;  ///< what was broken, or the last words
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t operations = 0;
  Duration lived{0};
  std::vector<std::uint32_t> marks;  ///< how often each of `all_marks` was reached

  [[nodiscard]] bool has_failed() const { return answer != Answer::kept && answer != Answer::unknown; }
  /// The same for trials that fail for the same reason: the first line that says why, without its numbers.
  [[nodiscard]] std::string reason() const;
};
[[nodiscard]] const char* to_string(Trial::Answer answer);

/// What to write beside the answer; nothing where a name is empty.
struct TrialFiles {
  std::string history;
  std::string log;
  bool keeps_stderr = false;  ///< last words are said there, not kept for the answer
};

/// Runs trials, at most `jobs` at a time. Not thread-safe.
class Trials {
 public:
  explicit Trials(int jobs);
  ~Trials();
  Trials(const Trials&) = delete;
  Trials& operator=(const Trials&) = delete;

  [[nodiscard]] bool has_room() const { return running_.size() < static_cast<std::size_t>(jobs_); }
  [[nodiscard]] bool is_idle() const { return running_.empty(); }
  /// `has_room()`. The process is forked here, so what it lives stands in `plan`.
  void begin(std::uint64_t tag, const Plan& plan, const TrialFiles& files = {});
  /// Waits for one to end; not `is_idle()`.
  struct Ended {
    std::uint64_t tag = 0;
    Trial trial;
  };
  [[nodiscard]] Ended wait();

 private:
  struct Running;
  int jobs_;
  std::vector<std::unique_ptr<Running>> running_;
};

/// One alone.
[[nodiscard]] Trial try_out(const Plan& plan, const TrialFiles& files = {});

}  // namespace mq::sim
