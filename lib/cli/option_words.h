#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/option.h"

namespace mq::cli {

/// What the words of a command line say, before anybody asked what the values mean.
struct OptionWords {
  std::vector<std::vector<std::string>> texts;  ///< for each row what it was given, in order; "" for a flag
  std::vector<std::string> operands;
  std::size_t first_operand = 0;     ///< its place among the words
  std::string unknown;               ///< the first option that no row has: `-x`, `--name` or `--name=VALUE`
  const OptionRow* wrong = nullptr;  ///< ended the reading: a flag with a value, or an option that lacks its own
  std::string instead;               ///< the option that stands where the value should
  std::string broken_relation;       ///< what is said against options that each are right
};

/// Reads words as getopt_long does, but without abbreviations. With `to_first_operand` nothing
/// counts that stands behind it.
[[nodiscard]] OptionWords read_options(OptionRows rows, std::span<const std::string> words, bool to_first_operand);

}  // namespace mq::cli
