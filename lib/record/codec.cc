#include "record/codec.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"

namespace mq::record {
namespace {

constexpr std::array<std::string_view, 5> kNames{"none", "gzip", "snappy", "lz4", "zstd"};
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
/// A buffer for a snappy block larger than this is given back before the next stream.
constexpr std::size_t kBlockBytesKept = std::size_t{1} << 20;
constexpr int kZstdWindowLogMax = 23;

/// xerial's frame for snappy: this, two 32-bit versions, then blocks behind their 32-bit lengths.
constexpr BytesView kXerialMagic{"\x82SNAPPY\0", 8};
constexpr std::size_t kXerialHeaderBytes = 16;
constexpr std::size_t kXerialBlockBytes = std::size_t{32} << 10;
/// Snappy's best case is 64 bytes out of a copy of three; a block that claims more than this is a lie.
constexpr std::size_t kSnappyRatioMax = 64;

constexpr std::uint32_t kLz4MagicLittleEndian = 0x184D2204;

struct LevelRange {
  int min;
  int max;
  int usual;
};
/// Kafka's ranges; what it calls the default.
constexpr LevelRange level_range(Codec codec) {
  switch (codec) {
    case Codec::gzip:
      return {1, 9, Z_DEFAULT_COMPRESSION};
    case Codec::lz4:
      return {1, 17, 0};
    case Codec::zstd:
      return {-131072, 22, 3};
    case Codec::none:
    case Codec::snappy:
      break;
  }
  return {0, 0, 0};
}

/// Appends at most `room` bytes that `write(char* to)` makes; it returns how many those are.
template <class Write>
void append_with(std::string& out, std::size_t room, Write&& write) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + room, [&](char* data, std::size_t) { return before + write(data + before); });
}

void compress_snappy(BytesView raw, std::string& out) {
  out.append(kXerialMagic);
  Writer writer(out);
  writer.be<std::int32_t>(1);  // version
  writer.be<std::int32_t>(1);  // oldest version that can read it
  for (std::size_t at = 0; at < raw.size(); at += kXerialBlockBytes) {
    const BytesView block = raw.substr(at, kXerialBlockBytes);
    const std::size_t length_at = out.size();
    writer.be<std::int32_t>(0);
    append_with(out, snappy::MaxCompressedLength(block.size()), [&](char* to) {
      std::size_t used = 0;
      snappy::RawCompress(block.data(), block.size(), to, &used);
      return used;
    });
    store_be(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - sizeof(std::int32_t)));
  }
}

void compress_lz4(BytesView raw, int level, std::string& out) {
  LZ4F_preferences_t preferences{};
  preferences.compressionLevel = level;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's client reads no other
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  append_with(out, LZ4F_compressFrameBound(raw.size(), &preferences), [&](char* to) {
    const std::size_t bound = LZ4F_compressFrameBound(raw.size(), &preferences);
    const std::size_t used = LZ4F_compressFrame(to, bound, raw.data(), raw.size(), &preferences);
    MQ_ASSERT(LZ4F_isError(used) == 0);
    return used;
  });
}

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
struct Lz4Free {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};
struct InflateFree {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};
struct DeflateFree {
  void operator()(z_stream* stream) const {
    deflateEnd(stream);
    delete stream;
  }
};

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, gzip's header

std::unexpected<Error> cut_short(Codec codec) {
  return fail(Errc::corrupt, "{} data ends in the middle of its stream", name_of(codec));
}

}  // namespace

std::string_view name_of(Codec codec) { return is_known(codec) ? kNames[static_cast<std::size_t>(codec)] : "unknown"; }

Result<Codec> parse_codec(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Codec>(i);
  }
  return fail(Errc::invalid_argument, "'{}' is no codec; known are none, gzip, snappy, lz4, zstd", name);
}

struct Codecs::State {
  std::unique_ptr<ZSTD_CCtx, ZstdFree> zstd_out;
  std::unique_ptr<z_stream, DeflateFree> gzip_out;

  std::unique_ptr<ZSTD_DCtx, ZstdFree> zstd_in;
  std::unique_ptr<LZ4F_dctx, Lz4Free> lz4_in;
  std::unique_ptr<z_stream, InflateFree> gzip_in;
  std::unique_ptr<char[]> chunk;
  std::string block;  // snappy makes a block as a whole

