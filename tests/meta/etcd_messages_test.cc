#include <gtest/gtest.h>

#include <string>

#include "meta/etcd/key_space.h"
#include "meta/etcd/messages.h"

namespace mq::meta::etcd {
namespace {

using cluster::Compare;
using cluster::kNoRevision;
using cluster::Op;
using cluster::Revision;
using cluster::Stay;
using cluster::Transaction;

const KeySpace kKeys("/mq");

TEST(EtcdKeySpace, KeysLieBehindThePrefixAndASlash) {
  EXPECT_EQ(kKeys.of("topics/a"), "/mq/topics/a");
  EXPECT_EQ(kKeys.key_of("/mq/topics/a"), "topics/a");
  EXPECT_TRUE(kKeys.holds("/mq/"));
  EXPECT_FALSE(kKeys.holds("/mq"));
  EXPECT_FALSE(kKeys.holds("/mq2/a"));
  EXPECT_EQ(kKeys.whole().first, "/mq/");
  EXPECT_EQ(kKeys.whole().end, "/mq0");
}

TEST(EtcdKeySpace, ListsHoldNeitherTheWriteKeyNorNeighbours) {
  EXPECT_EQ(kKeys.with_prefix("", "").first, std::string("/mq/\0", 5));
  EXPECT_EQ(kKeys.with_prefix("", "").end, "/mq0");
  EXPECT_EQ(kKeys.with_prefix("a/", "").first, "/mq/a/");
  EXPECT_EQ(kKeys.with_prefix("a/", "").end, "/mq/a0");
  EXPECT_EQ(kKeys.with_prefix("a/", "a/7").first, std::string("/mq/a/7\0", 8));
  EXPECT_EQ(kKeys.with_prefix("\xff\xff", "").end, "/mq0");
  EXPECT_EQ(kKeys.with_prefix("a\xff", "").end, "/mq/b");
}

TEST(EtcdMessages, TransactionSaysWhatItComparesAndDoes) {
  Transaction transaction;
  transaction.compares = {Compare::absent("a"), Compare::exists("b"), Compare::created_at("c", Revision{6}),
                          Compare::modified_at("d", Revision{7})};
  transaction.ops = {Op::put("a", "1"), Op::put("b", "", Stay::leased), Op::erase("c")};
  transaction.write_id.fill('i');
  EXPECT_EQ(transaction_request(kKeys, transaction, 77),
            R"({"compare":[{"key":"L21xL2E=","target":"CREATE","result":"EQUAL","create_revision":"0"},)"
            R"({"key":"L21xL2I=","target":"CREATE","result":"GREATER","create_revision":"0"},)"
            R"({"key":"L21xL2M=","target":"CREATE","result":"EQUAL","create_revision":"7"},)"
            R"({"key":"L21xL2Q=","target":"MOD","result":"EQUAL","mod_revision":"8"}],)"
            R"("success":[{"request_put":{"key":"L21xL2E=","value":"aWlpaWlpaWlpaWlpaWlpaTE="}},)"
            R"({"request_put":{"key":"L21xL2I=","value":"aWlpaWlpaWlpaWlpaWlpaQ==","lease":"77"}},)"
            R"({"request_delete_range":{"key":"L21xL2M="}}]})");
}

TEST(EtcdMessages, TransactionThatOnlyErasesPutsItsWriteId) {
  Transaction transaction;
  transaction.ops = {Op::erase("c")};
  transaction.write_id.fill('i');
  EXPECT_EQ(transaction_request(kKeys, transaction, kNoLease),
            R"({"compare":[],"success":[{"request_delete_range":{"key":"L21xL2M="}},)"
            R"({"request_put":{"key":"L21xLw==","value":"aWlpaWlpaWlpaWlpaWlpaQ=="}}]})");
  EXPECT_EQ(transaction_request(kKeys, {}, kNoLease), R"({"compare":[],"success":[]})");
}

TEST(EtcdMessages, NoRevisionOfAComparedKeyMeansThatItIsAbsent) {
  for (const Revision revision : {kNoRevision, Revision{-1}, Revision{-9}}) {
    Transaction transaction;
    transaction.compares = {Compare::modified_at("d", revision)};
    EXPECT_NE(transaction_request(kKeys, transaction, kNoLease).find(R"("mod_revision":"1")"), std::string::npos);
  }
}

TEST(EtcdMessages, UserAndPasswordAreEscaped) {
  EXPECT_EQ(login_request("m\"q", "\\\n\x01"), R"({"name":"m\"q","password":"\\\n\u0001"})");
}

TEST(EtcdMessages, RefusalsAreReadInTheFormsOfSeveralVersions) {
  const std::string message = "etcdserver: requested lease not found";
  for (const std::string& json : {R"({"error":"x","message":")" + message + R"(","code":5})",
                                  R"({"code":5,"message":")" + message + R"(","details":[]})",
                                  R"({"error":{"grpc_code":5,"http_code":404,"message":")" + message + R"("}})"}) {
    const Refusal refusal = parse_refusal(json, 404);
    EXPECT_EQ(refusal.message, message) << json;
    EXPECT_TRUE(is_lease_missing(refusal)) << json;
    EXPECT_EQ(verdict_on(refusal), Verdict::not_done) << json;
  }
  EXPECT_EQ(parse_refusal("404 page not found", 404).message, "HTTP status 404");
  EXPECT_EQ(verdict_on(parse_refusal("404 page not found", 404)), Verdict::unknown);
  EXPECT_EQ(verdict_on(parse_refusal(R"({"code":-7})", 500)), Verdict::unknown);
  EXPECT_EQ(verdict_on(parse_refusal(R"({"code":1700})", 500)), Verdict::unknown);
}

TEST(EtcdMessages, WhatARefusalSaysIsOneLineOfPlainCharacters) {
  const Refusal refusal = parse_refusal("{\"code\":7,\"message\":\"a\\nb\\u001b[31m\\u00e4\"}", 403);
  EXPECT_EQ(refusal.message, "a?b?[31m??");
  EXPECT_EQ(parse_refusal(R"({"code":7,"message":")" + std::string(5000, 'x') + "\"}", 403).message.size(), 300u);
}

