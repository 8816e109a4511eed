#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "command.h"
#include "config_table.h"

namespace mq::mqctl {
namespace {

using client::ResourceType;

constexpr std::pair<std::string_view, ResourceType> kTypes[] = {
    {"topic", ResourceType::topic}, {"broker", ResourceType::broker}, {"group", ResourceType::group}};

/// All brokers together: to Kafka they are a broker without a name.
constexpr std::string_view kAllBrokers = "cluster";

std::string name_of(const Resource& resource) {
  if (resource.first == ResourceType::broker && resource.second.empty()) return std::string(kAllBrokers);
  const auto* const type = std::ranges::find(kTypes, resource.first, [](const auto& row) { return row.second; });
  return fmt::format("{}/{}", type == std::end(kTypes) ? "?" : type->first, resource.second);
}

/// Kafka's ConfigSource in the words of CLI users: default, static (a file), dynamic (set while running), and by what.
std::string_view source_of(std::int8_t source) {
  constexpr std::string_view kNames[] = {
      "unknown", "dynamic topic",         "dynamic broker",         "dynamic default broker", "static",
      "default", "dynamic broker logger", "dynamic client metrics", "dynamic group"};
  return source >= 0 && static_cast<std::size_t>(source) < std::size(kNames) ? kNames[source] : kNames[0];
}

/// `topic/NAME`, `broker/ID` or `cluster`. A mistake is told, and nothing returned.
std::optional<Resource> parse_resource(Console& console, const std::string& text) {
  if (text == kAllBrokers) return Resource{ResourceType::broker, ""};
  const std::size_t slash = text.find('/');
  const std::string_view type = std::string_view(text).substr(0, slash);
  const auto* const row = std::ranges::find(kTypes, type, [](const auto& entry) { return entry.first; });
  const auto wrong = [&](std::size_t at, std::size_t size, std::string why) -> std::optional<Resource> {
    console.usage(console.args().usage_error("TYPE/NAME", text, {.at = at, .size = size, .why = std::move(why)}));
    return std::nullopt;
  };
  if (row == std::end(kTypes)) return wrong(0, type.size(), "there are topic/NAME, broker/ID, cluster and group/NAME");
  if (slash == std::string::npos || slash + 1 == text.size()) return wrong(text.size(), 0, "a name follows: TYPE/NAME");
  return Resource{row->second, text.substr(slash + 1)};
}

constexpr cli::ColumnRow kGetColumns[] = {
    {.name = "resource", .help = "TYPE/NAME, or cluster: all brokers"},
    {.name = "name", .help = "of the setting"},
    {.name = "value", .help = "none when it is not set, or is secret"},
    {.name = "source",
     .help =
         "who set it: default, static (the broker's file or command line), dynamic topic, dynamic broker (for one), "
         "dynamic default broker (for all) and so on"},
    {.name = "read_only", .unit = cli::Unit::yes_no, .help = "whether it cannot be changed while the broker runs"},
    {.name = "sensitive", .unit = cli::Unit::yes_no, .help = "whether its value is secret"},
};

cli::Cell value_cell(const std::optional<std::string>& value) {
  if (!value) return std::monostate{};
  return *value;
}

struct ConfigGetOptions {
  bool changed = false;
};

awaitable<Result<void>> get(Console& console, Remote& remote) {
  const auto operands = console.args().operands();
  const auto resource = parse_resource(console, operands.front());
  if (!resource) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  std::vector<Resource> resources;
  resources.push_back(*resource);
  co_return co_await print_configs(console, remote, std::move(resources),
                                   std::vector<std::string>(operands.begin() + 1, operands.end()),
                                   console.options<ConfigGetOptions>().changed);
}

constexpr cli::ColumnRow kSetColumns[] = {{.name = "resource", .help = "TYPE/NAME"},
                                          {.name = "name", .help = "of the setting"},
                                          {.name = "old", .help = "its value before"},
                                          {.name = "new", .help = "its value now, or as planned"},
                                          {.name = "result", .help = "set, unset, would be set or would be unset"}};

struct ConfigSetOptions {
  std::vector<std::string> unset;
  std::vector<cli::Setting> append;
};

std::optional<std::vector<client::ConfigChange>> changes_of(Console& console) {
  std::vector<client::ConfigChange> changes;
  const cli::Arguments& args = console.args();
  const auto options = console.options<ConfigSetOptions>();
  for (const std::string& operand : args.operands().subspan(1)) {
    const auto setting = cli::parse_setting(operand);
    if (!setting) {
      console.usage(args.usage_error("KEY=VALUE", operand, setting.error()));
      return std::nullopt;
    }
    changes.push_back({.name = setting->first, .op = client::ConfigOp::set, .value = setting->second});
  }
  for (const auto& [name, value] : options.append)
    changes.push_back({.name = name, .op = client::ConfigOp::append, .value = value});
  for (const std::string& name : options.unset)
    changes.push_back({.name = name, .op = client::ConfigOp::remove, .value = std::nullopt});
  for (auto change = changes.begin(); change != changes.end(); ++change) {
    if (std::ranges::find(changes.begin(), change, change->name, &client::ConfigChange::name) == change) continue;
    console.usage(args.usage_error(fmt::format("{} is named twice", change->name)));
    return std::nullopt;
  }
  return changes;
}

using Values = std::map<std::string, std::optional<std::string>>;

awaitable<Result<Values>> values_of(Remote& remote, Resource resource) {
  MQ_CO_TRY(auto configs, co_await remote.admin().describe_configs(resource.first, resource.second, remote.deadline()));
  if (configs.error) co_return fail(*configs.error);
  Values values;
  for (client::ConfigEntry& entry : configs.entries) values[entry.name] = std::move(entry.value);
  co_return values;
}

/// A topic's settings are all there, by default or not, so that a name which is not there is a slip. (A broker takes
/// away what it does not have without a word.)
Result<void> find_names(const Resource& resource, const Values& values,
                        const std::vector<client::ConfigChange>& changes) {
  if (resource.first != ResourceType::topic) return {};
  for (const client::ConfigChange& change : changes)
    if (change.op == client::ConfigOp::remove && !values.contains(change.name))
      return fail(Errc::not_found, "{} has no setting {}", name_of(resource), change.name);
  return {};
}

/// What a value is to be; nothing for one that is taken away, which the broker alone can say.
std::optional<std::string> planned(const client::ConfigChange& change, const std::optional<std::string>& before) {
  if (change.op != client::ConfigOp::append || before.value_or("").empty()) return change.value;
  // As brokers do: what the list has is not added again.
  const std::string list = "," + *before + ",";
  return list.contains("," + change.value.value_or("") + ",") ? before : *before + "," + change.value.value_or("");
}

awaitable<Result<void>> set(Console& console, Remote& remote) {
  const auto resource = parse_resource(console, console.args().operands().front());
  if (!resource) co_return Result<void>{};
  const auto changes = changes_of(console);
  if (!changes) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const Values before, co_await values_of(remote, *resource));
  MQ_CO_CHECK(find_names(*resource, before, *changes));
  const bool dry_run = console.is_dry_run();
  MQ_CO_CHECK(
      co_await remote.admin().alter_configs(resource->first, resource->second, *changes, dry_run, remote.deadline()));
  Values after = before;
  if (!dry_run) {
    MQ_CO_TRY(after, co_await values_of(remote, *resource));
  }
  const auto find = [](const Values& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : found->second;
  };
  cli::TableWriter table = console.table(kSetColumns);
  for (const client::ConfigChange& change : *changes) {
    const bool removed = change.op == client::ConfigOp::remove;
    const auto old_value = find(before, change.name);
    table.add({name_of(*resource), change.name, value_cell(old_value),
               value_cell(dry_run ? planned(change, old_value) : find(after, change.name)),
               std::string(dry_run ? (removed ? "would be unset" : "would be set") : (removed ? "unset" : "set"))});
  }
  co_return co_await console.finish(table);
}

// --- config diff ----------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kDiffColumns[] = {{.name = "name", .help = "of the setting"},
                                           {.name = "first", .help = "its value in the first resource"},
                                           {.name = "second", .help = "its value in the second"}};

