#include "broker/api/api.h"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "broker/api/handlers.h"
#include "broker/services.h"
#include "wire/codec.h"

namespace mq::broker {
namespace {

template <class Request>
Result<Request> decode_body(BytesView body, ApiVersion version) {
  auto message = wire::decode<Request>(body, version);
  if constexpr (std::is_same_v<Request, wire::MetadataRequest>) {
    // librdkafka (2.16 still) asks for all topics with four bytes of zeros, where the null of a compact array is one.
    constexpr std::string_view kPaddedNull("\0\0\0\0", 4);
    if (!message && version >= Request::kFlexibleSince && body.starts_with(kPaddedNull))
      return wire::decode<Request>(body.substr(kPaddedNull.size() - 1), version);
  }
  return message;
}

/// Decodes the body as `Request` and gives it to `handler`. A body that does not follow its format ends the connection,
/// as in Kafka: where its fields end is not known, so no answer could be trusted.
template <class Request, class Handler>
void decode_and(Call call, Handler handler) {
  auto message = decode_body<Request>(call.request().body, call.version());
  if (!message) return call.responder().close("a request that cannot be decoded: " + message.error().message);
  // Records are views of the frame. All else was copied, and a request that waits need not keep its bytes.
  if constexpr (!std::is_same_v<Request, wire::ProduceRequest>) {
    call.responder().hold(call.request().body.size());
    call.release_frame();
  }
  handler(std::move(call), std::move(*message));
}

/// For `Response f(Call&, const Request&)`.
template <class Request, auto f>
void answering(Call call) {
  decode_and<Request>(std::move(call), [](Call c, const Request& message) { c.answer(f(c, message)); });
}

template <class Request, auto f>
awaitable<void> run_suspending(Call call, Request message) {
  call.answer(co_await f(call, message));
}

/// For `awaitable<Response> f(Call&, const Request&)`.
template <class Request, auto f>
void suspending(Call call) {
  env::TaskGroup& tasks = call.home().tasks();
  decode_and<Request>(std::move(call), [&](Call c, Request message) {
    tasks.spawn(run_suspending<Request, f>(std::move(c), std::move(message)));
  });
}

template <class Request, auto f>
awaitable<void> run_holding(Connection::Hold, Call call, Request message) {
  call.answer(co_await f(call, message));
}

/// The same, but later requests of the connection start after it: what they find depends on what it does.
template <class Request, auto f>
void holding(Call call) {
  env::TaskGroup& tasks = call.home().tasks();
  decode_and<Request>(std::move(call), [&](Call c, Request message) {
    // Taken now: the coroutine may begin after the next frame was looked at.
    Connection::Hold hold(c.connection().shared_from_this());
    tasks.spawn(run_holding<Request, f>(std::move(hold), std::move(c), std::move(message)));
  });
}

/// For `void f(Call, Request)`.
template <class Request, auto f>
void free_form(Call call) {
  decode_and<Request>(std::move(call), [](Call c, Request message) { f(std::move(c), std::move(message)); });
}

constexpr ApiEntry kApis[] = {
    {ApiKey::kProduce, free_form<wire::ProduceRequest, produce>},
    {ApiKey::kFetch, free_form<wire::FetchRequest, fetch>},
    {ApiKey::kListOffsets, suspending<wire::ListOffsetsRequest, list_offsets>},
    {ApiKey::kMetadata, holding<wire::MetadataRequest, metadata>},
    {ApiKey::kOffsetCommit, free_form<wire::OffsetCommitRequest, offset_commit>},
    {ApiKey::kOffsetFetch, free_form<wire::OffsetFetchRequest, offset_fetch>},
    {ApiKey::kFindCoordinator, suspending<wire::FindCoordinatorRequest, find_coordinator>},
    {ApiKey::kJoinGroup, free_form<wire::JoinGroupRequest, join_group>},
    {ApiKey::kHeartbeat, free_form<wire::HeartbeatRequest, heartbeat>},
    {ApiKey::kLeaveGroup, free_form<wire::LeaveGroupRequest, leave_group>},
    {ApiKey::kSyncGroup, free_form<wire::SyncGroupRequest, sync_group>},
    {ApiKey::kDescribeGroups, suspending<wire::DescribeGroupsRequest, describe_groups>},
    {ApiKey::kListGroups, suspending<wire::ListGroupsRequest, list_groups>},
    {ApiKey::kApiVersions, answering<wire::ApiVersionsRequest, api_versions>},
    {ApiKey::kCreateTopics, suspending<wire::CreateTopicsRequest, create_topics>},
    {ApiKey::kDeleteTopics, suspending<wire::DeleteTopicsRequest, delete_topics>},
    {ApiKey::kDeleteRecords, suspending<wire::DeleteRecordsRequest, delete_records>},
    {ApiKey::kInitProducerId, suspending<wire::InitProducerIdRequest, init_producer_id>},
    {ApiKey::kOffsetForLeaderEpoch, suspending<wire::OffsetForLeaderEpochRequest, offset_for_leader_epoch>},
    {ApiKey::kDescribeConfigs, answering<wire::DescribeConfigsRequest, describe_configs>},
    {ApiKey::kAlterConfigs, suspending<wire::AlterConfigsRequest, alter_configs>},
    {ApiKey::kDescribeLogDirs, suspending<wire::DescribeLogDirsRequest, describe_log_dirs>},
    {ApiKey::kCreatePartitions, suspending<wire::CreatePartitionsRequest, create_partitions>},
    {ApiKey::kDeleteGroups, suspending<wire::DeleteGroupsRequest, delete_groups>},
    {ApiKey::kIncrementalAlterConfigs, suspending<wire::IncrementalAlterConfigsRequest, incremental_alter_configs>},
    {ApiKey::kOffsetDelete, free_form<wire::OffsetDeleteRequest, offset_delete>},
    {ApiKey::kDescribeCluster, answering<wire::DescribeClusterRequest, describe_cluster>},
    {ApiKey::kDescribeProducers, suspending<wire::DescribeProducersRequest, describe_producers>},
    {ApiKey::kDescribeTopicPartitions, answering<wire::DescribeTopicPartitionsRequest, describe_topic_partitions>},
};

/// Kafka answers an ApiVersions request of an unknown version in version 0, so that any client can read what we speak.
void answer_unknown_api_versions(Request request, Responder responder) {
  request.header.api_version = 0;
  wire::ApiVersionsResponse response = all_api_versions(0);
  response.error_code = ErrorCode::kUnsupportedVersion;
  responder.send({.head = wire::encode_response(request.header, response), .files = {}});
}

}  // namespace

void Call::count_some_errors(ApiKey api, std::span<const ErrorCode> errors) {
  home_->metrics().count_errors(api, errors);
}

std::span<const ApiEntry> api_table() { return kApis; }

void serve(ShardServices& home, Request request, Responder responder) {
  const auto key = static_cast<ApiKey>(request.header.api_key);
  const auto entry = std::ranges::find(kApis, key, &ApiEntry::key);
  if (entry == std::end(kApis))
    return responder.close(fmt::format("API key {} is not served here", request.header.api_key));
  const ApiInfo& info = api_info(key);
  const ApiVersion version = request.header.api_version;
  if (version < info.version_min || version > info.version_max) {
    if (key == ApiKey::kApiVersions) return answer_unknown_api_versions(std::move(request), std::move(responder));
    return responder.close(fmt::format("{} version {} is not served; the versions are {} to {}", info.name, version,
                                       info.version_min, info.version_max));
  }
  if (key == ApiKey::kProduce && !wire::ProduceRequest::kVersions.contains(version))
    return produce_old(Call(home, std::move(request), std::move(responder)));
  entry->start(Call(home, std::move(request), std::move(responder)));
}

}  // namespace mq::broker
