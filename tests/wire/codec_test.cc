#include "wire/codec.h"

#include <gtest/gtest.h>

#include "wire/header.h"
#include "wire/messages/consumer_protocol.h"
#include "wire/messages/fetch.h"
#include "wire/messages/join_group.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offsets_topic.h"
#include "wire/messages/produce.h"

namespace mq::wire {
namespace {

ProduceRequest produce_of(BytesView records) {
  return {.acks = -1,
          .timeout_ms = 500,
          .topic_data = {{.name = "logs", .partition_data = {{.index = 7, .records = Records::of(records)}}}}};
}

TEST(Codec, RecordsAreAViewOfTheDecodedBytes) {
  std::string body;
  encode(produce_of("batch"), 9, body);
  const auto request = decode<ProduceRequest>(body, 9);
  ASSERT_TRUE(request);
  const Records& records = request->topic_data[0].partition_data[0].records;
  EXPECT_EQ(records.bytes, "batch");
  EXPECT_GE(records.bytes.data(), body.data());
  EXPECT_LE(records.bytes.data() + records.bytes.size(), body.data() + body.size());
}

TEST(Codec, ExternalRecordsLeaveGapsThatTheirLengthsCount) {
  for (const ApiVersion version : {ApiVersion{11}, ApiVersion{12}, ApiVersion{18}}) {
    FetchResponse with_bytes{.responses = {{.topic = "t"}}};
    with_bytes.responses[0].partitions = {{.partition_index = 0, .records = Records::of("first")},
                                          {.partition_index = 1, .records = Records::of("inside")},
                                          {.partition_index = 2, .records = Records::of("second one")}};
    FetchResponse with_gaps = with_bytes;
    with_gaps.responses[0].partitions[0].records = Records::external(5);
    with_gaps.responses[0].partitions[2].records = Records::external(10);
    const RequestHeader header{.api_key = 1, .api_version = version, .correlation_id = 9};

    auto [bytes, gaps] = encode_response_with_gaps(header, with_gaps);
    ASSERT_EQ(gaps.size(), 2u);
    EXPECT_EQ(gaps[1].index, 1u);
    EXPECT_EQ(gaps[1].size, 10u);
    bytes.insert(gaps[1].position, "second one");
    bytes.insert(gaps[0].position, "first");
    EXPECT_EQ(bytes, encode_response(header, with_bytes)) << version;
  }
}

TEST(Codec, EncodingTellsTheErrorsOfAnAnswer) {
  FetchResponse response{.error_code = ErrorCode::kNone, .responses = {{.topic = "t"}}};
  response.responses[0].partitions = {{.partition_index = 0, .error_code = ErrorCode::kOffsetOutOfRange},
                                      {.partition_index = 1, .error_code = ErrorCode::kNone},
                                      {.partition_index = 2, .error_code = ErrorCode::kCorruptMessage}};
  std::vector<ErrorCode> errors;
  const RequestHeader header{.api_key = 1, .api_version = 12, .correlation_id = 9};
  EXPECT_EQ(encode_response(header, response, &errors), encode_response(header, response));
  EXPECT_EQ(errors, (std::vector{ErrorCode::kOffsetOutOfRange, ErrorCode::kCorruptMessage}));
}

TEST(Codec, AFrameCountsItsBytesAndItsHeaderComesFirst) {
  const std::string frame = encode_request({.api_version = 9, .correlation_id = 3, .client_id = "me"}, produce_of("b"));
  ASSERT_GT(frame.size(), kFrameLengthBytes);
  EXPECT_EQ(load_be<std::int32_t>(frame.data()), static_cast<std::int32_t>(frame.size() - kFrameLengthBytes));
  Reader in(BytesView(frame).substr(kFrameLengthBytes));
  const auto header = decode_request_header(in);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->api_key, 0);
  EXPECT_EQ(header->client_id, "me");
  EXPECT_TRUE(decode<ProduceRequest>(in.rest(), 9));
}

TEST(Codec, WhatAVersionLacksHasItsDefaultAfterDecoding) {
  MetadataResponse response{.brokers = {{.node_id = 1, .host = "h", .port = 9092, .rack = "r"}}, .controller_id = 1};
  std::string body;
  encode(response, 0, body);
  const auto decoded = decode<MetadataResponse>(body, 0);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->brokers[0].host, "h");
  EXPECT_EQ(decoded->brokers[0].rack, std::nullopt);
  EXPECT_EQ(decoded->controller_id, -1);
}

TEST(Codec, NullIsEmptyInAVersionWithoutIt) {
  std::string body;
  encode(JoinGroupResponse{.protocol_name = std::nullopt}, 6, body);
  const auto decoded = decode<JoinGroupResponse>(body, 6);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->protocol_name, "");
}

TEST(Codec, AStringTooLongForTheProtocolIsCut) {
  std::string body;
  encode(JoinGroupResponse{.leader = std::string(40'000, 'x')}, 5, body);
  const auto decoded = decode<JoinGroupResponse>(body, 5);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->leader.size(), kStringBytesMax);
}

TEST(Codec, AVersionThatWeDoNotHaveIsUnsupported) {
  const auto request = decode<ProduceRequest>("", 2);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, Errc::unsupported);
}

TEST(Codec, ANewerSubscriptionIsReadAsTheNewestThatWeKnow) {
  std::string blob =
      encode_versioned(ConsumerProtocolSubscription{.topics = {"a"}, .generation_id = 5, .rack_id = "r"}, 3);
  blob[1] = 7;  // from the future, with one more field
  blob += "more";
  const auto decoded = decode_versioned<ConsumerProtocolSubscription>(blob);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->topics, std::vector<std::string>{"a"});
  EXPECT_EQ(decoded->rack_id, "r");
}

TEST(Codec, ANewerInternalRecordIsUnsupported) {
  EXPECT_EQ(decode_versioned<OffsetCommitValue>(std::string("\0\x05", 2)).error().code, Errc::unsupported);
  EXPECT_EQ(decode_versioned<OffsetCommitValue>("x").error().code, Errc::corrupt);
  EXPECT_EQ(leading_version(encode_versioned(GroupMetadataKey{.group = "g"}, 2)), 2);
}

TEST(Print, ShowsOneLineLikeJson) {
  EXPECT_EQ(print(produce_of("batch"), 9),
            R"({"transactional_id":null,"acks":-1,"timeout_ms":500,"topic_data":[{"name":"logs","partition_data":)"
            R"([{"index":7,"records":<5 bytes>}]}]})");
}

TEST(Print, EscapesAndCutsWhatComesFromOutside) {
  ProduceRequest request = produce_of("");
  request.topic_data[0].name = "a\"\n\x1b[31m" + std::string(1000, 'x');
  const std::string line = print(request, 9);
  EXPECT_NE(line.find(R"(a\"\x0a\x1b[31m)"), std::string::npos);
  EXPECT_LT(line.size(), 600u);
}

TEST(Print, IsBoundedWhateverTheMessage) {
  MetadataResponse response;
  response.topics.resize(10'000);
  for (auto& topic : response.topics) topic.partitions.resize(10);
  EXPECT_EQ(print(response, 9).size(), kPrintBytesMax);
}

}  // namespace
}  // namespace mq::wire
