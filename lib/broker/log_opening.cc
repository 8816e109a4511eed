#include "broker/log_opening.h"

#include <memory>
#include <set>
#include <utility>

#include "base/mark.h"
#include "base/mutant.h"

namespace mq::broker {

awaitable<Result<std::size_t>> LogOpening::tidy(const Differences& found, ImagePtr image) {
  MQ_CO_TRY(const Tidied tidied, co_await logs_.tidy(found, image));
  std::vector<Uuid> gone;
  for (const auto& [id, tombstone] : image->tombstones())
    if (!tidied.deleted_left.contains(id)) gone.push_back(id);
  if (!gone.empty()) MQ_MARK("broker: a start goes on with a deletion");
  Result<void> done;
  if (!gone.empty()) done = co_await topics_.forget(std::move(gone));
  if (done && !(image->creations().empty() && image->loose_partitions().empty())) done = co_await topics_.sweep();
  // On a full disk we start all the same: consumers want to read, and nothing rests on this.
  if (!done && done.error().code != Errc::disk_full) co_return fail(done.error());
  if (!done)
    node_.logger().warn("what metadata has of deleted topics could not be erased: {}; the next start tries again",
                        done.error().message);
  co_return tidied.strays;
}

awaitable<Result<void>> LogOpening::open(std::vector<Differences::Missing> missing, bool accepts_store) {
  std::vector<UncertainLog> uncertain;
  // Before they are made again: else the next start would take them for what was there before.
  for (const Differences::Missing& log : missing)
    if (log.is_lost || accepts_store) uncertain.push_back({.topic_id = log.topic->id, .partition = log.partition});
  MQ_CO_TRY(const bool may_make_lost, co_await raise_epochs(uncertain, accepts_store));
  LateWork late;
  std::vector<Differences::Missing> to_make;
  for (Differences::Missing& log : missing)
    (log.is_lost && !may_make_lost ? late.to_make : to_make).push_back(std::move(log));
  MQ_CO_TRY(const auto left, co_await topics_.make_missing(std::move(to_make)));
  late.to_make.insert(late.to_make.end(), left.begin(), left.end());

  std::set<std::pair<Uuid, PartitionId>> not_made;
  for (const Differences::Missing& log : late.to_make) not_made.emplace(log.topic->id, PartitionId{log.partition});
  MQ_CO_TRY(uncertain, co_await shards_.open_logs(std::move(not_made)));
  if (is_mutant("bootearly")) MQ_CO_CHECK(node_.log_dir().finish_clean());
  MQ_CO_TRY(const bool are_raised, co_await raise_epochs(uncertain, accepts_store));
  if (!are_raised) late.to_raise = std::move(uncertain);
  if (late.to_make.empty()) MQ_CO_CHECK(co_await logs_.settle());
  if (late.to_raise.empty() && late.to_make.empty()) co_return Result<void>{};
  // What was proven can be read meanwhile.
  MQ_MARK("broker: a full disk puts off what a start has to write");
  co_await shards_.hold_appends(late.to_raise);
  node_.disk_space.put_off([this, work = std::make_shared<LateWork>(std::move(late))] { return do_late(work); });
  co_return Result<void>{};
}

awaitable<Result<bool>> LogOpening::raise_epochs(const std::vector<UncertainLog>& logs, bool accepts_store) {
  if (logs.empty()) co_return true;
  node_.logger().info("raising the leader epoch of {} partitions, whose last records may be lost", logs.size());
  MQ_MARK("broker: a start raises leader epochs");
  const auto raised = co_await topics_.raise_epochs(logs);
  // Metadata that has gone back is accepted as a whole or not at all.
  if (!raised && (raised.error().code != Errc::disk_full || accepts_store)) co_return fail(raised.error());
  co_return raised.has_value();
}

awaitable<bool> LogOpening::do_late(std::shared_ptr<LateWork> work) {
  std::vector<UncertainLog> uncertain = work->to_raise;
  MQ_MARK("broker: what a start put off is done");
  for (const Differences::Missing& log : work->to_make)
    if (log.is_lost) uncertain.push_back({.topic_id = log.topic->id, .partition = log.partition});
  if (!uncertain.empty()) {
    if (!co_await topics_.raise_epochs(uncertain)) co_return false;
    node_.logger().info("raised the leader epoch of {} partitions, which take appends now", uncertain.size());
  }
  work->to_raise.clear();
  for (Differences::Missing& log : work->to_make) log.is_lost = false;  // their epochs are above all that they had
  auto left = co_await topics_.make_missing(std::exchange(work->to_make, {}));
  if (!left) co_return true;  // the disk failed, or a directory is in the way: the next start says so
  work->to_make = *std::move(left);
  if (!work->to_make.empty()) co_return false;
  if (auto settled = co_await logs_.settle(); !settled && settled.error().code == Errc::disk_failed)
    node_.disk_health.disk_failed(settled.error());
  co_return true;
}

}  // namespace mq::broker