  // The stream being read.
  Codec codec = Codec::none;
  BytesView rest;
  std::size_t output_max = 0;
  std::size_t made = 0;
  bool at_boundary = false;  // between two frames, where the stream may end
  bool xerial = false;
  bool ended = true;

  void compress_zstd(BytesView raw, int level, std::string& out);
  void compress_gzip(BytesView raw, int level, std::string& out);
  void open_gzip();
  void open_zstd();
  Result<void> open_lz4();
  Result<void> open_snappy();
  Result<BytesView> next();
  Result<std::size_t> expand_gzip(char* to, std::size_t room);
  Result<std::size_t> expand_zstd(char* to, std::size_t room);
  Result<std::size_t> expand_lz4(char* to, std::size_t room);
  Result<BytesView> next_snappy_block();
  Result<BytesView> expand_snappy(BytesView compressed);
  [[nodiscard]] std::unexpected<Error> over_limit() const {
    return fail(Errc::too_large, "{} data expands to more than {} bytes", name_of(codec), output_max);
  }
};

Codecs::Codecs() : state_(std::make_unique<State>()) {}
Codecs::~Codecs() = default;
Codecs::Codecs(Codecs&&) noexcept = default;
Codecs& Codecs::operator=(Codecs&&) noexcept = default;

Result<void> Codecs::compress(Codec codec, int level, BytesView raw, std::string& out) {
  if (!is_known(codec)) return fail(Errc::unsupported, "codec {} is not known", static_cast<int>(codec));
  const LevelRange range = level_range(codec);
  if (level == kLevelDefault) {
    level = range.usual;
  } else if (range.max > 0 && (level < range.min || level > range.max) && level != range.usual) {
    return fail(Errc::invalid_argument, "{} has the levels {} to {}, not {}", name_of(codec), range.min, range.max,
                level);
  }
  switch (codec) {
    case Codec::none:
      out.append(raw);
      break;
    case Codec::gzip:
      state_->compress_gzip(raw, level, out);
      break;
    case Codec::snappy:
      compress_snappy(raw, out);
      break;
    case Codec::lz4:
      compress_lz4(raw, level, out);
      break;
    case Codec::zstd:
      state_->compress_zstd(raw, level, out);
      break;
  }
  return {};
}

Result<void> Codecs::decompress(Codec codec, BytesView compressed, const DecompressLimits& limits, std::string& out) {
  MQ_CHECK(start(codec, compressed, limits));
  while (true) {
    MQ_TRY(const BytesView chunk, next_chunk());
    if (chunk.empty()) return {};
    out.append(chunk);
  }
}

Result<void> Codecs::start(Codec codec, BytesView compressed, const DecompressLimits& limits) {
  State& s = *state_;
  s.codec = codec;
  s.rest = compressed;
  s.output_max = codec == Codec::none ? limits.bytes_max : limits.output_max(compressed.size());
  s.made = 0;
  s.at_boundary = false;
  s.xerial = false;
  s.ended = false;
  if (s.block.capacity() > kBlockBytesKept) s.block = {};
  switch (codec) {
    case Codec::none:
      return {};
    case Codec::gzip:
      s.open_gzip();
      return {};
    case Codec::snappy:
      return s.open_snappy();
    case Codec::lz4:
      return s.open_lz4();
    case Codec::zstd:
      s.open_zstd();
      return {};
  }
  s.ended = true;
  return fail(Errc::unsupported, "codec {} is not known", static_cast<int>(codec));
}

Result<BytesView> Codecs::next_chunk() {
  if (state_->ended) return BytesView{};
  auto chunk = state_->next();
  if (!chunk || chunk->empty()) state_->ended = true;
  return chunk;
}

