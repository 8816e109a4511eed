#include "client/options.h"

#include <gtest/gtest.h>

namespace mq::client {
namespace {

TEST(Bootstrap, ReadsHostsPortsIpv6AndUnixSocketsWithBlanksBetweenThem) {
  const auto addresses = parse_bootstrap("a, b:1,[::1]:2 ,[::1],  unix:/run/mqd.sock");
  ASSERT_TRUE(addresses);
  const std::vector<env::Address> expected{{.host = "a", .port = 9092, .path = {}},
                                           {.host = "b", .port = 1, .path = {}},
                                           {.host = "::1", .port = 2, .path = {}},
                                           {.host = "::1", .port = 9092, .path = {}},
                                           {.host = {}, .port = 0, .path = "/run/mqd.sock"}};
  EXPECT_EQ(*addresses, expected);
}

TEST(Bootstrap, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "a:", ":1", "a:x", "a:0", "a:65536", "::1", "[::1", "[::1]x", "[::1]:", "unix:", "a,,b", "a,"})
    EXPECT_FALSE(parse_bootstrap(text)) << text;
}

}  // namespace
}  // namespace mq::client
