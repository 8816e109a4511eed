#include "config/effective.h"

#include <utility>

#include "base/assert.h"

namespace mq::config {
namespace {

/// `text` of the broker's option, in the topic option's unit.
Result<std::string> in_topic_unit(const SynonymRow& synonym, const std::string& text) {
  MQ_TRY(const Value value, parse_option(broker_options(), synonym.broker_option, text));
  if (synonym.factor == 1) return to_text(value);
  const auto number = std::get<std::int64_t>(value);
  if (number < 0) return fmt::format("{}", number);  // "without limit", whatever the unit
  std::int64_t product = 0;
  if (__builtin_mul_overflow(number, synonym.factor, &product))
    return fail(Errc::invalid_argument, "{} cannot be '{}': too large", synonym.broker_option, text);
  return fmt::format("{}", product);
}

void put_setting(Effective& option, std::string_view name, std::string_view text, Source source) {
  const auto parsed = parse(*option.row, text);
  std::string value = parsed ? to_text(*parsed) : std::string(text);
  if (option.synonyms.empty()) {
    option.value = value;
    option.source = source;
  }
  option.synonyms.push_back({.name = std::string(name), .value = std::move(value), .source = source});
}

/// The name under which Kafka shows the default of a topic option.
std::string_view broker_name(std::string_view topic_option) {
  for (const SynonymRow& synonym : synonyms()) {
    if (synonym.topic_option == topic_option) return synonym.broker_option;
  }
  return topic_option;
}

}  // namespace

Result<Overrides> topic_defaults(const Overrides& broker) {
  Overrides defaults;
  for (const SynonymRow& synonym : synonyms()) {
    const auto set = broker.find(std::string(synonym.broker_option));
    if (set == broker.end()) continue;
    MQ_TRY(std::string value, in_topic_unit(synonym, set->second));
    defaults.try_emplace(std::string(synonym.topic_option), std::move(value));
  }
  return defaults;
}

std::vector<Effective> effective_topic(const Overrides& topic, const Overrides& defaults) {
  return layered_topic(topic, Layers{{.source = Source::static_broker, .options = defaults}});
}

std::vector<Effective> layered_topic(const Overrides& topic, const Layers& defaults) {
  std::vector<Effective> options;
  for (const OptionRow& row : topic_options()) {
    Effective& option = options.emplace_back();
    option.row = &row;
    const std::string name(row.name);
    if (const auto set = topic.find(name); set != topic.end()) put_setting(option, name, set->second, Source::topic);
    const std::string_view below = broker_name(row.name);
    for (const Layer& layer : defaults)
      if (const auto set = layer.options.find(name); set != layer.options.end())
        put_setting(option, below, set->second, layer.source);
    put_setting(option, below, row.fallback, Source::fallback);
  }
  return options;
}

std::vector<Effective> effective_broker(const Overrides& broker) {
  return layered_broker(Layers{{.source = Source::static_broker, .options = broker}});
}

std::vector<Effective> layered_broker(const Layers& broker) {
  std::vector<Effective> options;
  for (const OptionRow& row : broker_options()) {
    Effective& option = options.emplace_back();
    option.row = &row;
    for (const Layer& layer : broker)
      if (const auto set = layer.options.find(std::string(row.name)); set != layer.options.end())
        put_setting(option, row.name, set->second, layer.source);
    if (!row.may_be_unset) put_setting(option, row.name, row.fallback, Source::fallback);
  }
  return options;
}

}  // namespace mq::config