awaitable<Result<void>> diff(Console& console, Remote& remote) {
  const auto operands = console.args().operands();
  const auto first = parse_resource(console, operands.front());
  if (!first) co_return Result<void>{};
  const auto second = parse_resource(console, operands.back());
  if (!second) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const Values left, co_await values_of(remote, *first));
  MQ_CO_TRY(const Values right, co_await values_of(remote, *second));
  Values all = left;
  all.insert(right.begin(), right.end());
  cli::TableWriter table = console.table(kDiffColumns);
  const auto value_in = [](const Values& values, const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : found->second;
  };
  for (const auto& [name, value] : all)
    if (value_in(left, name) != value_in(right, name))
      table.add({name, value_cell(value_in(left, name)), value_cell(value_in(right, name))});
  co_return co_await console.finish(table);
}

constexpr cli::Example kDiffExamples[] = {
    {"what two brokers do not have alike", "mqctl config diff broker/1 broker/2"},
    {"why one topic keeps more than another", "mqctl config diff topic/web topic/audit"},
};
constexpr cli::OutputRow kDiffOutputs[] = {{.when = "", .columns = kDiffColumns}};
constexpr cli::CommandRow kDiff{.name = "config diff",
                                .operands_text = "TYPE/NAME TYPE/NAME",
                                .summary = "settings that two topics, brokers or groups do not have alike",
                                .operands = {.min = 2, .max = 2},
                                .options = kOutputRows,
                                .examples = kDiffExamples,
                                .outputs = kDiffOutputs};