Result<BytesView> Codecs::State::next() {
  if (codec == Codec::none) {
    if (rest.size() > output_max) return over_limit();
    return std::exchange(rest, {});
  }
  if (codec == Codec::snappy) return next_snappy_block();

  if (!chunk) chunk = std::make_unique_for_overwrite<char[]>(kChunkBytes);
  // Room for one byte more than allowed tells "exactly at the limit" from "over it".
  const std::size_t room = std::min(kChunkBytes, output_max - made + 1);
  while (true) {
    if (rest.empty() && at_boundary) return BytesView{};
    const std::size_t rest_before = rest.size();
    auto expanded = codec == Codec::gzip   ? expand_gzip(chunk.get(), room)
                    : codec == Codec::zstd ? expand_zstd(chunk.get(), room)
                                           : expand_lz4(chunk.get(), room);
    if (!expanded) return std::unexpected(std::move(expanded).error());
    made += *expanded;
    if (made > output_max) return over_limit();
    if (*expanded > 0) return BytesView(chunk.get(), *expanded);
    if (rest.size() == rest_before && !(rest.empty() && at_boundary)) return cut_short(codec);
  }
}

void Codecs::State::open_gzip() {
  if (!gzip_in) {
    gzip_in.reset(new z_stream{});
    MQ_ASSERT(inflateInit2(gzip_in.get(), kGzipWindowBits) == Z_OK);
  } else {
    MQ_ASSERT(inflateReset(gzip_in.get()) == Z_OK);
  }
}

Result<std::size_t> Codecs::State::expand_gzip(char* to, std::size_t room) {
  z_stream& stream = *gzip_in;
  if (at_boundary) MQ_ASSERT(inflateReset(&stream) == Z_OK);  // gzip's members may follow each other
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  stream.avail_in = static_cast<uInt>(std::min(rest.size(), std::size_t{1} << 30));
  stream.next_out = reinterpret_cast<Bytef*>(to);
  stream.avail_out = static_cast<uInt>(room);
  const uInt given = stream.avail_in;
  const int status = inflate(&stream, Z_NO_FLUSH);
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
    return fail(Errc::corrupt, "gzip: {}", stream.msg != nullptr ? stream.msg : "not its format");
  rest.remove_prefix(given - stream.avail_in);
  at_boundary = status == Z_STREAM_END;
  return room - stream.avail_out;
}

