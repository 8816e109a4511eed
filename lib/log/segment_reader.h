#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"
#include "record/batch.h"

namespace mq::log {

/// One batch of a `.log` file.
struct BatchAt {
  std::uint64_t position = 0;
  record::BatchHeader header;
  BytesView bytes;  ///< the whole batch, when the reader reads wholes; valid until the next call

  [[nodiscard]] std::uint64_t end() const { return position + header.size_bytes(); }
  [[nodiscard]] record::BatchView view() const { return {header, bytes}; }
};

/// What stands there is no whole batch of format 2 where it should be, or cannot be read. Any other error says nothing
/// about the file.
[[nodiscard]] inline bool is_damage(const Error& error) {
  return error.code == Errc::corrupt_batch || error.code == Errc::read_failed;
}

/// What is known about the offsets of a segment's batches from elsewhere. No CRC covers what a batch says of its own
/// place, so that is believed only as far as this allows.
struct OffsetRules {
  static constexpr Offset kNone{std::numeric_limits<std::int64_t>::max()};
  /// No batch reaches beyond: the next segment begins there.
  Offset limit = kNone;
  /// Compaction may have left gaps between the offsets below; from here on each batch continues the one before it.
  Offset gaps_end = kNone;
};

/// Damage that is larger ends what a look-up finds of a segment; recovery looks further.
inline constexpr std::uint64_t kDamageSteppedOverMax = std::uint64_t{4} << 20;

/// The last offset that an index names for the batch at a position; nothing: it has no entry for it.
using OffsetWitness = std::function<Result<std::optional<Offset>>(std::uint64_t position)>;

/// Whether a read may wait for the disk; else it gives would_block where a page is not in the cache.
enum class Wait { yes, no };
[[nodiscard]] inline Result<std::size_t> read_at(env::File& file, std::uint64_t position, char* to, std::size_t size,
                                                 Wait wait) {
  return wait == Wait::yes ? file.read_at(position, to, size) : file.read_cached_at(position, to, size);
}

/// Walks over the batches of a `.log` file with bounded memory: one batch, at least one chunk. Shared by the broker's
/// lookups, recovery, compaction and the offline tools. Checks that each batch is of format 2, ends within the file and
/// begins at or after the end of the one before; when it reads wholes, also the CRC. Keeps a reference to `file`.
///
/// With rules it also judges the offsets. Where no gap may be, a batch continues the one before it. Where one may be, a
/// batch behind a gap is believed unless the batch that follows, or the index, says otherwise. Where two batches
/// contradict each other and a third does not settle it, neither is given out: better none than one at a wrong offset.
class SegmentReader {
 public:
  enum class Mode {
    headers,  ///< reads 4 KiB at a time and skips the records
    wholes,   ///< reads everything and checks CRCs
  };
  /// Over [begin, end); `begin` is the start of a batch. `path` names the file in errors.
  SegmentReader(env::File& file, std::string path, std::uint64_t begin, std::uint64_t end, Mode mode,
                Wait wait = Wait::yes);

  /// From now on offsets are judged. `file_end` is the end of what the file holds: the batch behind the last one that
  /// is given out may be asked, too. `skip_to` says where the walk begins.
  void judge_offsets(OffsetRules rules, std::uint64_t file_end, OffsetWitness index = {});

  /// The next batch, nothing at the end. corrupt_batch or read_failed with `path:position: why`; then `position()` is
  /// still the place of the bad batch, and `resume` or `skip_to` goes on elsewhere.
  [[nodiscard]] Result<std::optional<BatchAt>> next();
  /// After such an error: goes to the next batch that is whole, has a good CRC and an offset below `below` that can be
  /// believed. False: there is none in the next `bytes_max` bytes.
  [[nodiscard]] Result<bool> resume(Offset below, std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max());
  /// Where the next batch begins.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// The end of the last batch given out: offsets below are refused.
  [[nodiscard]] Offset next_offset() const { return next_offset_; }
  /// Goes on at `position`; offsets may begin anew at `at_least`.
  void skip_to(std::uint64_t position, Offset at_least);

 private:
  Result<BytesView> bytes_at(std::uint64_t position, std::size_t size);
  /// The header at `position`, of a batch that ends at or before `end`.
  Result<record::BatchHeader> header_at(std::uint64_t position, std::uint64_t end);
  Result<void> check_offset(const record::BatchHeader& header);
  /// The header of what stands behind the batch at `position`; nothing: no batch.
  Result<std::optional<record::BatchHeader>> header_behind(std::uint64_t position, const record::BatchHeader& header);
  Result<bool> can_be_believed(const BatchAt& batch);
  template <class... Args>
  std::unexpected<Error> bad(std::uint64_t position, fmt::format_string<Args...> text, Args&&... args) {
    return fail(Errc::corrupt_batch, "{}:{}: {}", path_, position, fmt::format(text, std::forward<Args>(args)...));
  }

  static constexpr std::uint64_t kNowhere = std::numeric_limits<std::uint64_t>::max();

  env::File& file_;
  std::string path_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::uint64_t file_end_;
  Mode mode_;
  Wait wait_;
  std::optional<OffsetRules> rules_;
  OffsetWitness index_;
  Offset next_offset_{0};
  std::uint64_t doubtful_ = kNowhere;  ///< where a batch stands that an earlier one contradicts
  std::string buffer_;
  std::uint64_t buffer_position_ = 0;
};

/// Looks for the next place in [begin, end) of a damaged file where a whole batch with a good CRC begins, its offset at
/// least `at_least` and below `below`. Nothing: there is none. Pages that cannot be read are passed over.
[[nodiscard]] Result<std::optional<BatchAt>> find_batch(env::File& file, std::uint64_t begin, std::uint64_t end,
                                                        Offset at_least, Offset below, Wait wait = Wait::yes);

}  // namespace mq::log
