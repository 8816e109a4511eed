#include "config/live.h"

#include <algorithm>
#include <string>

namespace mq::config {
namespace {

/// The option that another, of the same default in another unit, stands beside; empty: none.
std::string_view plain_option_of(std::string_view scaled) {
  const auto rows = synonyms();
  const auto row = std::ranges::find(rows, scaled, &SynonymRow::broker_option);
  if (row == rows.end() || row->factor == 1) return {};
  const auto plain = std::ranges::find_if(
      rows, [&](const SynonymRow& each) { return each.topic_option == row->topic_option && each.factor == 1; });
  return plain == rows.end() ? std::string_view() : plain->broker_option;
}

Result<void> check_live(std::string_view name, LiveOf whose) {
  const OptionRow* row = find_option(broker_options(), name);
  if (row == nullptr) return {};  // told by who parses it
  if (const std::string_view plain = plain_option_of(name); !plain.empty())
    return fail(Errc::invalid_argument, "{} cannot be set while brokers run; set {} instead", name, plain);
  if (!row->live)
    return fail(Errc::invalid_argument,
                "{} is read when a broker starts: set it in its file or on its command line, and restart it", name);
  if (row->same_everywhere && whose == LiveOf::one)
    return fail(Errc::invalid_argument, "{} is the same for all brokers: set it for all of them, not for one", name);
  return {};
}

}  // namespace

Result<Overrides> checked_live(const Overrides& wanted, LiveOf whose) {
  for (const auto& [name, value] : wanted) MQ_CHECK(check_live(name, whose));
  return normalised(broker_options(), wanted);
}

Overrides usable_live(const Overrides& kept, LiveOf whose) {
  Overrides usable;
  for (const auto& [name, value] : kept)
    if (checked_live({{name, value}}, whose)) usable.emplace(name, value);
  return usable;
}

}  // namespace mq::config
