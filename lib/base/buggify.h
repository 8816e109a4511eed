#pragma once

namespace mq {

/// A place where a simulated life may be made harder than chance would: a tiny buffer, an early timer, the slow path.
/// Whatever it does must be allowed at any time; only how often it happens is changed.
struct BuggifySite {
  const char* name;
};

/// Decides whether a site fires now. Null, as in every program but simulation: none ever does.
using BuggifyDecision = bool (*)(const BuggifySite& site);
inline constinit BuggifyDecision buggify_decision = nullptr;

}  // namespace mq

/// Whether simulation wants this place to take its rare way now. In production a load and a branch. `NAME` as of
/// MQ_MARK. The idea is FoundationDB's (its testing.rst).
#define MQ_BUGGIFY(NAME) (::mq::buggify_decision != nullptr && ::mq::buggify_decision({.name = NAME}))
