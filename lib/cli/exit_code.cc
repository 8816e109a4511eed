#include "cli/exit_code.h"

namespace mq::cli {
namespace {

constexpr ExitCodeRow kRows[] = {
    {ExitCode::ok, "everything asked for was done", ""},
    {ExitCode::some_failed, "ran, but some record or item failed, or --fail-empty and nothing matched", "see stderr"},
    {ExitCode::usage, "usage: bad option, bad value, bad format string", "no"},
    {ExitCode::unreachable, "broker or cluster unreachable, or timeout", "yes"},
    {ExitCode::denied, "authentication or authorisation refused", "no"},
    {ExitCode::not_found, "no such topic, partition, group or broker", "no"},
    {ExitCode::precondition, "a precondition failed: group has members, topic exists, not enough replicas",
     "after action"},
    {ExitCode::damaged, "data verification failed: checksum, index, order, loss, duplicate", "alarm"},
    {ExitCode::needs_consent, "refused: needs --yes, or the profile is protected", "with --yes"},
    {ExitCode::time_limit, "--time-limit reached", ""},
    {ExitCode::hung_up, "died from SIGHUP", ""},
    {ExitCode::interrupted, "died from SIGINT", ""},
    {ExitCode::broken_pipe, "died from SIGPIPE", ""},
    {ExitCode::terminated, "died from SIGTERM", ""},
};

}  // namespace

std::span<const ExitCodeRow> exit_codes() { return kRows; }

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {  // no default: a new Errc must not compile until someone decides
    case Errc::broker:
      return exit_code_of(static_cast<ErrorCode>(error.kafka_code));
    case Errc::invalid_argument:
    case Errc::unsupported:
      return ExitCode::usage;
    case Errc::unreachable:
    case Errc::timed_out:
    case Errc::closed:
      return ExitCode::unreachable;
    case Errc::not_found:
      return ExitCode::not_found;
    case Errc::already_exists:
    case Errc::conflict:
    case Errc::refused:
      return ExitCode::precondition;
    case Errc::corrupt:
    case Errc::corrupt_batch:
    case Errc::invalid_record:
      return ExitCode::damaged;
    case Errc::too_large:
    case Errc::offset_out_of_range:
    case Errc::out_of_order_sequence:
    case Errc::invalid_producer_epoch:
    case Errc::invalid_timestamp:
    case Errc::not_leader:
    case Errc::disk_failed:
    case Errc::read_failed:
    case Errc::disk_full:
    case Errc::would_block:
    case Errc::cancelled:
    case Errc::too_many_files:
    case Errc::internal:
      return ExitCode::some_failed;
  }
  return ExitCode::some_failed;
}

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return ExitCode::ok;
    case ErrorCode::kUnsupportedVersion:
    case ErrorCode::kInvalidTopicException:
    case ErrorCode::kInvalidPartitions:
    case ErrorCode::kInvalidReplicationFactor:
    case ErrorCode::kInvalidReplicaAssignment:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kInvalidGroupId:
      return ExitCode::usage;
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kBrokerNotAvailable:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kNetworkException:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
      return ExitCode::unreachable;
    case ErrorCode::kTopicAuthorizationFailed:
    case ErrorCode::kGroupAuthorizationFailed:
    case ErrorCode::kClusterAuthorizationFailed:
    case ErrorCode::kTransactionalIdAuthorizationFailed:
    case ErrorCode::kSaslAuthenticationFailed:
    case ErrorCode::kUnsupportedSaslMechanism:
    case ErrorCode::kIllegalSaslState:
      return ExitCode::denied;
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kGroupIdNotFound:
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kResourceNotFound:
    case ErrorCode::kLogDirNotFound:
    case ErrorCode::kTransactionalIdNotFound:
    case ErrorCode::kBrokerIdNotRegistered:
      return ExitCode::not_found;
    case ErrorCode::kTopicAlreadyExists:
    case ErrorCode::kNonEmptyGroup:
    case ErrorCode::kGroupSubscribedToTopic:
    case ErrorCode::kRebalanceInProgress:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kPolicyViolation:
    case ErrorCode::kReassignmentInProgress:
    case ErrorCode::kNoReassignmentInProgress:
    case ErrorCode::kPreferredLeaderNotAvailable:
    case ErrorCode::kEligibleLeadersNotAvailable:
    case ErrorCode::kElectionNotNeeded:
    case ErrorCode::kTopicDeletionDisabled:
      return ExitCode::precondition;
    case ErrorCode::kCorruptMessage:
      return ExitCode::damaged;
    default:
      return ExitCode::some_failed;  // most codes concern one record or request: stderr names them
  }
}

}  // namespace mq::cli
