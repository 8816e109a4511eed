#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace mq {

/// The seeds that a test of random lives goes through: 1 to `count`, the same in every run; or those that
/// MQ_SEEDS=FIRST:COUNT in the environment names, to search further than every run can (scripts/random_lives.sh).
inline std::vector<std::uint64_t> seeds(std::size_t count) {
  std::uint64_t first = 1;
  if (const char* text = std::getenv("MQ_SEEDS")) {
    const std::string_view wanted = text;
    const char* end = wanted.data() + wanted.size();
    const auto [colon, bad_first] = std::from_chars(wanted.data(), end, first);
    if (bad_first != std::errc{} || colon == end || *colon != ':' || std::from_chars(colon + 1, end, count).ptr != end)
      throw std::invalid_argument("MQ_SEEDS is FIRST:COUNT, as in MQ_SEEDS=5000:200");
  }
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), first);
  return seeds;
}

}  // namespace mq