// --------------------------------------------------------------------------------------------------------------------

constexpr std::array kGetOwnRows = {
    cli::OptionRow{.long_name = "changed",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "only what is not a default",
                   .into = cli::into<&ConfigGetOptions::changed>},
};
constexpr auto kGetRows = joined(kGetOwnRows, kOutputRows);
constexpr cli::Example kGetExamples[] = {
    {"what differs from the defaults, and who set it", "mqctl config get topic/web --changed"},
    {"two settings of a broker", "mqctl config get broker/1 log.retention.hours log.dirs"},
    {"what is set for all brokers while they run", "mqctl config get cluster"},
};
constexpr cli::OutputRow kGetOutputs[] = {{.when = "", .columns = kGetColumns}};
constexpr cli::CommandRow kGet{
    .name = "config get",
    .operands_text = "TYPE/NAME [KEY]...",
    .summary = "settings of a topic, a broker, all brokers (cluster) or a group, and where they come from",
    .operands = {.min = 1},
    .options = kGetRows,
    .examples = kGetExamples,
    .outputs = kGetOutputs};

constexpr cli::OperandRelation kInsteadOfSetting{.kind = cli::OperandRelation::Kind::substitutes,
                                                 .operand = "KEY=VALUE"};
constexpr std::array kSetOwnRows = {
    cli::OptionRow{.long_name = "unset",
                   .value_name = "KEY",
                   .group = "What",
                   .help = "back to what it is without this resource's own value",
                   .repeatable = true,
                   .operands = kInsteadOfSetting,
                   .into = cli::into<&ConfigSetOptions::unset>},
    cli::OptionRow{.long_name = "append",
                   .value_name = "KEY=VALUE",
                   .group = "What",
                   .help = "add VALUE to a list",
                   .repeatable = true,
                   .operands = kInsteadOfSetting,
                   .into = cli::parsed_into<cli::parse_setting, &ConfigSetOptions::append>},
};
constexpr auto kSetRows = joined(kSetOwnRows, kChangeAndOutputRows);
constexpr cli::Example kSetExamples[] = {
    {"keep records for a day", "mqctl config set topic/web retention.ms=86400000"},
    {"the broker's own value again", "mqctl config set topic/web --unset retention.ms"},
    {"for all brokers, at once and without their files", "mqctl config set cluster log.retention.ms=604800000"},
    {"see more in the log of one", "mqctl config set broker/2 mq.log.level=debug"},
};
constexpr cli::OutputRow kSetOutputs[] = {{.when = "", .columns = kSetColumns}};
constexpr cli::CommandRow kSet{.name = "config set",
                               .operands_text = "TYPE/NAME [KEY=VALUE]...",
                               .summary = "change settings of a topic, a broker, all brokers (cluster) or a group",
                               .operands = {.min = 2},
                               .effect = cli::Effect::changes,
                               .options = kSetRows,
                               .examples = kSetExamples,
                               .outputs = kSetOutputs};
constexpr Command kCommands[] = {{&kGet, get}, {&kSet, set}, {&kDiff, diff}};

}  // namespace

std::span<const Command> config_commands() { return kCommands; }

awaitable<Result<void>> print_configs(Console& console, Remote& remote, std::vector<Resource> resources,
                                      std::vector<std::string> keys, bool only_changed) {
  constexpr std::int8_t kDefaultSource = 5;
  cli::TableWriter table = console.table(kGetColumns);
  for (const Resource& resource : resources) {
    auto configs = co_await remote.admin().describe_configs(resource.first, resource.second, remote.deadline());
    if (!configs || configs->error) {
      console.complain(configs ? *configs->error : configs.error());
      continue;
    }
    std::ranges::sort(configs->entries, {}, &client::ConfigEntry::name);
    for (const client::ConfigEntry& entry : configs->entries) {
      if (!keys.empty() && std::ranges::find(keys, entry.name) == keys.end()) continue;
      if (only_changed && (entry.source == kDefaultSource || entry.is_default)) continue;
      table.add({name_of(resource), entry.name, value_cell(entry.value), std::string(source_of(entry.source)),
                 entry.read_only, entry.sensitive});
    }
    for (const std::string& key : keys)
      if (std::ranges::find(configs->entries, key, &client::ConfigEntry::name) == configs->entries.end())
        console.complain(
            {.code = Errc::not_found, .message = fmt::format("{} has no setting {}", name_of(resource), key)});
  }
  co_return co_await console.finish(table);
}

}  // namespace mq::mqctl
