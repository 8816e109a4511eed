#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/edit_distance.h"
#include "base/version.h"
#include "cli/config_file.h"
#include "cli/escape.h"
#include "cli/help.h"
#include "cli/man_pages.h"
#include "cli/option_words.h"
#include "cli/units.h"
#include "cli/value_check.h"
#include "model/ids.h"

namespace mq::cli {
namespace {

/// Other names of our settings, so that lines from existing clients' configurations work with -X.
constexpr std::pair<std::string_view, std::string_view> kSettingAliases[] = {
    {"bootstrap.servers", "brokers"},
    {"metadata.broker.list", "brokers"},
    {"client.id", "client-id"},
};

std::string_view setting_name(std::string_view key) {
  for (const auto& [alias, name] : kSettingAliases) {
    if (alias == key) return name;
  }
  return key;
}

std::string spelling(const OptionRow& row) {
  return row.long_name.empty() ? std::string("-") + row.short_name : fmt::format("--{}", row.long_name);
}

std::string_view name_of(Source source) {
  switch (source) {
    case Source::fallback:
      return "default";
    case Source::system_file:
      return "system file";
    case Source::user_file:
      return "user file";
    case Source::profile:
      return "profile";
    case Source::environment:
      return "environment";
    case Source::setting:
      return "-X";
    case Source::option:
      return "option";
  }
  return "";
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  append_in_one_line(text.substr(0, 200), out);
  return out + "'";
}

bool has_help(std::span<const std::string> texts) { return std::ranges::find(texts, "help") != texts.end(); }

Ending usage_ending(const ToolRow& tool, std::string_view text) {
  return {
      .code = ExitCode::usage, .out = {}, .err = fmt::format("{}: {}\nTry '{} --help'.\n", tool.name, text, tool.name)};
}

}  // namespace

std::string_view Environment::variable(std::string_view name) const {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string_view{} : found->second;
}

std::string version() { return fmt::format("mq {}", kVersion); }

/// One command line on its way to Arguments.
class Parser {
 public:
  Parser(const ToolRow& tool, const Environment& environment) : tool_(tool), environment_(environment) {
    args_.tool_ = &tool;
    args_.now_ = environment.now;
  }

  std::expected<Arguments, Ending> run(std::span<const std::string> words) {
    if (auto read = read_words({words.begin(), words.end()}); !read) return std::unexpected(std::move(read).error());
    if (auto ending = asked_for_text()) return std::unexpected(*std::move(ending));
    const bool asks_for_settings = tool_.connects && has_help(args_.texts("X"));
    if (auto known = require_command(); !known && !asks_for_settings) return std::unexpected(std::move(known).error());
    if (!broken_relation_.empty()) return wrong(broken_relation_);
    if (auto filled = fill_from_elsewhere(); !filled) return std::unexpected(std::move(filled).error());
    if (auto fine = check_values(); !fine) return std::unexpected(std::move(fine).error());
    if (asks_for_settings) return std::unexpected(Ending{.out = settings_table()});
    if (auto fine = check_operands(); !fine) return std::unexpected(std::move(fine).error());
    if (auto fine = check_needs(); !fine) return std::unexpected(std::move(fine).error());
    return std::move(args_);
  }

 private:
  using Step = std::expected<void, Ending>;

  [[nodiscard]] std::unexpected<Ending> wrong(std::string_view text) const {
    return std::unexpected(usage_ending(tool_, text));
  }

  /// Which options count depends on the command: behind a word of its name all is read again, without that word.
  Step read_words(std::vector<std::string> words) {
    const bool wants_command = !tool_.commands.empty() && args_.command_ == nullptr;
    const auto rows = options_of(tool_, args_.command_);
    OptionWords read = read_options(rows, words, wants_command);
    take_options(rows, read);
    if (!read.unknown.empty()) return unknown_option(read.unknown);
    if (read.wrong != nullptr) return wrong_value(*read.wrong, read.instead);
    broken_relation_ = std::move(read.broken_relation);
    if (!wants_command) args_.operands_ = std::move(read.operands);
    if (!wants_command || read.operands.empty()) return {};
    if (auto known = read_command(read.operands.front()); !known) return known;
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(read.first_operand));
    return read_words(std::move(words));
  }

