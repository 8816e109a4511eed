// JoinGroup (11), SyncGroup (14), Heartbeat (12), LeaveGroup (13): to the coordinator of the group and back.

#include <utility>

#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/sync_group.h"

namespace mq::broker {
namespace {

// What a member may say about itself. The group's record in __consumer_offsets holds it for each member and must fit in
// one message, so more could never be kept.
constexpr std::size_t kMetadataBytesMax = 1 << 20;

void join_group(Call call, wire::JoinGroupRequest request) {
  std::size_t metadata = 0;
  for (const auto& protocol : request.protocols) metadata += protocol.name.size() + protocol.metadata.size();
  if (metadata > kMetadataBytesMax) {
    wire::JoinGroupResponse response;
    response.error_code = ErrorCode::kInvalidRequest;
    return call.answer(response);
  }
  const std::string group_id = request.group_id;
  group::Client client = client_of(call);
  ask_coordinator<wire::JoinGroupResponse>(
      std::move(call), group_id,
      [client = std::move(client), request = std::move(request)](group::Coordinator& coordinator,
                                                                 group::RequestToken token, group::Time time) {
        return coordinator.join(token, client, request, time);
      });
}

void sync_group(Call call, wire::SyncGroupRequest request) {
  const std::string group_id = request.group_id;
  ask_coordinator<wire::SyncGroupResponse>(std::move(call), group_id,
                                           ask_with(&group::Coordinator::sync, std::move(request)));
}

void heartbeat(Call call, wire::HeartbeatRequest request) {
  const std::string group_id = request.group_id;
  ask_coordinator<wire::HeartbeatResponse>(std::move(call), group_id,
                                           ask_with(&group::Coordinator::heartbeat, std::move(request)));
}

void leave_group(Call call, wire::LeaveGroupRequest request) {
  const std::string group_id = request.group_id;
  const ApiVersion version = call.version();
  ask_coordinator<wire::LeaveGroupResponse>(
      std::move(call), group_id,
      [version, request = std::move(request)](group::Coordinator& coordinator, group::RequestToken token,
                                              group::Time time) {
        return coordinator.leave(token, version, request, time);
      });
}

}  // namespace

extern const ApiEntry kJoinGroupApi{.key = ApiKey::kJoinGroup,
                                    .start = of_group<wire::JoinGroupRequest, join_group>,
                                    .needs = {.group = AclOperation::read}};
extern const ApiEntry kHeartbeatApi{.key = ApiKey::kHeartbeat,
                                    .start = of_group<wire::HeartbeatRequest, heartbeat>,
                                    .needs = {.group = AclOperation::read}};
extern const ApiEntry kLeaveGroupApi{.key = ApiKey::kLeaveGroup,
                                     .start = of_group<wire::LeaveGroupRequest, leave_group>,
                                     .needs = {.group = AclOperation::read}};
extern const ApiEntry kSyncGroupApi{.key = ApiKey::kSyncGroup,
                                    .start = of_group<wire::SyncGroupRequest, sync_group>,
                                    .needs = {.group = AclOperation::read}};

}  // namespace mq::broker
