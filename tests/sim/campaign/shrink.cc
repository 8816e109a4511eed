#include "campaign/shrink.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/parsed_number.h"

namespace mq::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const Plan& plan, const Trial& failure, int tries_max)
      : plan_(plan), reason_(failure.reason()), tries_max_(tries_max) {
    best_.trial = failure;
  }

  Shrunk run() {
    for (const Fault fault : plan_.faults) {
      Cuts cuts = best_.cuts;
      cuts.without_faults.insert(fault);
      (void)keep_if_failing(std::move(cuts));
    }
    take_out(plan_.clients.size(), &Cuts::without_clients, 1);
    const std::size_t events = cut(plan_, {.without_faults = best_.cuts.without_faults}).events.size();
    if (events > 0) take_out_events();
    return std::move(best_);
  }

 private:
  /// Events are numbered in the whole plan, so those of kinds that are out count as out.
  void take_out_events() {
    for (std::size_t size = (plan_.events.size() + 1) / 2; size > 0; size /= 2)
      take_out(plan_.events.size(), &Cuts::without_events, size);
  }

  void take_out(std::size_t count, std::set<std::size_t> Cuts::* part, std::size_t size) {
    for (std::size_t first = 0; first < count; first += size) {
      Cuts cuts = best_.cuts;
      for (std::size_t at = first; at < std::min(first + size, count); ++at) (cuts.*part).insert(at);
      (void)keep_if_failing(std::move(cuts));
    }
  }

  bool keep_if_failing(Cuts cuts) {
    if (cuts == best_.cuts || best_.tries >= tries_max_) return false;
    ++best_.tries;
    Trial trial = try_out(cut(plan_, cuts));
    if (!trial.has_failed() || trial.reason() != reason_) return false;
    best_.cuts = std::move(cuts);
    best_.trial = std::move(trial);
    return true;
  }

  const Plan& plan_;
  std::string reason_;
  int tries_max_;
  Shrunk best_;
};

}  // namespace

Shrunk shrink(const Plan& plan, const Trial& failure, int tries_max) {
  return Shrinker(plan, failure, tries_max).run();
}

std::string text_of(const std::set<std::size_t>& numbers) {
  std::vector<std::string> ranges;
  for (auto at = numbers.begin(); at != numbers.end();) {
    const std::size_t first = *at;
    std::size_t last = first;
    while (++at != numbers.end() && *at == last + 1) ++last;
    ranges.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  return fmt::format("{}", fmt::join(ranges, ","));
}

Result<std::set<std::size_t>> parse_numbers(std::string_view text) {
  constexpr std::size_t kMax = 1'000'000;
  std::set<std::size_t> numbers;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t dash = part.find('-');
    const auto first = parsed_number<std::size_t>(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parsed_number<std::size_t>(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last > kMax)
      return fail(Errc::invalid_argument, "\"{}\" is no number and no range like 3-7", part);
    for (std::size_t number = *first; number <= *last; ++number) numbers.insert(number);
  }
  return numbers;
}

std::string words_of(const Plan& plan, const Cuts& cuts) {
  std::string words = fmt::format("--seed {} --brokers {}", plan.seed, plan.brokers);
  std::vector<const char*> faults;
  for (const Fault fault : cuts.without_faults) faults.push_back(to_string(fault));
  if (!faults.empty()) words += fmt::format(" --without {}", fmt::join(faults, ","));
  if (!cuts.without_events.empty()) words += " --without-events " + text_of(cuts.without_events);
  if (!cuts.without_clients.empty()) words += " --without-clients " + text_of(cuts.without_clients);
  return words;
}

}  // namespace mq::sim
