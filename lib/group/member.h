#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/api_key.h"
#include "statelog/effects.h"

namespace mq::group {

/// Who sends a request.
struct Client {
  std::string id;
  std::string host;  ///< as Kafka writes it: "/127.0.0.1"
  ApiVersion version = 0;
};

/// A way of assigning that a member supports, and what it says about itself in that way.
struct Protocol {
  std::string name;
  std::string metadata;
  friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// What members' protocols take: in memory, and the most of it that goes into a group's record.
struct ProtocolsSize {
  std::size_t bytes = 0;
  std::size_t metadata_bytes_max = 0;
};
[[nodiscard]] ProtocolsSize size_of(const std::vector<Protocol>& protocols);

/// A member of a classic group.
struct Member {
  std::string id;
  std::optional<std::string> instance_id;  ///< of a static member
  std::string client_id;
  std::string client_host;
  Duration rebalance_timeout{0};
  Duration session_timeout{0};
  std::vector<Protocol> protocols;  ///< most wanted first, no name twice
  ProtocolsSize protocols_size;     ///< kept by Members
  std::string assignment;

  bool is_new = false;       ///< it has had no answer to a JoinGroup yet, so it cannot heartbeat
  bool sync_due = false;     ///< it was told the generation and has not sent SyncGroup for it
  Instant session_deadline;  ///< when it is expelled, unless it waits for one of these:
  std::optional<statelog::RequestToken> join_token;  ///< its parked JoinGroup
  std::optional<statelog::RequestToken> sync_token;  ///< its parked SyncGroup

  /// A member that waits for us is alive as far as we can know. A new one is not trusted to wait forever.
  [[nodiscard]] bool may_expire() const { return is_new || (!join_token && !sync_token); }
  /// What it said for `protocol`; empty when it does not support it.
  [[nodiscard]] std::string_view metadata_for(std::string_view protocol) const;
  /// In memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_with(protocols_size.bytes, assignment.size()); }
  /// The same if what it says and is assigned took so much.
  [[nodiscard]] std::size_t bytes_with(std::size_t protocols_bytes, std::size_t assignment_bytes) const;
};

}  // namespace mq::group
