#include "cli/terminal.h"

#include <fmt/format.h>

#include "cli/escape.h"

namespace mq::cli {
namespace {

constexpr Duration kFirstAfter = 1s;
constexpr Duration kLineEvery = 250ms;
constexpr Duration kPlainEvery = 10s;

}  // namespace

bool use_colour(const Arguments& args, const Environment& environment) {
  if (args.text("color") != "auto") return args.text("color") == "always";
  const auto is_on = [&](std::string_view name) {
    const std::string_view value = environment.variable(name);
    return !value.empty() && value != "0";
  };
  if (is_on("FORCE_COLOR") || is_on("CLICOLOR_FORCE")) return true;
  return environment.stdout_is_terminal && environment.variable("NO_COLOR").empty() &&
         environment.variable("TERM") != "dumb";
}

ProgressLine::ProgressLine(const Arguments& args, const Environment& environment, Instant started) : mode_(Mode::off) {
  const std::string& how = args.text("progress");
  if (args.flag("quiet") || how == "never") return;
  if (how == "plain") {
    mode_ = Mode::plain;
  } else if (environment.stderr_is_terminal) {
    mode_ = Mode::line;
  }
  next_ = started + (mode_ == Mode::plain ? kPlainEvery : kFirstAfter);
}

bool ProgressLine::due(Instant now) const { return mode_ != Mode::off && now >= next_; }

std::string ProgressLine::update(std::string_view text, Instant now) {
  if (!due(now)) return {};
  next_ = now + (mode_ == Mode::plain ? kPlainEvery : kLineEvery);
  if (mode_ == Mode::plain) return fmt::format("{}\n", text);
  return fmt::format("{}{}", kEraseLine, text);
}

std::string notice(const Arguments& args, std::string_view text) {
  return args.flag("quiet") ? std::string() : fmt::format("{}: {}\n", args.tool().name, text);
}

std::string complaint(const Arguments& args, const Error& error) {
  std::string text;
  append_in_one_line(error.message, text);
  return fmt::format("{}: {}\n", args.tool().name, text);
}

}  // namespace mq::cli
