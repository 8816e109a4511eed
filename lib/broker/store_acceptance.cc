#include "broker/store_acceptance.h"

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "broker/data_directory.h"
#include "log/epochs_file.h"

namespace mq::broker {
namespace {

using controller::Holdings;

/// Others change the store only where it is in use.
constexpr int kAcceptanceTriesMax = 5;

}  // namespace

awaitable<Result<Holdings>> StoreAcceptance::holdings() {
  const auto& identity = node_.log_dir().identity();
  Holdings holdings{.broker = node_.config().node_id, .broker_epoch = node_.broker_epoch.load()};
  if (!node_.is_member() || !identity)
    co_return fail(Errc::refused, "this broker shares no metadata store with others");
  (void)Uuid::parse(identity->directory_id, holdings.directory);
  if (!identity->nonces.empty()) (void)Uuid::parse(identity->nonces.back(), holdings.nonce);
  holdings.is_holding = why_not_followed().has_value();
  if (!holdings.is_holding) co_return holdings;
  if (node_.is_held) {
    MQ_CO_TRY(holdings.logs, co_await node_.disk_pool().run(node_.home(), [this] { return logs_of_directory(); }));
  } else {
    holdings.logs = logs_of_image();
    holdings.producer_ids_end = writer_.image()->producer_ids().next;
  }
  co_return holdings;
}

std::vector<Holdings::Log> StoreAcceptance::logs_of_image() const {
  std::vector<Holdings::Log> logs;
  const ImagePtr image = writer_.image();
  for (const cluster::TopicPtr& topic : image->topics()) {
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      if (partition.has_replica(node_.config().node_id))
        logs.push_back({.topic_id = topic->id,
                        .topic = topic->name,
                        .partition = index,
                        .epoch = partition.leader_epoch,
                        .partition_epoch = partition.partition_epoch});
    }
  }
  return logs;
}

Result<std::vector<Holdings::Log>> StoreAcceptance::logs_of_directory() const {
  const log::LogDir& dir = node_.log_dir();
  MQ_TRY(const std::vector<TopicPartition> names, dir.partitions());
  std::vector<Holdings::Log> logs;
  for (const TopicPartition& name : names) {
    const auto id = topic_id_of(dir, node_.machine.files, name);
    if (!id) continue;  // whatever becomes of it, no metadata can name it
    Holdings::Log log{.topic_id = *id, .topic = name.topic, .partition = name.partition};
    const log::SegmentFiles files(node_.machine.files, std::make_shared<const std::string>(dir.directory_of(name)));
    // It may be older than the log, by fewer epochs than are passed over.
    const auto saved = log::read_epochs_file(files, LeaderEpoch{std::numeric_limits<std::int32_t>::max()});
    if (saved && saved->epochs) log.epoch = saved->epochs->latest();
    logs.push_back(std::move(log));
  }
  return logs;
}

awaitable<Result<controller::PlannedAcceptance>> StoreAcceptance::accept(controller::AcceptanceWish wish,
                                                                         bool validate_only) {
  node_.machine.random.fill(wish.id.bytes);
  for (int tries = 1;; ++tries) {
    if (!why_not_followed()) {
      controller::PlannedAcceptance refused;
      refused.refusal = {.error = ErrorCode::kInvalidRequest,
                         .message = "this broker follows its metadata store: there is nothing to accept"};
      co_return refused;
    }
    MQ_CO_TRY(const meta::Listing listing, co_await meta::list_all(writer_.store(), ""));
    MQ_CO_TRY(const cluster::ClusterImage image, cluster::ClusterImage::of_listing(listing.entries, listing.revision));
    controller::PlannedAcceptance planned = controller::plan_acceptance(image, wish);
    if (planned.refusal.error != ErrorCode::kNone || validate_only) co_return planned;
    const auto done = co_await commit(planned.plan);
    if (done) {
      MQ_MARK("broker: a store that is not the one that was known is accepted");
      node_.logger().warn("{} was accepted as it is: {} brokers go on with it, {} partitions have another leader epoch",
                          node_.machine.store.name, wish.asked.size(), planned.raised);
      co_return planned;
    }
    if (done.error().code != Errc::conflict || tries == kAcceptanceTriesMax) co_return std::unexpected(done.error());
  }
}

awaitable<Result<void>> StoreAcceptance::commit(const controller::Plan& plan) {
  meta::Revision first;
  for (std::size_t i = 0; i < plan.transactions.size(); ++i) {
    if (node_.life.is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
    meta::Transaction transaction = plan.transaction(i, first);
    node_.machine.random.fill(transaction.write_id);
    MQ_CO_TRY(const meta::Revision done, co_await writer_.store().transact(std::move(transaction)));
    if (i == 0) first = done;
  }
  co_return Result<void>{};
}

}  // namespace mq::broker
