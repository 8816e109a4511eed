#pragma once
// The one template of log.h.

#include <memory>

#include "log/log.h"

namespace mq::log {

/// Keeps a segment from waiting for the disk while it lives.
class WaitScope {
 public:
  WaitScope(Segment& segment, Wait wait) : segment_(segment) { segment_.set_wait(wait); }
  ~WaitScope() { segment_.set_wait(Wait::yes); }
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

 private:
  Segment& segment_;
};

template <class Look>
std::invoke_result_t<Look&, Segment&> Log::look_at(const std::shared_ptr<Segment>& segment, Wait wait, Look look) {
  const bool was_open = segment->is_open();
  before_opening(*segment);
  auto seen = [&] {
    const WaitScope scope(*segment, wait);
    return look(*segment);
  }();
  if (!seen && seen.error().code == Errc::would_block) cold_ = segment;
  if (!was_open) segment->release();
  return seen;
}

}  // namespace mq::log
