#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace mq::record {

/// How the records of a batch are compressed: the low three bits of its attributes.
enum class Codec : std::int8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// Kafka's spelling: none, gzip, snappy, lz4, zstd; "unknown" for a number from the wire that is none of them.
[[nodiscard]] std::string_view name_of(Codec codec);
/// Reads Kafka's spelling. invalid_argument: anything else.
[[nodiscard]] Result<Codec> parse_codec(std::string_view name);
[[nodiscard]] constexpr bool is_known(Codec codec) { return codec >= Codec::none && codec <= Codec::zstd; }

/// The level each library takes for its default.
inline constexpr int kLevelDefault = std::numeric_limits<int>::min();

/// How far hostile bytes may expand. Checked while expanding: what is over it is never made.
struct DecompressLimits {
  std::size_t bytes_max = std::size_t{128} << 20;
  /// Below this the ratio does not matter: a small batch of equal records is no attack.
  std::size_t any_ratio_bytes = std::size_t{1} << 20;
  std::size_t ratio_max = 1024;

  /// The most that `compressed_bytes` may become.
  [[nodiscard]] constexpr std::size_t output_max(std::size_t compressed_bytes) const {
    return std::min(bytes_max, std::max(any_ratio_bytes, compressed_bytes * ratio_max));
  }
};

/// The limits for a topic: 64 times its max.message.bytes, at most 128 MiB.
[[nodiscard]] constexpr DecompressLimits decompress_limits(std::size_t message_bytes_max) {
  constexpr std::size_t kCap = std::size_t{128} << 20;
  return {.bytes_max = message_bytes_max > kCap / 64 ? kCap : message_bytes_max * 64};
}

/// Compresses and decompresses with Kafka's framings: gzip, snappy in xerial's blocks (raw snappy is read too), the lz4
/// frame with independent blocks, zstd. Keeps the libraries' contexts, made when first used, to use them again: a shard
/// or a client owns one. Not thread-safe. Never fails for lack of memory (it aborts).
class Codecs {
 public:
  Codecs();
  ~Codecs();
  Codecs(Codecs&&) noexcept;
  Codecs& operator=(Codecs&&) noexcept;

  /// Appends the compressed form of `raw` to `out`; `none` copies. unsupported: not a known codec; invalid_argument: a
  /// level that the codec does not have.
  Result<void> compress(Codec codec, int level, BytesView raw, std::string& out);

  /// Appends the raw form of `compressed` to `out`. corrupt: not this codec's format, or cut short; too_large: over
  /// `limits`; unsupported: a codec, dictionary or frame option that Kafka's clients do not have. On an error `out`
  /// holds what came before it.
  Result<void> decompress(Codec codec, BytesView compressed, const DecompressLimits& limits, std::string& out);

  /// Begins to decompress piece by piece, for readers that need not hold the whole; forgets an earlier stream.
  /// `compressed` must outlive the stream. Errors as `decompress`, here and from `next_chunk`.
  Result<void> start(Codec codec, BytesView compressed, const DecompressLimits& limits);
  /// The next bytes, valid until the next call on this object; empty at the end of the stream, and only there.
  Result<BytesView> next_chunk();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mq::record
