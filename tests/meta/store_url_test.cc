#include "meta/store_url.h"

#include <gtest/gtest.h>

namespace mq::meta {
namespace {

env::Address tcp(std::string host, std::uint16_t port) { return {.host = std::move(host), .port = port, .path = {}}; }

std::string why_not(std::string_view text) {
  const auto parsed = parse_store_url(text);
  return parsed ? "it is " + parsed->to_string() : parsed.error().message;
}

TEST(StoreUrl, OneHostIsEnough) {
  const auto url = parse_store_url("etcd://a");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->service, StoreService::etcd);
  EXPECT_EQ(url->user, "");
  EXPECT_EQ(url->servers, std::vector{tcp("a", 2379)});
  EXPECT_EQ(url->prefix, "/mq");
}

TEST(StoreUrl, HasAUserServersInTheirOrderAndAPrefix) {
  const auto url = parse_store_url("zookeeper://mq@b:2182,10.0.0.1,[2001:db8::7]:99,[::1]/clusters/one");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->service, StoreService::zookeeper);
  EXPECT_EQ(url->user, "mq");
  EXPECT_EQ(url->servers,
            (std::vector{tcp("b", 2182), tcp("10.0.0.1", 2181), tcp("2001:db8::7", 99), tcp("::1", 2181)}));
  EXPECT_EQ(url->prefix, "/clusters/one");
}

TEST(StoreUrl, IsWrittenAsItIsRead) {
  for (const char* text : {"etcd://a:2379/mq", "etcd://u@a:1,b:2/x/y", "zookeeper://a@b.org@[::1]:2181/mq"})
    EXPECT_EQ(why_not(text), std::string("it is ") + text);
}

TEST(StoreUrl, SlashAtTheEndSaysNothing) {
  EXPECT_EQ(parse_store_url("etcd://a/")->prefix, "/mq");
  EXPECT_EQ(parse_store_url("etcd://a/x/")->prefix, "/x");
}

TEST(StoreUrl, PasswordIsRefusedAndNotRepeated) {
  for (const char* text : {"etcd://mq:secret@a", "etcd://:secret@a", "etcd://mq:sec/secret@a:1/x",
                           "etcd://mq:@secret@a,b", "zookeeper://mq:secret@a?secret"}) {
    const std::string why = why_not(text);
    EXPECT_TRUE(why.starts_with("the URL of a metadata store has no place for a password: write USER@ alone, and name"))
        << why;
    EXPECT_EQ(why.find("secret"), std::string::npos) << why;
  }
}

TEST(StoreUrl, OtherSchemesAreRefusedWithTheFormThatIsMeant) {
  const std::string why =
      "that is no URL of a metadata store; write etcd://HOST:PORT[,HOST:PORT]...[/PREFIX] or zookeeper://...";
  for (const char* text : {"", "a:2379", "etcd:a", "etcd:/a", "http://a", "ETCD://a", "etcds://a", "://a"})
    EXPECT_EQ(why_not(text), why) << text;
}

TEST(StoreUrl, HostIsNeverMissingNorNamedTwice) {
  for (const char* text : {"etcd://", "etcd:///mq", "etcd://u@"})
    EXPECT_TRUE(why_not(text).starts_with("the metadata store's host is missing; write etcd://")) << text;
  for (const char* text : {"etcd://a,", "etcd://,a", "etcd://:2379", "etcd://a,:1"})
    EXPECT_TRUE(why_not(text).ends_with("the host is missing")) << why_not(text);
  EXPECT_EQ(why_not("etcd://a,b,a:2379"), "'a:2379' is named twice as a metadata store's server");
  EXPECT_EQ(why_not("etcd://@a"), "the user is missing before the @ in the metadata store's URL");
}

TEST(StoreUrl, ServersAreHostsAndPorts) {
  EXPECT_EQ(why_not("etcd://a:0"), "'a:0': '0' is not a port (1 to 65535)");
  EXPECT_EQ(why_not("etcd://a:x"), "'a:x': 'x' is not a port (1 to 65535)");
  EXPECT_EQ(why_not("etcd://::1"), "'::1': IPv6 stands in brackets; write [::1]:PORT");
  EXPECT_EQ(why_not("etcd://unix:x"), "'unix:x': a metadata store is reached by HOST:PORT");
  EXPECT_EQ(why_not("etcd://a b"), "'a b': 'a b' is not the name or address of a host");
  EXPECT_EQ(why_not("etcd://a?x"), "'a?x': 'a?x' is not the name or address of a host");
  std::string many = "etcd://a0";
  for (int i = 1; i < 16; ++i) many += ",a" + std::to_string(i);
  EXPECT_TRUE(parse_store_url(many));
  EXPECT_EQ(why_not(many + ",one-more"), "a metadata store of 17 servers; at most 16 can be named");
}

TEST(StoreUrl, PrefixIsOfPlainNames) {
  for (const char* text : {"etcd://a//x", "etcd://a/x//y", "etcd://a/./x", "etcd://a/x/..", "etcd://a/x?y",
                           "etcd://a/x#y", "etcd://a/x%20y", "etcd://a/x y", "etcd://a/\xc3\xa4", "etcd://a//"})
    EXPECT_NE(why_not(text).find("is no prefix for a metadata store"), std::string::npos) << why_not(text);
  EXPECT_TRUE(parse_store_url("etcd://a/" + std::string(StoreUrl::kPrefixBytesMax - 1, 'x')));
  EXPECT_EQ(why_not("etcd://a/" + std::string(StoreUrl::kPrefixBytesMax, 'x')),
            "a metadata store's prefix of 201 bytes; the limit is 200");
}

TEST(StoreUrl, UserIsOfPlainCharacters) {
  EXPECT_EQ(parse_store_url("etcd://a@b.org@host")->user, "a@b.org");
  const std::string too_long(StoreUrl::kUserBytesMax + 1, 'u');
  for (const std::string& user : std::vector<std::string>{"a b", "a/b", "a%40", too_long})
    EXPECT_TRUE(why_not("etcd://" + user + "@a").starts_with("the user in the metadata store's URL is not of")) << user;
}

}  // namespace
}  // namespace mq::meta
