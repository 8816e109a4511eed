#pragma once

#include <string_view>

#include "group/effects.h"
#include "model/error_code.h"
#include "wire/messages/offset_fetch.h"

namespace mq::group {

// What a client is answered when nothing of its request is done; also for the caller, which refuses by rights or
// because the group belongs to another broker.

[[nodiscard]] wire::JoinGroupResponse refuse(const wire::JoinGroupRequest& request, ErrorCode error);
[[nodiscard]] wire::JoinGroupResponse join_error(std::string_view member_id, ErrorCode error);
[[nodiscard]] wire::SyncGroupResponse refuse(const wire::SyncGroupRequest& request, ErrorCode error);
[[nodiscard]] wire::HeartbeatResponse refuse(const wire::HeartbeatRequest& request, ErrorCode error);
[[nodiscard]] wire::LeaveGroupResponse refuse(const wire::LeaveGroupRequest& request, ErrorCode error);
/// Every partition gets the error: the response has no other place for one.
[[nodiscard]] wire::OffsetCommitResponse refuse(const wire::OffsetCommitRequest& request, ErrorCode error);
[[nodiscard]] wire::OffsetDeleteResponse refuse(const wire::OffsetDeleteRequest& request, ErrorCode error);
[[nodiscard]] wire::OffsetFetchResponse::OffsetFetchResponseGroup refuse(
    const wire::OffsetFetchRequest::OffsetFetchRequestGroup& request, ErrorCode error);
[[nodiscard]] wire::DeleteGroupsResponse::DeletableGroupResult refuse_delete(std::string_view group_id,
                                                                             ErrorCode error);

/// What a client learns when a group's record could not be appended.
[[nodiscard]] ErrorCode after_failed_group_append(ErrorCode error);
/// What a client learns when its offsets could not be appended.
[[nodiscard]] ErrorCode after_failed_offset_append(ErrorCode error);

}  // namespace mq::group
