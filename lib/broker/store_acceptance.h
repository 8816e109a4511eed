#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "controller/acceptance_plans.h"
#include "env/async.h"
#include "model/ids.h"

namespace mq::broker {

/// What this broker says of itself when its metadata store is not the one that it knew, and how an operator has the
/// brokers go on with that store all the same (C-6). It works on the store itself: the broker's image is of another
/// one.
///
/// On the first shard; the broker may be held at its start, or serve on with what it knew.
class StoreAcceptance {
 public:
  StoreAcceptance(NodeContext& node, MetadataWriter& writer) : node_(node), writer_(writer) {}

  /// Why this broker does not follow the store. Nothing: it does.
  [[nodiscard]] const std::optional<std::string>& why_not_followed() const { return writer_.why_not_followed(); }
  awaitable<Result<controller::Holdings>> holdings();
  /// What `wish` means for the store as it is now; unless `validate_only` that is done on return. Its refusal, else an
  /// error of the store, after which some of it may be done: it means nothing, and is to be asked for again.
  awaitable<Result<controller::PlannedAcceptance>> accept(controller::AcceptanceWish wish, bool validate_only);

 private:
  [[nodiscard]] std::vector<controller::Holdings::Log> logs_of_image() const;
  /// Those of the directory, none of which is open. Pool.
  [[nodiscard]] Result<std::vector<controller::Holdings::Log>> logs_of_directory() const;
  awaitable<Result<void>> commit(const controller::Plan& plan);

  NodeContext& node_;
  MetadataWriter& writer_;
};

}  // namespace mq::broker
