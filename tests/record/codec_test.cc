#include "record/codec.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include <random>

#include "base/cursor.h"
#include "batch_fixture.h"

namespace mq::record {
namespace {

using namespace testing;

constexpr std::size_t kMiB = std::size_t{1} << 20;

Result<std::string> expand(Codec codec, BytesView compressed, DecompressLimits limits = {}) {
  Codecs codecs;
  std::string out;
  MQ_CHECK(codecs.decompress(codec, compressed, limits, out));
  return out;
}

std::string pack(Codec codec, BytesView raw, int level = kLevelDefault) {
  Codecs codecs;
  std::string out;
  EXPECT_TRUE(codecs.compress(codec, level, raw, out));
  return out;
}

std::string words(std::size_t bytes) {
  std::mt19937 random(3);
  std::string text;
  while (text.size() < bytes) text += "word" + std::to_string(random() % 1000) + ' ';
  text.resize(bytes);
  return text;
}

class Packed : public ::testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, Packed, ::testing::Values(Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd),
                         [](const auto& codec) { return std::string(name_of(codec.param)); });

TEST_P(Packed, RoundTripsEverySizeAroundItsBlocks) {
  Codecs codecs;
  for (std::size_t size : {0u, 1u, 100u, 32767u, 32768u, 32769u, 65535u, 65536u, 65537u, 300'000u}) {
    const std::string raw = words(size);
    std::string packed;
    std::string out = "kept";
    ASSERT_TRUE(codecs.compress(GetParam(), kLevelDefault, raw, packed));
    ASSERT_TRUE(codecs.decompress(GetParam(), packed, {}, out));
    EXPECT_EQ(out, "kept" + raw);
  }
}

TEST_P(Packed, CutAnywhereIsAnErrorNotLessData) {
  const std::string packed = pack(GetParam(), words(40'000));
  for (std::size_t cut = 0; cut < packed.size(); cut += 1 + packed.size() / 200) {
    const auto out = expand(GetParam(), packed.substr(0, cut));
    // xerial's frame has no end mark: a cut between two blocks is the end.
    if (GetParam() == Codec::snappy && out) continue;
    EXPECT_FALSE(out) << cut;
  }
}

TEST_P(Packed, NoiseIsRefused) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string noise(1 + random() % 300, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    if (const auto out = expand(GetParam(), noise)) EXPECT_EQ(GetParam(), Codec::snappy);
  }
}

TEST_P(Packed, BombStopsAtTheLimit) {
  const std::string bomb = pack(GetParam(), std::string(32 * kMiB, '\0'));
  EXPECT_EQ(expand(GetParam(), bomb, {.bytes_max = 4 * kMiB}).error().code, Errc::too_large);
}

TEST_P(Packed, ExactlyTheLimitIsAllowed) {
  const std::string packed = pack(GetParam(), words(100'000));
  EXPECT_TRUE(expand(GetParam(), packed, {.bytes_max = 100'000}));
  EXPECT_EQ(expand(GetParam(), packed, {.bytes_max = 99'999}).error().code, Errc::too_large);
}

TEST(Ratio, CountsOnlyAboveOneMebibyte) {
  EXPECT_TRUE(expand(Codec::zstd, pack(Codec::zstd, std::string(kMiB, 'z'))));
  const std::string steep = pack(Codec::zstd, std::string(2 * kMiB, 'z'));
  ASSERT_LT(steep.size() * 1024, 2 * kMiB);
  EXPECT_EQ(expand(Codec::zstd, steep).error().code, Errc::too_large);
}

TEST(DecompressLimits, FollowTheTopicUpToTheCap) {
  EXPECT_EQ(decompress_limits(1000).bytes_max, 64'000u);
  EXPECT_EQ(decompress_limits(std::size_t{1} << 62).bytes_max, 128 * kMiB);
}

TEST(Levels, AreKafkas) {
  Codecs codecs;
  for (auto [codec, level] : {std::pair{Codec::gzip, 1},
                              {Codec::gzip, 9},
                              {Codec::gzip, -1},
                              {Codec::lz4, 1},
                              {Codec::lz4, 17},
                              {Codec::zstd, -5},
                              {Codec::zstd, 22}}) {
    std::string packed;
    ASSERT_TRUE(codecs.compress(codec, level, words(70'000), packed)) << name_of(codec) << level;
    EXPECT_EQ(expand(codec, packed).value(), words(70'000));
  }
  std::string out;
  for (auto [codec, level] : {std::pair{Codec::gzip, 0}, {Codec::gzip, 10}, {Codec::lz4, 18}, {Codec::zstd, 23}})
    EXPECT_EQ(codecs.compress(codec, level, "x", out).error().code, Errc::invalid_argument);
}

TEST(Zstd, HighestLevelStaysReadableByOurselves) {
  const std::string raw = words(20 * kMiB);
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 1));
  EXPECT_EQ(expand(Codec::zstd, packed).value(), raw);
}

TEST(Zstd, WindowOverTheBoundIsRefused) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 24);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  std::string packed(1000, '\0');
  // Fed as a stream, so that the frame cannot shrink its window to the content.
  ZSTD_inBuffer in{"abc", 3, 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  EXPECT_EQ(expand(Codec::zstd, packed).error().code, Errc::corrupt);
}

TEST(Frames, GzipMembersAndZstdFramesMayFollowEachOther) {
  for (Codec codec : {Codec::gzip, Codec::zstd})
    EXPECT_EQ(expand(codec, pack(codec, "one ") + pack(codec, "two")).value(), "one two");
}

TEST(Lz4, BytesAfterTheFrameAreRefused) {
  EXPECT_EQ(expand(Codec::lz4, pack(Codec::lz4, "one") + pack(Codec::lz4, "two")).error().code, Errc::corrupt);
}

TEST(Lz4, DependentBlocksAreRefusedAsNoJavaClientReadsThem) {
  const std::string raw = words(200'000);
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  std::string packed(LZ4F_compressFrameBound(raw.size(), &preferences), '\0');
  packed.resize(LZ4F_compressFrame(packed.data(), packed.size(), raw.data(), raw.size(), &preferences));
  EXPECT_EQ(expand(Codec::lz4, packed).error().code, Errc::unsupported);
}

TEST(Snappy, RawFormIsReadToo) {
  const std::string raw = words(90'000);
  std::string packed;
  snappy::Compress(raw.data(), raw.size(), &packed);
  EXPECT_EQ(expand(Codec::snappy, packed).value(), raw);
}

TEST(Snappy, BlockThatClaimsMoreThanItsBytesCanMakeIsNotAllocated) {
  std::string claim;
  Writer(claim).uvarint(100'000'000);
  claim += "xyz";
  EXPECT_EQ(expand(Codec::snappy, claim).error().code, Errc::too_large);
  std::string smaller;
  Writer(smaller).uvarint(900'000);
  smaller += "xyz";
  EXPECT_EQ(expand(Codec::snappy, smaller).error().code, Errc::corrupt);
}

TEST(Snappy, BlockLengthThatLiesIsRefused) {
  for (std::int32_t length : {-1, 1000}) {
    std::string packed = pack(Codec::snappy, "some bytes");
    store_be(packed.data() + 16, length);
    EXPECT_EQ(expand(Codec::snappy, packed).error().code, Errc::corrupt);
  }
}

TEST(CodecNames, ReadBackAndNothingElse) {
  for (Codec codec : kCodecs) EXPECT_EQ(parse_codec(name_of(codec)).value(), codec);
  EXPECT_FALSE(parse_codec("LZ4"));
  EXPECT_FALSE(parse_codec(""));
  Codecs codecs;
  std::string out;
  EXPECT_EQ(codecs.compress(static_cast<Codec>(5), kLevelDefault, "", out).error().code, Errc::unsupported);
  EXPECT_EQ(codecs.start(static_cast<Codec>(7), "", {}).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace mq::record
