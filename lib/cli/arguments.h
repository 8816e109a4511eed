#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/exit_code.h"
#include "cli/option.h"
#include "cli/setting.h"
#include "cli/value_error.h"

namespace mq::cli {

/// What a tool finds around itself. `main` fills it; tests write it down.
struct Environment {
  std::map<std::string, std::string, std::less<>> variables;
  /// The text of a configuration file; not_found when there is none, or none that we may get at. Empty function: no
  /// files at all.
  std::function<Result<std::string>(const std::string& path)> read_file;
  std::string host;  ///< for the default client id
  std::int64_t process_id = 0;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
  const TimeContext* now =
      nullptr;  ///< what times on the command line refer to; outlives the Arguments. Null: none are

  [[nodiscard]] std::string_view variable(std::string_view name) const;
};

/// A tool's end before it began: help, a version, or a mistake in the command line. The caller writes both texts.
struct Ending {
  ExitCode code = ExitCode::ok;
  std::string out;
  std::string err;
};

/// Who said so. The later one wins.
enum class Source { fallback, system_file, user_file, profile, environment, setting, option };

/// Its address stands for the type.
template <class T>
inline constexpr char kTypeOf = 0;

/// A checked command line. Names are those of the tool's rows, long or, where there is none, the letter; any other name
/// is a mistake of ours and aborts.
class Arguments {
 public:
  /// Given at least once.
  [[nodiscard]] bool flag(std::string_view name) const { return count(name) > 0; }
  /// How often a flag was given (-vv is 2).
  [[nodiscard]] int count(std::string_view name) const;
  /// There is a value, given or by default.
  [[nodiscard]] bool has(std::string_view name) const;
  /// Someone gave it: there is more than the default.
  [[nodiscard]] bool given(std::string_view name) const;
  [[nodiscard]] Source source(std::string_view name) const;

  /// The last value; "" when there is none.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  /// The values that count: all of a repeatable option, in order, of another the last.
  [[nodiscard]] std::span<const std::string> texts(std::string_view name) const;
  /// The next three need a value (`has`), already checked by `parse`.
  [[nodiscard]] std::int64_t number(std::string_view name) const;
  [[nodiscard]] Duration duration(std::string_view name) const;
  [[nodiscard]] std::uint64_t size(std::string_view name) const;

  /// Puts the values of the rows that say so into members of `options`, which some rows do. A member whose option has
  /// no value stays as it is.
  template <class Options>
  void fill(Options& options) const {
    fill(&options, &kTypeOf<Options>);
  }
  /// Sets one member of a type that its option's values have; not without a value, but for a flag.
  void read(std::string_view name, bool& member) const { member = flag(name); }
  void read(std::string_view name, std::string& member) const;
  void read(std::string_view name, std::vector<std::string>& member) const;
  void read(std::string_view name, Duration& member) const;
  template <std::integral T>
  void read(std::string_view name, T& member) const {
    if (has(name)) member = static_cast<T>(whole(name));
  }
  template <class T>
  void read(std::string_view name, std::optional<T>& member) const {
    if (has(name)) read(name, member.emplace());
  }

  /// What times refer to, as the Environment had it.
  [[nodiscard]] const TimeContext* now() const { return now_; }

  /// The words that are neither options nor the command's name.
  [[nodiscard]] std::span<const std::string> operands() const { return operands_; }
  /// Null for a tool without commands.
  [[nodiscard]] const CommandRow* command() const { return command_; }
  [[nodiscard]] const ToolRow& tool() const { return *tool_; }

  /// The end of a tool that finds a mistake in a value itself, e.g. in a format string. `name` is the long name of the
  /// option, or what the operand is called ("TOPIC").
  [[nodiscard]] Ending usage_error(std::string_view name, std::string_view text, const ValueError& error) const;
  /// The same without a text to underline.
  [[nodiscard]] Ending usage_error(std::string_view why) const;

 private:
  friend class Parser;
  struct Value {
    const OptionRow* row = nullptr;
    Source source = Source::fallback;
    std::vector<std::string> texts;  ///< one for every time it was given
  };
  [[nodiscard]] const Value& value(std::string_view name) const;
  [[nodiscard]] std::uint64_t whole(std::string_view name) const;
  void fill(void* options, const void* type) const;

  const ToolRow* tool_ = nullptr;
  const CommandRow* command_ = nullptr;
  const TimeContext* now_ = nullptr;
  std::vector<Value> values_;
  std::vector<std::string> operands_;
};

template <class Options, class Member>
Options struct_of(Member Options::*);

/// Has the value go to a member, or to the member of a member.
template <auto kMember, auto... kInner>
inline constexpr Destination into{.type = &kTypeOf<decltype(struct_of(kMember))>,
                                  .store = [](void* options, const Arguments& args, std::string_view name) {
                                    auto& outer = static_cast<decltype(struct_of(kMember))*>(options)->*kMember;
                                    args.read(name, (outer.*....*kInner));
                                  }};

/// What `kParse` makes of a text, and of a time if it wants one.
template <auto kParse>
[[nodiscard]] auto parsed(std::string_view text, const TimeContext* now) {
  if constexpr (std::invocable<decltype(kParse), std::string_view, const TimeContext&>) {
    MQ_ASSERT(now != nullptr);
    return kParse(text, *now);
  } else {
    return kParse(text);
  }
}

/// Has what `kParse` makes of the value go there, or of each value when the member is a vector of what it makes. A text
/// that it does not take is none of the option's values.
template <auto kParse, auto kMember, auto... kInner>
inline constexpr Destination parsed_into{
    .type = &kTypeOf<decltype(struct_of(kMember))>,
    .store =
        [](void* options, const Arguments& args, std::string_view name) {
          auto& outer = static_cast<decltype(struct_of(kMember))*>(options)->*kMember;
          auto& member = (outer.*....*kInner);
          using Made = decltype(parsed<kParse>(name, args.now()))::value_type;
          if constexpr (std::same_as<std::remove_reference_t<decltype(member)>, std::vector<Made>>) {
            for (const std::string& text : args.texts(name)) member.push_back(parsed<kParse>(text, args.now()).value());
          } else if (args.has(name)) {
            member = parsed<kParse>(args.text(name), args.now()).value();
          }
        },
    .check = [](std::string_view text, const TimeContext* now) -> Parsed<void> {
      if (auto made = parsed<kParse>(text, now); !made) return std::unexpected(std::move(made).error());
      return {};
    }};

/// Reads a command line as getopt_long does (options and operands mixed, `-abVALUE`, `--name=VALUE`, `--` ends options)
/// but without abbreviations, then adds what -X, the environment and the configuration files say, and checks every
/// value. An Ending is help or version (exit 0) or a usage error (exit 2).
[[nodiscard]] std::expected<Arguments, Ending> parse(const ToolRow& tool, std::span<const std::string> words,
                                                     const Environment& environment);

/// The version every tool prints.
[[nodiscard]] std::string version();

}  // namespace mq::cli
