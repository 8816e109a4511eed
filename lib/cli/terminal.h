#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/arguments.h"

namespace mq::cli {

/// The rule of `--color`: always, never, or for `auto` a terminal with NO_COLOR unset or empty and TERM not dumb, which
/// FORCE_COLOR or CLICOLOR_FORCE overrule. Colour never carries information alone.
[[nodiscard]] bool use_colour(const Arguments& args, const Environment& environment);

/// Back to the first column and clear to the end of the line.
inline constexpr std::string_view kEraseLine = "\r\x1b[K";

/// The one line of progress on stderr. Decides when and what to write; the caller writes it, and erases it before any
/// other text and at the end.
///
/// Appears after one second, at most four times a second, and only if stderr is a terminal (`--progress=auto`);
/// `plain` writes a line of its own every ten seconds, terminal or not; `never` is silent, and so is --quiet.
class ProgressLine {
 public:
  ProgressLine(const Arguments& args, const Environment& environment, Instant started);

  /// True when a call of `update` would write something: ask before making the text.
  [[nodiscard]] bool due(Instant now) const;
  /// What to write to stderr now; empty when nothing is due. `text` is one line without newline.
  [[nodiscard]] std::string update(std::string_view text, Instant now);

 private:
  enum class Mode : std::uint8_t { off, line, plain };
  Mode mode_;
  Instant next_;
};

/// `TOOL: text` with a newline, for stderr; empty with --quiet, which silences notices but never errors.
[[nodiscard]] std::string notice(const Arguments& args, std::string_view text);
/// `TOOL: text` with a newline, for stderr.
[[nodiscard]] std::string complaint(const Arguments& args, const Error& error);

}  // namespace mq::cli
