#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/result.h"
#include "base/strong.h"
#include "base/time.h"

namespace mq {
namespace {

TEST(Crc32c, MatchesTheCheckValueOfTheCatalogue) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, InPiecesIsTheSameAsInOne) {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes.push_back(static_cast<char>(i * 7));
  for (std::size_t cut : {0u, 1u, 13u, 1024u, 2999u, 3000u})
    EXPECT_EQ(crc32c(BytesView(bytes).substr(cut), crc32c(BytesView(bytes).substr(0, cut))), crc32c(bytes));
}

TEST(Varint, RoundTripsTheEdges) {
  for (std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{64}, std::int64_t{1} << 40,
                         std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    std::string out;
    Writer(out).varlong(v);
    EXPECT_EQ(out.size(), varint_size(v));
    Reader in(out);
    EXPECT_EQ(in.varlong(), v);
    EXPECT_FALSE(in.failed());
    EXPECT_EQ(in.remaining(), 0u);
  }
  for (std::int32_t v :
       {0, -1, 1, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    std::string out;
    Writer(out).varint(v);
    Reader in(out);
    EXPECT_EQ(in.varint(), v);
    EXPECT_FALSE(in.failed());
  }
}

TEST(Varint, TooLongOrCutShortFails) {
  EXPECT_EQ(uvarint_decode("\xff\xff\xff\xff\x1f", 5).second, 0) << "33 bits";
  EXPECT_EQ(uvarint_decode("\xff\xff\xff\xff\xff\xff", 5).second, 0) << "six bytes";
  EXPECT_EQ(uvarint_decode("\x80", 5).second, 0) << "cut short";
  EXPECT_EQ(uvarint_decode("", 5).second, 0);
}

TEST(Reader, PastTheEndFailsAndStaysFailed) {
  Reader in("abc");
  EXPECT_EQ(in.be<std::int32_t>(), 0);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.take(1), "");
}

TEST(Instant, NeverIsNotPassedByAdding) { EXPECT_EQ(Instant{5s} + Duration::max(), Instant::never()); }

}  // namespace
}  // namespace mq