void Codecs::State::compress_gzip(BytesView raw, int level, std::string& out) {
  if (!gzip_out) {
    gzip_out.reset(new z_stream{});
    MQ_ASSERT(deflateInit2(gzip_out.get(), level, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  } else {
    MQ_ASSERT(deflateReset(gzip_out.get()) == Z_OK);
    MQ_ASSERT(deflateParams(gzip_out.get(), level, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  z_stream& stream = *gzip_out;
  MQ_ASSERT(raw.size() < std::size_t{1} << 31);
  append_with(out, deflateBound(&stream, raw.size()), [&](char* to) {
    const auto bound = static_cast<uInt>(deflateBound(&stream, raw.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
    stream.avail_in = static_cast<uInt>(raw.size());
    stream.next_out = reinterpret_cast<Bytef*>(to);
    stream.avail_out = bound;
    MQ_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    return static_cast<std::size_t>(bound - stream.avail_out);
  });
}

void Codecs::State::open_zstd() {
  if (!zstd_in) {
    zstd_in.reset(ZSTD_createDCtx());
    MQ_ASSERT(zstd_in != nullptr);
    MQ_ASSERT(ZSTD_isError(ZSTD_DCtx_setParameter(zstd_in.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)) == 0);
  } else {
    ZSTD_DCtx_reset(zstd_in.get(), ZSTD_reset_session_only);
  }
}

Result<std::size_t> Codecs::State::expand_zstd(char* to, std::size_t room) {
  ZSTD_inBuffer in{rest.data(), rest.size(), 0};
  ZSTD_outBuffer out{to, room, 0};
  const std::size_t status = ZSTD_decompressStream(zstd_in.get(), &out, &in);
  if (ZSTD_isError(status) != 0) return fail(Errc::corrupt, "zstd: {}", ZSTD_getErrorName(status));
  rest.remove_prefix(in.pos);
  at_boundary = status == 0;
  return out.pos;
}

void Codecs::State::compress_zstd(BytesView raw, int level, std::string& out) {
  if (!zstd_out) {
    zstd_out.reset(ZSTD_createCCtx());
    MQ_ASSERT(zstd_out != nullptr);
  }
  ZSTD_CCtx* context = zstd_out.get();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  // The highest levels would take windows that readers with our bound refuse; 0 leaves it to the level.
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, level >= 20 ? kZstdWindowLogMax : 0);
  append_with(out, ZSTD_compressBound(raw.size()), [&](char* to) {
    const std::size_t used = ZSTD_compress2(context, to, ZSTD_compressBound(raw.size()), raw.data(), raw.size());
    MQ_ASSERT(ZSTD_isError(used) == 0);
    return used;
  });
}

Result<void> Codecs::State::open_lz4() {
  // The frame's magic, its flags, its block size.
  if (rest.size() < 6) return cut_short(codec);
  std::uint32_t magic = 0;
  for (std::size_t i = 0; i < 4; ++i) magic |= std::uint32_t{static_cast<std::uint8_t>(rest[i])} << (8 * i);
  if (magic != kLz4MagicLittleEndian) return fail(Errc::corrupt, "lz4: no frame begins here");
  constexpr int kIndependentBlocks = 0x20;
  constexpr int kDictionary = 0x01;
  if ((rest[4] & kIndependentBlocks) == 0)
    return fail(Errc::unsupported, "lz4: blocks that depend on each other, which Kafka's clients do not read");
  if ((rest[4] & kDictionary) != 0) return fail(Errc::unsupported, "lz4: frame needs a dictionary");
  if (!lz4_in) {
    LZ4F_dctx* context = nullptr;
    MQ_ASSERT(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0);
    lz4_in.reset(context);
  } else {
    LZ4F_resetDecompressionContext(lz4_in.get());
  }
  return {};
}

Result<std::size_t> Codecs::State::expand_lz4(char* to, std::size_t room) {
  // Java's client stops after the first frame, so what follows it would be lost there without a word.
  if (at_boundary) return fail(Errc::corrupt, "lz4: {} bytes after the frame", rest.size());
  std::size_t made_now = room;
  std::size_t used = rest.size();
  const std::size_t status = LZ4F_decompress(lz4_in.get(), to, &made_now, rest.data(), &used, nullptr);
  if (LZ4F_isError(status) != 0) return fail(Errc::corrupt, "lz4: {}", LZ4F_getErrorName(status));
  rest.remove_prefix(used);
  at_boundary = status == 0;
  return made_now;
}

Result<void> Codecs::State::open_snappy() {
  xerial = rest.starts_with(kXerialMagic);
  if (!xerial) return {};
  if (rest.size() < kXerialHeaderBytes) return cut_short(codec);
  if (const auto oldest = load_be<std::int32_t>(rest.data() + 12); oldest != 1)
    return fail(Errc::unsupported, "snappy: frame for readers of version {}", oldest);
  rest.remove_prefix(kXerialHeaderBytes);
  return {};
}

Result<BytesView> Codecs::State::next_snappy_block() {
  if (!xerial) {
    if (at_boundary) return BytesView{};
    at_boundary = true;
    return expand_snappy(std::exchange(rest, {}));
  }
  while (!rest.empty()) {
    if (rest.size() < sizeof(std::int32_t)) return cut_short(codec);
    const auto length = load_be<std::int32_t>(rest.data());
    rest.remove_prefix(sizeof length);
    if (length < 0 || static_cast<std::size_t>(length) > rest.size())
      return fail(Errc::corrupt, "snappy: block of {} bytes, {} are left", length, rest.size());
    const BytesView compressed = rest.substr(0, static_cast<std::size_t>(length));
    rest.remove_prefix(compressed.size());
    MQ_TRY(const BytesView expanded, expand_snappy(compressed));
    if (!expanded.empty()) return expanded;
  }
  return BytesView{};
}

Result<BytesView> Codecs::State::expand_snappy(BytesView compressed) {
  std::size_t claimed = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &claimed))
    return fail(Errc::corrupt, "snappy: block without its length");
  if (claimed > output_max - made) return over_limit();
  if (claimed > compressed.size() * kSnappyRatioMax)
    return fail(Errc::corrupt, "snappy: block of {} bytes claims to hold {}", compressed.size(), claimed);
  bool whole = false;
  block.resize_and_overwrite(claimed, [&](char* to, std::size_t) {
    whole = snappy::RawUncompress(compressed.data(), compressed.size(), to);
    return whole ? claimed : 0;
  });
  if (!whole) return fail(Errc::corrupt, "snappy: not its format");
  made += claimed;
  return BytesView(block);
}

}  // namespace mq::record
