#include "broker/disk_health.h"

#include <utility>

#include "base/mark.h"

namespace mq::broker {

DiskHealth::DiskHealth(env::Logger& logger, std::string data_dir, std::function<void(const Error&)> go_offline)
    : logger_(logger), data_dir_(std::move(data_dir)), go_offline_(std::move(go_offline)) {}

void DiskHealth::disk_failed(const Error& error) {
  if (offline_.exchange(true)) return;
  MQ_MARK("broker: the data directory goes offline");
  logger_.error("{} is offline: {}. Nothing more is acknowledged; look at the disk, then restart", data_dir_,
                error.message);
  go_offline_(error);
}

void DiskHealth::read_failed(const Error& error) {
  const std::lock_guard guard(failed_reads_mutex_);
  MQ_MARK("broker: something cannot be read from the disk");
  ++failed_reads_.count;
  failed_reads_.last = error.message;
}

DiskHealth::FailedReads DiskHealth::failed_reads() const {
  const std::lock_guard guard(failed_reads_mutex_);
  return failed_reads_;
}

}  // namespace mq::broker
