#include "config/reload.h"

#include "config/broker_config.h"
#include "config/effective.h"
#include "config/topic_config.h"

namespace mq::config {
namespace {

/// A broker's settings make sense each, together, and as defaults of topics.
Result<void> check_whole(const Overrides& options) {
  MQ_TRY(const BrokerConfig broker, resolve_broker_config(options));
  MQ_TRY(const Overrides defaults, topic_defaults(options));
  MQ_TRY(const TopicConfig topic, resolve_topic_config({}, defaults));
  (void)broker, (void)topic;
  return {};
}

}  // namespace

Result<Reload> plan_reload(const Overrides& running_as_written, const Overrides& wanted_as_written) {
  MQ_TRY(const Overrides running, normalised(broker_options(), running_as_written));
  MQ_TRY(const Overrides wanted, normalised(broker_options(), wanted_as_written));
  MQ_CHECK(check_whole(wanted));
  Reload reload{.options = running, .taken = {}, .left = {}};
  for (const OptionRow& row : broker_options()) {
    const std::string name(row.name);
    const auto before = running.find(name);
    const auto after = wanted.find(name);
    const bool is_same =
        before == running.end() ? after == wanted.end() : after != wanted.end() && before->second == after->second;
    if (is_same) continue;
    (row.dynamic ? reload.taken : reload.left).push_back(name);
    if (!row.dynamic) continue;
    if (after == wanted.end()) {
      reload.options.erase(name);
    } else {
      reload.options[name] = after->second;
    }
  }
  MQ_CHECK(check_whole(reload.options));
  return reload;
}

}  // namespace mq::config
