#include "env/address.h"

#include <gtest/gtest.h>

namespace mq::env {
namespace {

Address tcp(std::string host, std::uint16_t port) { return {.host = std::move(host), .port = port, .path = {}}; }
Address unix_socket(std::string path) { return {.host = {}, .port = 0, .path = std::move(path)}; }

std::string why_no_listener(std::string_view text) {
  const auto parsed = parse_listen_address(text);
  return parsed ? "it is " + parsed->to_string() : parsed.error().message;
}

std::string why_no_peer(std::string_view text) {
  const auto parsed = parse_peer_address(text, 9092);
  return parsed ? "it is " + parsed->to_string() : parsed.error().message;
}

TEST(Address, IsWrittenAsItIsRead) {
  for (const char* text : {"10.0.0.1:9092", "[::1]:9092", "*:0", "unix:/run/mqd", "[fe80::1%eth0]:1", "a.b-c_d:65535"})
    EXPECT_EQ(parse_listen_address(text)->to_string(), text);
}

TEST(Address, ToListenNamesAPortWhichMayBeAnyFree) {
  EXPECT_EQ(parse_listen_address("localhost:0"), tcp("localhost", 0));
  EXPECT_EQ(parse_listen_address("[2001:db8::7]:9092"), tcp("2001:db8::7", 9092));
  EXPECT_EQ(parse_listen_address("unix:/run/mqd.sock"), unix_socket("/run/mqd.sock"));
  EXPECT_EQ(why_no_listener("localhost"), "'localhost' has no port; write localhost:PORT");
  EXPECT_EQ(why_no_listener("[::1]"), "'[::1]' has no port; write [::1]:PORT");
}

TEST(Address, StarOrNoHostIsEveryAddressAndOnlyForListening) {
  EXPECT_EQ(parse_listen_address("*:9092"), tcp("*", 9092));
  EXPECT_EQ(parse_listen_address(":9092"), tcp("*", 9092));
  EXPECT_TRUE(parse_listen_address(":9092")->is_wildcard());
  EXPECT_TRUE(parse_listen_address("0.0.0.0:9092")->is_wildcard());
  EXPECT_TRUE(parse_listen_address("[0:0::0]:9092")->is_wildcard());
  EXPECT_FALSE(parse_listen_address("[::1]:9092")->is_wildcard());
  EXPECT_EQ(why_no_peer("*:9092"), "'*:9092': * is for listening only; name the host to connect to");
  EXPECT_EQ(why_no_peer(":9092"), "':9092': the host is missing");
}

TEST(Address, ToConnectHasAPortOfItsOwnOrTheFallback) {
  EXPECT_EQ(parse_peer_address("a", 9092), tcp("a", 9092));
  EXPECT_EQ(parse_peer_address("a:1", 9092), tcp("a", 1));
  EXPECT_EQ(parse_peer_address("[::1]", 9092), tcp("::1", 9092));
  EXPECT_EQ(parse_peer_address("[::1]:65535", 9092), tcp("::1", 65535));
  EXPECT_EQ(why_no_peer("a:0"), "'a:0': '0' is not a port (1 to 65535)");
  EXPECT_EQ(parse_peer_address("a:0", 0), tcp("a", 0));
}

TEST(Address, Ipv6OutsideBracketsIsRefusedWithTheSpellingThatIsMeant) {
  EXPECT_EQ(why_no_listener("::1"), "'::1': IPv6 stands in brackets; write [::1]:PORT");
  EXPECT_EQ(why_no_peer("2001:db8::7"), "'2001:db8::7': IPv6 stands in brackets; write [2001:db8::7]:PORT");
  EXPECT_EQ(why_no_listener("1:2:3:4:5:6:7:8:9092"),
            "'1:2:3:4:5:6:7:8:9092': IPv6 stands in brackets; write [1:2:3:4:5:6:7:8]:9092");
  EXPECT_EQ(why_no_listener("db8::7:9092"),
            "'db8::7:9092': IPv6 stands in brackets; write [db8::7:9092]:PORT, or [db8::7]:9092 if that is the port");
  EXPECT_EQ(why_no_peer("fe80::1%eth0"), "'fe80::1%eth0': IPv6 stands in brackets; write [fe80::1%eth0]:PORT");
  EXPECT_EQ(why_no_peer("::ffff:1.2.3.4"), "'::ffff:1.2.3.4': IPv6 stands in brackets; write [::ffff:1.2.3.4]:PORT");
  EXPECT_EQ(why_no_peer("a:b:c"), "'a:b:c' has too many colons; write HOST:PORT, or [IPV6]:PORT");
}

TEST(Address, Ipv6IsKeptInTheFormThatEverybodyWrites) {
  EXPECT_EQ(parse_peer_address("[2001:DB8:0:0::0007]:1", 0), tcp("2001:db8::7", 1));
  EXPECT_EQ(parse_peer_address("[FE80::1%eth0]", 1), tcp("fe80::1%eth0", 1));
  EXPECT_EQ(parse_peer_address("[::ffff:127.0.0.1]", 1), tcp("::ffff:127.0.0.1", 1));
}

TEST(Address, WhatIsNoneIsRefusedOnBothSides) {
  for (const char* text :
       {"",      "a:",     "[::1]:",   "a:x",        "a:+1",   "a:-1",     "a:65536",     "a:99999999999999999999",
        "a: 1",  " a:1",   "a b:1",    "http://a:1", "a/b:1",  "[]:1",     "[a]:1",       "[127.0.0.1]:1",
        "[::1",  "[::1]1", "[::1]x:1", "[[::1]]:1",  "::1]:1", "[::1%]:1", "[12345::]:1", "a%eth0:1",
        "a,b:1", "**:1",   "unix:",    "a\n:1"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
    EXPECT_FALSE(parse_peer_address(text, 9092)) << text;
  }
  EXPECT_FALSE(parse_peer_address(std::string(256, 'a'), 9092));
}

TEST(Addresses, BlanksRoundTheCommasDoNotCount) {
  const std::vector<Address> both{tcp("a", 1), tcp("::1", 9092), unix_socket("/a b")};
  for (const char* text : {"a:1,[::1],unix:/a b", " a:1, [::1] ,\tunix:/a b "})
    EXPECT_EQ(parse_peer_addresses(text, 9092), both) << text;
}

TEST(Addresses, AnEmptyElementIsRefused) {
  for (const char* text : {"", " ", "a,", ",a", "a,,b", "a, ,b"}) EXPECT_FALSE(parse_peer_addresses(text, 1)) << text;
}

}  // namespace
}  // namespace mq::env
