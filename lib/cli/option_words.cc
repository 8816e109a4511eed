#include "cli/option_words.h"

// The only file that knows CLI11. Its checks of paths are not for us.
#define CLI11_HAS_FILESYSTEM 0
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace mq::cli {
namespace {

/// CLI11 would take `--name=` for `--name`, and the end of `-q-x` for `--x`. A byte that no word of a command line has
/// keeps it from both, and tells a value behind an equals sign from a word of its own.
constexpr char kMark = '\0';

std::string marked(std::string word, std::string_view flags) {
  if (const auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos)
    word.insert(equals + 1, 1, kMark);
  const auto behind_flags = word.find_first_not_of(flags, 1);
  if (word.starts_with('-') && behind_flags != std::string::npos && behind_flags > 1 && word[behind_flags] == '-')
    word.insert(behind_flags, 1, kMark);
  return word;
}

std::string unmarked(std::string word) {
  std::erase(word, kMark);
  return word;
}

/// The names of a row as CLI11 wants them: `-d,--delimiter`.
std::string names_of(const OptionRow& row) {
  std::string names;
  if (row.short_name != 0) names = {'-', row.short_name, ','};
  return row.long_name.empty() ? names : names.append("--").append(row.long_name);
}

class OptionReader {
 public:
  OptionReader(OptionRows rows, std::span<const std::string> words) : rows_(rows) {
    found_.texts.resize(rows.size());
    std::string flags;
    for (const OptionRow* row : rows)
      if (row->kind == ValueKind::flag && row->short_name != 0) flags += row->short_name;
    for (const std::string& word : words) words_.push_back(marked(word, flags));
    words_.emplace_back(1, kMark);  // an option that takes this one lacks a value
  }

  OptionWords read(bool to_first_operand) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    app.prefix_command(to_first_operand);
    for (std::size_t i = 0; i < rows_.size(); ++i) add_option(app, i);
    for (const OptionRow* row : rows_) add_relations(app, *row);

    left_.assign(words_.rbegin(), words_.rend());
    try {
      app.parse(left_);
    } catch (const CLI::ConversionError&) {
      // `take` noted why.
    } catch (const CLI::RequiresError& error) {
      found_.broken_relation = std::string(error.what()) + "; give both";
    } catch (const CLI::ExcludesError& error) {
      found_.broken_relation = std::string(error.what()) + "; give one of them";
    }
    sort_out(app.remaining(), to_first_operand);
    return std::move(found_);
  }

 private:
  void add_option(CLI::App& app, std::size_t i) {
    CLI::Option* option = app.add_option(
        names_of(*rows_[i]), [this, &app, i](const CLI::results_t& texts) { return take(app, i, texts.back()); });
    option->trigger_on_parse();
    if (stands_alone(*rows_[i])) option->expected(0);
  }

  static CLI::Option* option_named(CLI::App& app, std::string_view long_name) {
    return app.get_option("--" + std::string(long_name));
  }

  static void add_relations(CLI::App& app, const OptionRow& row) {
    for (const std::string_view other : listed(row.needs))
      option_named(app, row.long_name)->needs(option_named(app, other));
    for (const std::string_view other : listed(row.excludes))
      option_named(app, row.long_name)->excludes(option_named(app, other));
  }

  static bool stands_alone(const OptionRow& row) { return row.kind == ValueKind::flag || row.value_optional; }

  /// Tells operands from mistyped options among the words that CLI11 made nothing of.
  void sort_out(const std::vector<std::string>& rest, bool to_first_operand) {
    bool options_end = false;
    for (std::size_t i = 0; i < rest.size() && rest[i] != words_.back(); ++i) {
      const std::string& word = rest[i];
      if (!options_end && word == "--") {
        options_end = true;
      } else if (!options_end && word.size() > 1 && word.starts_with('-')) {
        const std::string plain = unmarked(word);
        found_.unknown = word.starts_with("--") ? plain : plain.substr(0, 2);
        return;
      } else {
        found_.operands.push_back(unmarked(word));
        if (!to_first_operand) continue;
        found_.first_operand = words_.size() - (rest.size() - i);
        return;
      }
    }
  }

  /// Notes a value; false ends the reading.
  bool take(const CLI::App& app, std::size_t i, const std::string& text) {
    const OptionRow& row = *rows_[i];
    const bool is_attached = text.starts_with(kMark);
    if (row.kind == ValueKind::flag ? is_attached : !row.value_optional && lacks_value(app, text)) {
      found_.wrong = &row;
      if (!left_.empty()) found_.instead = unmarked(text);
      return false;
    }
    found_.texts[i].push_back(stands_alone(row) && !is_attached ? "" : unmarked(text));
    return true;
  }

  /// `-D --help` asks for help; a value that looks like an option has to be attached.
  bool lacks_value(const CLI::App& app, const std::string& text) const {
    const std::string& word = words_[words_.size() - left_.size() - 1];
    return left_.empty() || (text == word && text.starts_with("--") && text.size() > 2 &&
                             app.get_option_no_throw(text.substr(0, text.find('='))) != nullptr);
  }

  OptionRows rows_;
  std::vector<std::string> words_;
  std::vector<std::string> left_;  ///< what CLI11 has not taken yet, the next one at the end
  OptionWords found_;
};

}  // namespace

OptionWords read_options(OptionRows rows, std::span<const std::string> words, bool to_first_operand) {
  return OptionReader(rows, words).read(to_first_operand);
}

}  // namespace mq::cli
