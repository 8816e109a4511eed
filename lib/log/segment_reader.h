#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

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

/// What stands there is no whole batch of format 2; any other error says that it could not be read.
[[nodiscard]] inline bool is_rot(const Error& error) {
  return error.code == Errc::corrupt_batch || error.code == Errc::unsupported;
}

/// Whether a read may wait for the disk; else it gives would_block where a page is not in the cache.
enum class Wait { yes, no };
[[nodiscard]] inline Result<std::size_t> read_at(env::File& file, std::uint64_t position, char* to, std::size_t size,
                                                 Wait wait) {
  return wait == Wait::yes ? file.read_at(position, to, size) : file.read_cached_at(position, to, size);
}

/// Walks over the batches of a `.log` file with bounded memory: one batch, at least one chunk. Shared by the broker's
/// lookups, recovery, compaction and the offline tools. Checks that each batch is of format 2, ends within the file and
/// begins at or after the end of the one before; when it reads wholes, also the CRC. Keeps a reference to `file`.
class SegmentReader {
 public:
  enum class Mode {
    headers,  ///< reads 4 KiB at a time and skips the records
    wholes,   ///< reads everything and checks CRCs
  };
  /// Over [begin, end); `begin` is the start of a batch. `path` names the file in errors.
  SegmentReader(env::File& file, std::string path, std::uint64_t begin, std::uint64_t end, Mode mode,
                Wait wait = Wait::yes);

  /// The next batch, nothing at the end. corrupt_batch (unsupported, for another format) with `path:position: why`;
  /// then `position()` is still the place of the bad batch, and `skip_to` goes on elsewhere.
  [[nodiscard]] Result<std::optional<BatchAt>> next();
  /// Where the next batch begins.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// The end of the last batch given out: offsets below are refused.
  [[nodiscard]] Offset next_offset() const { return next_offset_; }
  /// Goes on at `position`; offsets may begin anew at `at_least`.
  void skip_to(std::uint64_t position, Offset at_least);

 private:
  Result<BytesView> bytes_at(std::uint64_t position, std::size_t size);
  template <class... Args>
  std::unexpected<Error> bad(Errc code, fmt::format_string<Args...> text, Args&&... args) {
    return fail(code, "{}:{}: {}", path_, position_, fmt::format(text, std::forward<Args>(args)...));
  }

  env::File& file_;
  std::string path_;
  std::uint64_t position_;
  std::uint64_t end_;
  Mode mode_;
  Wait wait_;
  Offset next_offset_{0};
  std::string buffer_;
  std::uint64_t buffer_position_ = 0;
};

/// Looks for the next place in [begin, end) of a damaged file where a whole batch with a good CRC begins, its offset at
/// least `at_least` and below `below`. Nothing: there is none.
[[nodiscard]] Result<std::optional<BatchAt>> find_batch(env::File& file, std::uint64_t begin, std::uint64_t end,
                                                        Offset at_least, Offset below);

}  // namespace mq::log
