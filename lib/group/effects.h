#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/strong.h"
#include "base/time.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/sync_group.h"

namespace mq::group {

/// Names a request whose answer may come later. Chosen by the caller, never twice at a time.
using RequestToken = Strong<std::uint64_t, struct RequestTokenTag>;
/// Names an append that a coordinator asked for. Grows by one with each.
using AppendToken = Strong<std::uint64_t, struct AppendTokenTag>;

/// When something happens, on both clocks: sessions and timeouts are measured on the first, what is written into
/// records and the retention of offsets on the second.
struct Time {
  Instant now;
  WallMillis wall = 0;
};

/// One record for the offsets partition; a value of nothing is a tombstone.
struct Record {
  std::string key;
  std::optional<std::string> value;
};

/// Records to append as one batch. `Coordinator::on_appended` must be called once for it.
struct Append {
  AppendToken token;
  std::vector<Record> records;
};

using Response = std::variant<wire::JoinGroupResponse, wire::SyncGroupResponse, wire::HeartbeatResponse,
                              wire::LeaveGroupResponse, wire::OffsetCommitResponse, wire::OffsetDeleteResponse,
                              wire::DeleteGroupsResponse::DeletableGroupResult>;

/// The answer to a request, of the type that belongs to it.
struct Answer {
  RequestToken to;
  Response response;
};

/// What a coordinator wants done. Appends are carried out in their order, also over several calls; answers are sent at
/// once. What an answer depends on is in the log already when it is here.
struct Effects {
  std::vector<Append> appends;
  std::vector<Answer> answers;
};

}  // namespace mq::group
