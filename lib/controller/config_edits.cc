#include "controller/config_edits.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mq::controller {
namespace {

using List = std::vector<std::string>;

/// "a,b" and "b,c" make "a,b,c".
Result<std::string> append_to(const config::OptionRow& row, std::string_view list, std::string_view items) {
  MQ_TRY(const config::Value now, config::parse(row, list));
  MQ_TRY(const config::Value more, config::parse(row, items));
  if (std::get<List>(more).empty()) return fail(Errc::invalid_argument, "{}: nothing to append", row.name);
  List all = std::get<List>(now);
  for (const std::string& item : std::get<List>(more))
    if (std::ranges::find(all, item) == all.end()) all.push_back(item);
  return config::to_text(all);
}

/// "a,b" without "b,c" is "a".
Result<std::string> take_from(const config::OptionRow& row, std::string_view list, std::string_view items) {
  config::OptionRow any = row;
  any.choices = {};  // what cannot be in the list is not
  MQ_TRY(const config::Value now, config::parse(row, list));
  MQ_TRY(const config::Value less, config::parse(any, items));
  List all = std::get<List>(now);
  for (const std::string& item : std::get<List>(less)) std::erase(all, item);
  return config::to_text(all);
}

Result<std::string> edited_list(const ConfigEdit& edit, std::span<const config::OptionRow> table,
                                const config::Overrides& defaults, const config::Overrides& configs) {
  const config::OptionRow* row = config::find_option(table, edit.name);
  if (row == nullptr || row->type != config::OptionType::list)
    return fail(Errc::invalid_argument, "{} is no list", edit.name);
  std::string now(row->fallback);
  if (const auto set = configs.find(edit.name); set != configs.end()) {
    now = set->second;
  } else if (const auto below = defaults.find(edit.name); below != defaults.end()) {
    now = below->second;
  }
  return edit.operation == ConfigEdit::Operation::append ? append_to(*row, now, edit.value)
                                                         : take_from(*row, now, edit.value);
}

}  // namespace

Result<void> apply_edits(std::span<const ConfigEdit> edits, std::span<const config::OptionRow> table,
                         const config::Overrides& defaults, config::Overrides& configs) {
  for (const ConfigEdit& edit : edits) {
    switch (edit.operation) {
      case ConfigEdit::Operation::set:
        configs[edit.name] = edit.value;
        break;
      case ConfigEdit::Operation::unset:
        configs.erase(edit.name);
        break;
      case ConfigEdit::Operation::append:
      case ConfigEdit::Operation::subtract:
        MQ_TRY(configs[edit.name], edited_list(edit, table, defaults, configs));
        break;
    }
  }
  return {};
}

}  // namespace mq::controller