TEST(EtcdMessages, WatchLinesAreTold) {
  const auto created = parse_watch_line(R"({"result":{"header":{"revision":"5"},"created":true}})", kKeys);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->kind, WatchLine::Kind::created);
  EXPECT_EQ(created->revision, Revision{4});
  const auto progress = parse_watch_line(R"({"result":{"header":{"revision":"9"}}})", kKeys);
  EXPECT_EQ(progress->kind, WatchLine::Kind::progress);
  EXPECT_EQ(progress->revision, Revision{8});
  const auto compacted = parse_watch_line(R"({"result":{"header":{},"canceled":true,"compact_revision":"7"}})", kKeys);
  EXPECT_EQ(compacted->kind, WatchLine::Kind::compacted);
  EXPECT_EQ(compacted->oldest, Revision{6});
  const auto ended = parse_watch_line(R"({"error":{"grpc_code":14,"message":"etcdserver: no leader"}})", kKeys);
  EXPECT_EQ(ended->kind, WatchLine::Kind::ended);
  EXPECT_EQ(ended->refusal.message, "etcdserver: no leader");
}

TEST(EtcdMessages, EventOfTheWriteKeyHasAnIdAndNoKey) {
  const auto line = parse_watch_line(
      R"({"result":{"header":{"revision":"5"},"events":[{"type":"DELETE","kv":{"key":"L21xL2E=","mod_revision":"5"}},)"
      R"({"kv":{"key":"L21xLw==","create_revision":"2","mod_revision":"5","value":"aWlpaWlpaWlpaWlpaWlpaQ=="}}]}})",
      kKeys);
  ASSERT_TRUE(line);
  ASSERT_EQ(line->changes.size(), 2u);
  EXPECT_TRUE(line->changes[0].is_erased);
  EXPECT_EQ(line->changes[0].entry.key, "a");
  EXPECT_EQ(line->changes[1].entry.key, "");
  EXPECT_EQ(line->changes[1].entry.write_id[15], 'i');
}

}  // namespace
}  // namespace mq::meta::etcd
