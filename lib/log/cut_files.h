#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

/// What recovery has cut off a segment and kept beside it, for a person to look at: `BASE.log.POSITION.cut`, or
/// `BASE.log.POSITION.N.cut` when something was cut there before.
struct CutFile {
  Offset base;                 ///< of the segment
  std::uint64_t position = 0;  ///< in it
  int nth = 1;
  std::string name;
  friend auto operator<=>(const CutFile&, const CutFile&) = default;
};

/// Nothing: not such a name.
[[nodiscard]] std::optional<CutFile> parse_cut_name(std::string_view name);
/// The name for what is cut off there now. Behind all that are there, so that their order stays that of their making.
[[nodiscard]] Result<std::string> next_cut_name(env::Files& files, const std::string& directory, Offset base,
                                                std::uint64_t position);

// So much of a partition is kept: a disk that loses power every day must not fill up with what nobody looks at.
inline constexpr std::size_t kCutFilesMax = 16;
inline constexpr std::uint64_t kCutBytesMax = std::uint64_t{64} << 20;

struct KeptCuts {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> removed;  ///< sentences: what went, and why
};

/// Removes what nobody would miss, a copy that was not finished, what holds no whole batch, or the same bytes as
/// another; and over the bounds what lies lowest in the log. The newest stays, however large it is. Pool.
[[nodiscard]] Result<KeptCuts> tidy_cut_files(env::Files& files, const std::string& directory);

}  // namespace mq::log
