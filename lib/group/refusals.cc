#include "group/refusals.h"

namespace mq::group {

wire::JoinGroupResponse refuse(const wire::JoinGroupRequest& request, ErrorCode error) {
  return join_error(request.member_id, error);
}

wire::JoinGroupResponse join_error(std::string_view member_id, ErrorCode error) {
  wire::JoinGroupResponse response;
  response.error_code = error;
  response.generation_id = -1;
  response.member_id = member_id;
  return response;
}

wire::SyncGroupResponse refuse(const wire::SyncGroupRequest&, ErrorCode error) {
  wire::SyncGroupResponse response;
  response.error_code = error;
  return response;
}

wire::HeartbeatResponse refuse(const wire::HeartbeatRequest&, ErrorCode error) {
  wire::HeartbeatResponse response;
  response.error_code = error;
  return response;
}

wire::LeaveGroupResponse refuse(const wire::LeaveGroupRequest&, ErrorCode error) {
  wire::LeaveGroupResponse response;
  response.error_code = error;
  return response;
}

wire::OffsetCommitResponse refuse(const wire::OffsetCommitRequest& request, ErrorCode error) {
  wire::OffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.topic_id = topic.topic_id;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      auto& result = answered.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = error;
    }
  }
  return response;
}

wire::OffsetDeleteResponse refuse(const wire::OffsetDeleteRequest&, ErrorCode error) {
  wire::OffsetDeleteResponse response;
  response.error_code = error;
  return response;
}

wire::OffsetFetchResponse::OffsetFetchResponseGroup refuse(
    const wire::OffsetFetchRequest::OffsetFetchRequestGroup& request, ErrorCode error) {
  wire::OffsetFetchResponse::OffsetFetchResponseGroup response;
  response.group_id = request.group_id;
  response.error_code = error;
  return response;
}

wire::DeleteGroupsResponse::DeletableGroupResult refuse_delete(std::string_view group_id, ErrorCode error) {
  wire::DeleteGroupsResponse::DeletableGroupResult result;
  result.group_id = group_id;
  result.error_code = error;
  return result;
}

ErrorCode after_failed_group_append(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kRequestTimedOut:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kUnknownServerError;
    default:
      return error;
  }
}

ErrorCode after_failed_offset_append(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kInvalidCommitOffsetSize;
    default:
      return error;
  }
}

}  // namespace mq::group
