#pragma once

#include <functional>
#include <utility>

#include "base/assert.h"

namespace mq::broker {

/// Work on the files of one log by their names: while it goes on they keep them. Once the log is retired no work begins
/// any more. One thread.
class FileWork {
 public:
  /// `ended` is called when the last work on a retired log has ended.
  explicit FileWork(std::function<void()> ended) : ended_(std::move(ended)) {}

  void begin() { ++works_; }
  void end() {
    MQ_ASSERT(works_ > 0);
    if (--works_ == 0 && retired_) ended_();
  }
  [[nodiscard]] bool goes_on() const { return works_ > 0; }
  void retire() { retired_ = true; }
  [[nodiscard]] bool is_retired() const { return retired_; }

 private:
  const std::function<void()> ended_;
  int works_ = 0;
  bool retired_ = false;
};

}  // namespace mq::broker
