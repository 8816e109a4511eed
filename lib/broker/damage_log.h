#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "broker/shard_context.h"
#include "model/ids.h"

namespace mq::broker {

/// Tells the operator what of one partition is damaged on disk, or cannot be read from it. Once in a while for the same
/// place, however often a client asks for it. Its shard's thread only.
class DamageLog {
 public:
  /// Both outlive it.
  DamageLog(ShardContext& shard, const TopicPartition& partition) : shard_(shard), partition_(partition) {}

  /// An error that is no matter of the disk is not told.
  void tell(const Error& error);

 private:
  ShardContext& shard_;
  const TopicPartition& partition_;
  std::string told_;
  Instant told_at_;
};

}  // namespace mq::broker
