#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "model/ids.h"
#include "sequence_ledger.h"

namespace mq::mqbench {

/// What the writing half of `verify` knows and the reading half compares with: which run, where its records begin, what
/// was acknowledged.
struct VerifyMarks {
  struct Key {
    std::uint32_t producer = 0;
    std::int32_t partition = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::uint64_t run = 0;
  std::string topic;
  std::map<std::int32_t, Offset> starts;  ///< of each partition: its end before the run
  std::map<Key, Acknowledged> acknowledged;

  /// Lines of words.
  [[nodiscard]] std::string to_text() const;
  /// invalid_argument: anything but that, or a part of it; the message names the line.
  [[nodiscard]] static Result<VerifyMarks> parse(std::string_view text);
};

}  // namespace mq::mqbench
