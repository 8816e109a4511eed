#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

inline constexpr std::string_view kEpochsFile = "leader-epoch-checkpoint";
/// The CRC of that, which is Kafka's and has no place for it. Ours.
inline constexpr std::string_view kEpochsCrcFile = "mq-epochs-crc";
inline constexpr std::string_view kMetadataFile = "partition.metadata";
/// Compaction came so far: batches below this offset need not continue each other. Ours.
inline constexpr std::string_view kGapsFile = "mq-gaps";
inline constexpr std::string_view kDeletedSuffix = ".deleted";  ///< retired, waits for its removal
inline constexpr std::string_view kCleanedSuffix = ".cleaned";  ///< compaction's output, not finished
inline constexpr std::string_view kSwapSuffix = ".swap";  ///< compaction's output, finished; replaces what it covers
inline constexpr std::string_view kCutSuffix = ".cut";    ///< set aside by recovery, never touched again

/// Of the base offset at the beginning of a segment's names.
inline constexpr std::size_t kOffsetDigits = 20;

/// What these digits say; nothing: a name that does not begin with them.
[[nodiscard]] std::optional<Offset> base_of_name(std::string_view name);

/// What a partition's directory holds, by name. Names that mean nothing to us are left out and left alone.
struct DirectoryContents {
  std::vector<std::pair<Offset, std::uint64_t>> segments;  ///< base offset and bytes of each `.log`, ascending
  std::vector<Offset> snapshots;                           ///< ascending
  std::vector<Offset> ended;                               ///< base offsets of `.mqend`
  std::vector<Offset> swaps;                               ///< base offsets of `.log.swap`, ascending
  std::vector<std::string> unfinished;                     ///< `*.cleaned`, and the rest of a `.swap` without `.log`
  std::vector<std::string> retired;                        ///< `*.deleted`
  bool has_gaps_file = false;
  bool has_cut_files = false;  ///< see `cut_files.h`; also unfinished ones
};

/// not_found: no such directory.
[[nodiscard]] Result<DirectoryContents> read_directory(env::Files& files, const std::string& directory);

/// Whether nothing would be lost with the directory: there is only what the creation of a log writes before its first
/// record, `partition.metadata` and empty files.
[[nodiscard]] Result<bool> is_without_record(env::Files& files, const std::string& directory);

/// `partition.metadata`, as Kafka writes it.
[[nodiscard]] std::string encode_partition_metadata(const Uuid& topic_id);
/// corrupt: not that text.
[[nodiscard]] Result<Uuid> decode_partition_metadata(BytesView text);

/// `mq-gaps` and `BASE.mqend`: a version, an offset and the CRC-32C of these two lines, a line each. Version 0 has
/// none.
[[nodiscard]] std::string encode_gaps_end(Offset end);
/// corrupt: not that text.
[[nodiscard]] Result<Offset> decode_gaps_end(BytesView text);
/// The one at `path`. not_found; corrupt; any error of a read.
[[nodiscard]] Result<Offset> load_gaps_end(env::Files& files, const std::string& path);

}  // namespace mq::log
