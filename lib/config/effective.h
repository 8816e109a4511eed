#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/option.h"

namespace mq::config {

/// One place where an option could get its value.
struct Setting {
  std::string name;
  std::optional<std::string> value;
  Source source = Source::fallback;
};

/// An option with the value in force, as DescribeConfigs shows it.
struct Effective {
  const OptionRow* row = nullptr;
  std::optional<std::string> value;  ///< none: unset
  Source source = Source::fallback;
  std::vector<Setting> synonyms;  ///< all that are set, the one in force first
};

/// The topic defaults that `broker` overrides hold under the broker's names, by topic option name.
/// invalid_argument: as `check`, or a product that does not fit (`log.retention.hours`).
[[nodiscard]] Result<Overrides> topic_defaults(const Overrides& broker);

/// Settings of brokers from one place.
struct Layer {
  Source source = Source::static_broker;
  Overrides options;
};
using Layers = std::vector<Layer>;  ///< the first that has an option counts

/// Every topic option. `defaults` are a broker's, by topic option name. Values are spelled as `to_text` does; what
/// cannot be parsed (a later version wrote it) is shown as it is.
[[nodiscard]] std::vector<Effective> layered_topic(const Overrides& topic, const Layers& defaults);
[[nodiscard]] std::vector<Effective> effective_topic(const Overrides& topic, const Overrides& defaults);
[[nodiscard]] std::vector<Effective> layered_broker(const Layers& broker);
[[nodiscard]] std::vector<Effective> effective_broker(const Overrides& broker);

}  // namespace mq::config
