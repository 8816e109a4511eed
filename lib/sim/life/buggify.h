#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/buggify.h"
#include "sim/machine/rng.h"

namespace mq::sim {

/// While one lives, the sites of MQ_BUGGIFY fire as a life's seed says: each is on in a quarter of lives, and then
/// fires a quarter of the times that it is asked. What a site does depends on the seed and its own name only, so that a
/// new site leaves the others as they were. One at a time.
class Buggify {
 public:
  explicit Buggify(std::uint64_t seed);
  Buggify(const Buggify&) = delete;
  Buggify& operator=(const Buggify&) = delete;
  ~Buggify();

 private:
  struct Site {
    Rng rng;
    bool is_on;
  };
  static bool decide(const BuggifySite& site);
  [[nodiscard]] Site& find(const char* name);

  std::uint64_t seed_;
  std::map<std::string_view, Site> sites_;
  boost::unordered_flat_map<const char*, Site*> by_address_;  ///< of `sites_`: a name may be linked more than once
};

}  // namespace mq::sim
