#pragma once

#include <variant>

#include "statelog/effects.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/sync_group.h"

namespace mq::group {

using statelog::Append;
using statelog::AppendToken;
using statelog::Record;
using statelog::RequestToken;
using statelog::Time;

using Response = std::variant<wire::JoinGroupResponse, wire::SyncGroupResponse, wire::HeartbeatResponse,
                              wire::LeaveGroupResponse, wire::OffsetCommitResponse, wire::OffsetDeleteResponse,
                              wire::DeleteGroupsResponse::DeletableGroupResult>;

using Answer = statelog::Answer<Response>;
using Effects = statelog::Effects<Response>;

}  // namespace mq::group
