#include "client/errors.h"

namespace mq::client {

std::string_view meaning_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kGroupIdNotFound:
      return "it does not exist";
    case ErrorCode::kTopicAlreadyExists:
      return "it exists already";
    case ErrorCode::kMessageTooLarge:
      return "a record or batch is larger than the topic's max.message.bytes";
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
      return "fewer replicas are in sync than min.insync.replicas asks for";
    case ErrorCode::kLeaderNotAvailable:
      return "it has no leader now";
    case ErrorCode::kNonEmptyGroup:
      return "the group has members";
    case ErrorCode::kInvalidReplicationFactor:
      return "there are not so many brokers";
    case ErrorCode::kFencedInstanceId:
      return "another member has this instance id now";
    case ErrorCode::kInconsistentGroupProtocol:
      return "its members share partitions out in another way";
    case ErrorCode::kKafkaStorageError:
      return "the broker cannot write to its disk";
    default:
      return {};
  }
}

}  // namespace mq::client
