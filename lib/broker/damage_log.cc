#include "broker/damage_log.h"

#include "base/mark.h"
#include "log/segment_reader.h"

namespace mq::broker {
namespace {

// Clients ask for a damaged place again and again.
constexpr Duration kDamageToldEvery = 10min;

}  // namespace

void DamageLog::tell(const Error& error) {
  if (!log::is_damage(error)) return;
  MQ_MARK("broker: damage is told");
  const bool is_unreadable = error.code == Errc::read_failed;
  if (is_unreadable) shard_.node.disk_health.read_failed(error);
  const Instant now = shard_.shard.now();
  if (error.message == told_ && now < told_at_ + kDamageToldEvery) return;
  told_ = error.message;
  told_at_ = now;
  if (is_unreadable) {
    shard_.peer_log.error(
        "{} cannot be read from the disk and is not served there: {}; all else is. Look at the disk; what it gives "
        "again is served again, no restart is needed",
        partition_.to_string(), error.message);
  } else {
    shard_.peer_log.error(
        "{} is damaged on disk and will not be served there: {}; 'mqctl segment verify' lists all damage of its "
        "directory",
        partition_.to_string(), error.message);
  }
}

}  // namespace mq::broker