  void take_options(const std::vector<const OptionRow*>& rows, OptionWords& read) {
    args_.values_.clear();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Source source = read.texts[i].empty() ? Source::fallback : Source::option;
      args_.values_.push_back({.row = rows[i], .source = source, .texts = std::move(read.texts[i])});
    }
  }

  Step read_command(const std::string& word) {
    const std::string name = noun_.empty() ? word : fmt::format("{} {}", noun_, word);
    std::vector<std::string_view> near;
    bool is_noun = false;
    for (const CommandRow* command : tool_.commands) {
      if (command->name == name) {
        args_.command_ = command;
        return {};
      }
      is_noun |= command->name.starts_with(name + " ");
      near.push_back(noun_.empty() ? command->name.substr(0, command->name.find(' ')) : command->name);
    }
    if (is_noun) {
      noun_ = name;
      return {};
    }
    if (const std::string_view meant = nearest_name(name, near); !meant.empty())
      return wrong(fmt::format("no command {}; did you mean '{}'?", quoted(name), meant));
    return wrong(fmt::format("no command {}. {}", quoted(name), what_there_is()));
  }

  Step unknown_option(std::string_view word) const {
    if (word.size() == 2) return wrong(fmt::format("no option {}", quoted(word)));
    const std::string_view name = word.substr(2, word.find('=') - 2);
    std::vector<std::string_view> names;
    for (const auto& v : args_.values_) {
      if (!v.row->long_name.empty()) names.push_back(v.row->long_name);
    }
    const std::string_view meant = nearest_name(name, names);
    return wrong(fmt::format("no option {}{}", quoted(fmt::format("--{}", name)),
                             meant.empty() ? "" : fmt::format("; did you mean '--{}'?", meant)));
  }

  Step wrong_value(const OptionRow& row, std::string_view instead) const {
    if (row.kind == ValueKind::flag) return wrong(fmt::format("{} takes no value", spelling(row)));
    if (instead.empty()) return wrong(fmt::format("{} needs a value: {}", spelling(row), row.value_name));
    return wrong(fmt::format("{0} needs a value: {1}; if {2} is meant, write {0}{3}{2}", spelling(row), row.value_name,
                             quoted(instead), row.long_name.empty() ? "" : "="));
  }

  /// Help and version, which need nothing else to be right.
  std::optional<Ending> asked_for_text() const {
    if (args_.flag("h")) return Ending{.out = short_help(tool_, args_.command_)};
    for (const auto& value : args_.values_) {
      if (value.row->value_help != nullptr && has_help(value.texts))
        return Ending{.out = std::string(value.row->value_help())};
    }
    if (args_.flag("help")) return Ending{.out = long_help(tool_, args_.command_)};
    if (args_.flag("help-json")) return Ending{.out = help_json(tool_)};
    if (args_.has("help-man") && args_.text("help-man").empty()) return Ending{.out = man_page(tool_)};
    if (args_.text("help-man") == "mq-exit") return Ending{.out = exit_page()};
    if (args_.text("help-man") == "mq.conf") return Ending{.out = conf_page()};
    if (args_.text("completion") == "bash") return Ending{.out = completion(tool_, Shell::bash)};
    if (args_.text("completion") == "zsh") return Ending{.out = completion(tool_, Shell::zsh)};
    if (args_.text("completion") == "fish") return Ending{.out = completion(tool_, Shell::fish)};
    if (args_.flag("version")) return Ending{.out = fmt::format("{} ({})\n", tool_.name, version())};
    return std::nullopt;
  }

  Step require_command() const {
    if (tool_.commands.empty() || args_.command_ != nullptr) return {};
    return wrong(fmt::format("{} what? {}", noun_.empty() ? tool_.name : std::string_view(noun_), what_there_is()));
  }

  /// The words that may come next.
  std::string what_there_is() const {
    std::string choices;
    bool is_one = true;
    for (const CommandRow* command : tool_.commands) {
      std::string_view next = command->name;
      if (!noun_.empty() && !next.starts_with(noun_ + " ")) continue;
      if (!noun_.empty()) next.remove_prefix(noun_.size() + 1);
      next = next.substr(0, next.find(' '));
      if (choices.ends_with(next)) continue;  // rows of one noun stand together
      is_one = choices.empty();
      choices += is_one ? "" : ", ";
      choices += next;
    }
    const std::string_view before = noun_.empty() ? "" : " ";
    return fmt::format("There {} {}{}{}", is_one ? "is" : "are", noun_, before, choices);
  }

  Step fill_from_elsewhere() {
    if (auto filled = fill_from_environment(); !filled) return filled;
    if (!tool_.connects) return {};
    if (auto filled = fill_from_settings(); !filled) return filled;
    if (auto filled = fill_from_files(); !filled) return filled;
    Arguments::Value& client_id = value_of("client-id");
    if (client_id.texts.empty()) {
      client_id.texts.push_back(fmt::format("{}@{}:{}", tool_.name, environment_.host, environment_.process_id));
    }
    return {};
  }

  Arguments::Value& value_of(std::string_view name) {
    return *std::ranges::find(args_.values_, name, [](const Arguments::Value& v) { return v.row->long_name; });
  }

  /// Sets a value unless a stronger source has.
  static void offer(Arguments::Value& value, std::string_view text, Source source) {
    if (value.source >= source) return;
    value.source = source;
    value.texts = {std::string(text)};
  }

  Step fill_from_environment() {
    for (auto& value : args_.values_) {
      if (value.row->environment.empty()) continue;
      const std::string_view text = environment_.variable(value.row->environment);
      if (!text.empty()) offer(value, text, Source::environment);
    }
    return {};
  }

  Step fill_from_settings() {
    for (const std::string& text : args_.texts("X")) {
      if (text == "help") continue;
      auto setting = parse_setting(text);
      if (!setting) {
        setting.error().why += "; -X help lists the keys";
        return std::unexpected(args_.usage_error("X", text, setting.error()));
      }
      if (auto set = set_key("-X", setting->first, setting->second, Source::setting); !set) return set;
    }
    return {};
  }

  Step set_key(std::string_view where, std::string_view key, std::string_view text, Source source) {
    const std::string_view name = setting_name(key);
    std::vector<std::string_view> names;
    for (auto& value : args_.values_) {
      if (!is_setting(*value.row)) continue;
      if (value.row->long_name == name) {
        offer(value, text, source);
        return {};
      }
      names.push_back(value.row->long_name);
    }
    const std::string_view meant = nearest_name(key, names);
    return wrong(fmt::format("{}: no setting {}{}", where, quoted(key),
                             meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
  }

  /// Files are read strongest first, because `offer` never weakens.
  Step fill_from_files() {
    if (!environment_.read_file) return {};
    std::string user_path = args_.text("config");
    const bool named = !user_path.empty();
    if (!named) user_path = user_config_path();
    if (!user_path.empty()) {
      if (auto filled = fill_from_file(user_path, named, Source::user_file); !filled) return filled;
    }
    if (named) return {};
    return fill_from_file("/etc/mq/config", false, Source::system_file);
  }

  std::string user_config_path() const {
    // A relative path would mean another file in each directory; the XDG specification has it ignored.
    if (const std::string_view xdg = environment_.variable("XDG_CONFIG_HOME"); xdg.starts_with('/'))
      return fmt::format("{}/mq/config", xdg);
    if (const std::string_view home = environment_.variable("HOME"); home.starts_with('/'))
      return fmt::format("{}/.config/mq/config", home);
    return "";
  }

  Step fill_from_file(const std::string& path, bool must_exist, Source source) {
    auto text = environment_.read_file(path);
    if (!text) {
      if (text.error().code == Errc::not_found && !must_exist) return missing_profile(source);
      return wrong(fmt::format("{}: {}", path, text.error().message));
    }
    const auto file = parse_config_file(*text);
    if (!file) {
      const auto line =
          1 + std::count(text->begin(), text->begin() + static_cast<std::ptrdiff_t>(file.error().at), '\n');
      return wrong(fmt::format("{}:{}: {}", path, line, file.error().why));
    }
    if (source == Source::user_file) {
      if (auto filled = fill_from_profile(path, *file); !filled) return filled;
    }
    for (const auto& [key, value] : file->everybody) {
      if (auto set = set_key(path, key, value, source); !set) return set;
    }
    return {};
  }

  Step fill_from_profile(const std::string& path, const ConfigFile& file) {
    const std::string name = args_.has("profile") ? args_.text("profile") : file.current;
    if (name.empty()) return {};
    const auto found = file.profiles.find(name);
    if (found == file.profiles.end()) return wrong(fmt::format("{} has no [profile {}]", path, name));
    for (const auto& [key, value] : found->second) {
      if (auto set = set_key(path, key, value, Source::profile); !set) return set;
    }
    return {};
  }

  Step missing_profile(Source source) const {
    if (source != Source::user_file || !args_.has("profile")) return {};
    return wrong(fmt::format("no profile {}: there is no configuration file", quoted(args_.text("profile"))));
  }

  Step check_values() {
    for (auto& value : args_.values_) {
      const OptionRow& row = *value.row;
      if (value.texts.empty() && !row.fallback.empty()) value.texts.emplace_back(row.fallback);
      for (const std::string& text : value.texts) {
        if (auto fine = check_value(row, text, environment_.now); !fine)
          return std::unexpected(args_.usage_error(label(value), text, fine.error()));
      }
    }
    return {};
  }

  std::string label(const Arguments::Value& value) const {
    const std::string name(name_of(*value.row));
    if (value.source == Source::environment) return std::string(value.row->environment);
    return value.source == Source::option ? name : fmt::format("{} ({})", name, name_of(value.source));
  }

  [[nodiscard]] bool stands_there(const Arguments::Value& value) const { return value.source == Source::option; }

  /// What is required, alone or for the value of another option.
  Step check_needs() const {
    for (const auto& value : args_.values_) {
      const OptionRow& row = *value.row;
      if (row.required && value.texts.empty())
        return wrong(fmt::format("{} is missing; it takes {}: {}", spelling(row), row.value_name, row.help));
      if (row.above.needs_one.empty() || value.texts.empty()) continue;
      if (args_.number(row.long_name) <= row.above.number) continue;
      if (std::ranges::any_of(listed(row.above.needs_one), [this](auto one) { return holds(term_of(one)); })) continue;
      const std::string& text = value.texts.back();
      return std::unexpected(
          args_.usage_error(label(value), text, {.at = 0, .size = text.size(), .why = to_text(row.above)}));
    }
    return {};
  }

  [[nodiscard]] bool holds(const Term& term) const {
    return term.value ? args_.text(term.name) == *term.value : args_.has(term.name);
  }

  /// Of `allowed`, what is allowed beside the options that are there.
  std::expected<OperandCount, Ending> operands_beside_options(OperandCount allowed) const {
    using Kind = OperandRelation::Kind;
    const bool has_more = args_.operands_.size() > allowed.min;
    bool has_substitute = false;
    for (const auto& value : args_.values_) {
      const auto& [kind, operand] = value.row->operands;
      if (kind == Kind::excludes && has_more && stands_there(value))
        return wrong(fmt::format("{} excludes {}; give one of them", spelling(*value.row), operand));
      if (kind == Kind::enables && has_more && !stands_there(value))
        return wrong(fmt::format("{} requires {}; give both", operand, spelling(*value.row)));
      has_substitute |= kind == Kind::substitutes && stands_there(value);
    }
    if (has_substitute) --allowed.min;
    return allowed;
  }

  Step check_topics(std::size_t count) const {
    for (const std::string& topic : std::span(args_.operands_).first(count))
      if (const char* problem = topic_name_problem(topic))
        return std::unexpected(args_.usage_error("TOPIC", topic, {.at = 0, .size = topic.size(), .why = problem}));
    return {};
  }

  Step check_operands() const {
    const auto counts = operands_beside_options(args_.command_ != nullptr ? args_.command_->operands : tool_.operands);
    if (!counts) return std::unexpected(counts.error());
    const OperandCount& allowed = *counts;
    const std::size_t count = args_.operands_.size();
    if (count > allowed.max)
      return wrong(fmt::format("one operand too many: {}", quoted(args_.operands_[allowed.max])));
    if (count >= allowed.min) return check_topics(std::min(count, allowed.topics));
    const std::string usage = args_.command_ != nullptr
                                  ? fmt::format("{} {}", args_.command_->name, args_.command_->operands_text)
                                  : std::string(tool_.usage.empty() ? "" : tool_.usage.front());
    std::string substitutes;
    for (const auto& value : args_.values_)
      if (value.row->operands.kind == OperandRelation::Kind::substitutes)
        substitutes += (substitutes.empty() ? "; instead does " : " or ") + spelling(*value.row);
    return wrong(fmt::format("an operand is missing; usage: {} {}{}", tool_.name, usage, substitutes));
  }

  /// -X help.
  std::string settings_table() const {
    std::string out = fmt::format("{:<16} {:<16} {:<18} {:<30} {}\n", "name", "value", "default", "current", "source");
    for (const auto& value : args_.values_) {
      const OptionRow& row = *value.row;
      if (!is_setting(row)) continue;
      out += fmt::format("{:<16} {:<16} {:<18} {:<30} {}\n", row.long_name, row.value_name,
                         row.fallback_note.empty() ? row.fallback : row.fallback_note, args_.text(row.long_name),
                         name_of(value.source));
    }
    return out;
  }

  const ToolRow& tool_;
  const Environment& environment_;
  Arguments args_;
  std::string broken_relation_;  ///< told when nobody asks for help
  std::string noun_;             ///< first words of a command whose last is still to come
};

std::expected<Arguments, Ending> parse(const ToolRow& tool, std::span<const std::string> words,
                                       const Environment& environment) {
  return Parser(tool, environment).run(words);
}

const Arguments::Value& Arguments::value(std::string_view name) const {
  const auto found = std::ranges::find(values_, name, [](const Value& v) { return name_of(*v.row); });
  MQ_ASSERT(found != values_.end());  // the caller names an option that its rows lack
  return *found;
}

int Arguments::count(std::string_view name) const { return static_cast<int>(value(name).texts.size()); }

bool Arguments::has(std::string_view name) const {
  const auto found = std::ranges::find(values_, name, [](const Value& v) { return name_of(*v.row); });
  return found != values_.end() && !found->texts.empty();
}

bool Arguments::given(std::string_view name) const { return value(name).source != Source::fallback; }
Source Arguments::source(std::string_view name) const { return value(name).source; }

const std::string& Arguments::text(std::string_view name) const {
  static const std::string kNone;
  const Value& v = value(name);
  return v.texts.empty() ? kNone : v.texts.back();
}

std::span<const std::string> Arguments::texts(std::string_view name) const {
  const Value& v = value(name);
  const std::span<const std::string> all(v.texts);
  return v.row->repeatable || all.empty() ? all : all.last(1);
}

std::int64_t Arguments::number(std::string_view name) const {
  const OptionRow& row = *value(name).row;
  const auto parsed = parse_number(text(name), row.number_min, row.number_max);
  MQ_ASSERT(parsed.has_value());
  return *parsed;
}

Duration Arguments::duration(std::string_view name) const {
  const auto parsed = parse_duration(text(name));
  MQ_ASSERT(parsed.has_value());
  return *parsed;
}

std::uint64_t Arguments::size(std::string_view name) const {
  const auto parsed = parse_size(text(name));
  MQ_ASSERT(parsed.has_value());
  return *parsed;
}

void Arguments::read(std::string_view name, std::string& member) const {
  if (has(name)) member = text(name);
}

void Arguments::read(std::string_view name, std::vector<std::string>& member) const {
  if (has(name)) member.assign(texts(name).begin(), texts(name).end());
}

void Arguments::read(std::string_view name, Duration& member) const {
  if (has(name)) member = duration(name);
}

std::uint64_t Arguments::whole(std::string_view name) const {
  return value(name).row->kind == ValueKind::size ? size(name) : static_cast<std::uint64_t>(number(name));
}

void Arguments::fill(void* options, const void* type) const {
  bool has_any = false;
  for (const Value& v : values_) {
    const Destination& into = v.row->into;
    if (into.type != type) continue;
    into.store(options, *this, name_of(*v.row));
    has_any = true;
  }
  MQ_ASSERT(has_any);  // a struct that none of the rows is about
}

Ending Arguments::usage_error(std::string_view name, std::string_view text, const ValueError& error) const {
  // Behind the name may stand where the value came from.
  const auto row = std::ranges::find_if(values_, [&](const Value& v) {
    return v.row->long_name.empty() ? name == name_of(*v.row) : name.starts_with(v.row->long_name);
  });
  const std::string_view dashes = row == values_.end() ? "" : row->row->long_name.empty() ? "-" : "--";
  return usage_ending(*tool_, underline(fmt::format("{}{}", dashes, name), text, error));
}

Ending Arguments::usage_error(std::string_view why) const { return usage_ending(*tool_, why); }

}  // namespace mq::cli
