#include "broker/metadata_writer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "broker/data_directory.h"
#include "broker/timed_store.h"
#include "cluster/keys.h"

namespace mq::broker {
namespace {

/// How often a transaction is sent whose outcome the store leaves open, and how long we wait between two looks.
constexpr int kSettleTriesMax = 5;
constexpr Duration kSettlePause = 100ms;

bool is_open_outcome(const Error& error) { return error.code == Errc::timed_out || error.code == Errc::unreachable; }

/// What the transaction compares a key with that it changes; of one that it puts, if there is one. Null: it does not.
const meta::Compare* fence_of(const meta::Transaction& transaction) {
  const meta::Compare* fence = nullptr;
  for (const meta::Op& op : transaction.ops) {
    const auto of_key = std::ranges::find(transaction.compares, op.key, &meta::Compare::key);
    if (of_key == transaction.compares.end()) continue;
    fence = &*of_key;
    if (op.value) break;
  }
  return fence;
}

/// Of the transaction at `revision`; zero where none of `changes` is of it.
meta::WriteId write_id_at(meta::Revision revision, const std::vector<meta::Change>& changes) {
  const auto of_it = [revision](const meta::Change& change) { return change.entry.modified == revision; };
  const auto found = std::ranges::find_if(changes, of_it);
  return found == changes.end() ? meta::WriteId{} : found->entry.write_id;
}

/// What says that `next`, a listing, is not of a later time than `known`.
std::optional<std::string> why_not_after(const cluster::ClusterImage& known, const cluster::ClusterImage& next,
                                         BrokerId self) {
  const auto vanished = cluster::vanished_topics(known, next, self);
  if (!vanished.empty())
    return fmt::format("topics {} are gone from it that nobody deleted", fmt::join(vanished, ", "));
  return cluster::earlier_part(known, next);
}

bool erases(const meta::Transaction& transaction, const std::string& key) {
  return std::ranges::any_of(transaction.ops, [&](const meta::Op& op) { return op.key == key && !op.value; });
}

}  // namespace

MetadataWriter::MetadataWriter(NodeContext& node, AllShards& shards)
    : node_(node), shards_(shards), topics_(node.home()), sending_(node.home()), installing_(node.home()) {}

void MetadataWriter::use(std::unique_ptr<meta::MetadataStore> store) {
  MQ_ASSERT(!store_);
  if (ClusterMetrics* const metrics = node_.cluster_metrics.get())
    store = std::make_unique<TimedStore>(std::move(store), node_.home(), *metrics);
  store_ = std::move(store);
}

void MetadataWriter::hold(ImagePtr image, std::string why) {
  image_ = std::move(image);
  wrong_ = std::move(why);
  is_held_ = true;
}

awaitable<Result<void>> MetadataWriter::begin(controller::Plan migration, ImagePtr known) {
  is_held_ = false;
  wrong_.reset();
  if (known != nullptr && migration.empty()) {
    image_ = std::move(known);
    co_return Result<void>{};
  }
  meta::Revision first;
  for (std::size_t i = 0; i < migration.transactions.size(); ++i) {
    meta::Transaction transaction = migration.transaction(i, first);
    node_.machine.random.fill(transaction.write_id);
    MQ_CO_TRY(const meta::Revision done, co_await send(std::move(transaction), Room::may_spend_reserve));
    if (i == 0) first = done;
  }
  co_return co_await read();
}

awaitable<Result<void>> MetadataWriter::commit(controller::Plan plan, Room room) {
  meta::Revision first;
  for (std::size_t i = 0; i < plan.transactions.size(); ++i) {
    // A stop waits for the transaction in progress, not for all that are to come.
    if (node_.life.is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
    MQ_CO_TRY(const meta::Revision done, co_await transact(plan.transaction(i, first), room));
    if (i == 0) first = done;
  }
  co_return Result<void>{};
}

awaitable<void> MetadataWriter::install() {
  const auto held = co_await installing_.take();
  const ImagePtr image = image_;
  const std::vector<cluster::TopicPtr> gone = std::exchange(gone_, {});
  if (!gone.empty()) (void)co_await shards_.topics_deleted(gone);
  installed_ = image;
  (void)co_await shards_.install(image);
  if (!gone.empty()) (void)co_await shards_.topics_are_gone(gone);
}

// --- Transactions ----------------------------------------------------------------------------------------------------

awaitable<Result<meta::Revision>> MetadataWriter::transact(meta::Transaction transaction, Room room) {
  const auto held = co_await sending_.take();
  // Whoever waits behind others would hear the same only later.
  if (node_.store_contact.is_lost()) {
    MQ_MARK("broker: metadata is not changed while its store is not there");
    co_return fail(Errc::unreachable, "{}: nothing was changed. Once it runs and this broker reaches it, try again",
                   node_.store_contact.how_long());
  }
  // What is true in it says nothing of what is true here. Perhaps it is the right one again.
  if (is_held_) co_return fail(Errc::unreachable, "{}; nothing is changed", *wrong_);
  if (wrong_)
    if (const auto followed = co_await catch_up(); !followed) co_return refuse_change(followed.error());
  const Instant asked = node_.home().now();
  node_.machine.random.fill(transaction.write_id);
  auto committed = co_await send(transaction, room);
  const bool was_open = !committed && is_open_outcome(committed.error());
  if (was_open) committed = co_await settle(transaction, std::move(committed).error());

  if (committed && node_.cluster_metrics) node_.cluster_metrics->committed(*image_, transaction);

  // Nobody else has written when the next revision is ours.
  const bool is_next = committed && !was_open && committed->value() == image_->revision().value() + 1;
  Result<void> followed;
  if (is_next) {
    const ImagePtr before = image_;
    followed = follow(cluster::changes_of(transaction, *committed), *committed);
    if (followed) note_own_replicas(*before, transaction);
  } else if (committed || was_open || committed.error().code == Errc::conflict) {
    followed = co_await catch_up();
  }
  if (committed) co_await remember();
  if (committed && followed) node_.store_contact.heard(asked);
  if (!followed && wrong_) co_return refuse_change(followed.error());
  if (!followed) co_return std::unexpected(std::move(followed).error());
  co_return committed;
}

/// As if the store were not there.
std::unexpected<Error> MetadataWriter::refuse_change(const Error& why) {
  if (!wrong_) return std::unexpected(why);
  return fail(Errc::unreachable,
              "{}; nothing is changed until a store is put back that is as new as what was seen, or mqctl cluster "
              "accept-store has the brokers go on with this one",
              why.message);
}

awaitable<Result<meta::Revision>> MetadataWriter::send(meta::Transaction transaction, Room room) {
  const auto send_it = [&] { return store_->transact(transaction); };
  auto committed =
      co_await (room == Room::may_spend_reserve ? node_.disk_space.with_reserve(node_.home(), send_it) : send_it());
  if (!committed && committed.error().code == Errc::disk_full) MQ_MARK("broker: metadata finds the disk full");
  if (!committed && committed.error().code == Errc::disk_full) node_.disk_space.found_full(committed.error());
  if (!committed && committed.error().code == Errc::disk_failed) MQ_MARK("broker: metadata finds the disk broken");
  if (!committed && committed.error().code == Errc::disk_failed) node_.disk_health.disk_failed(committed.error());
  co_return committed;
}

/// The first that was sent may take effect at any time, also after we looked. All that are sent compare the same key as
/// it is now, so that at most one of them does; which one, and whether any, its write id says once the key has changed.
awaitable<Result<meta::Revision>> MetadataWriter::settle(meta::Transaction sent, Error open) {
  const meta::Compare* fence = fence_of(sent);
  if (fence == nullptr) co_return std::unexpected(std::move(open));
  std::vector<meta::WriteId> ours{sent.write_id};
  meta::Transaction again = sent;
  for (int tries = 0; tries < kSettleTriesMax && !node_.life.is_stopping(); ++tries) {
    if (node_.store_contact.is_lost()) break;
    co_await node_.home().sleep_until(node_.home().now() + kSettlePause);
    const auto found = co_await store_->get(fence->key);
    if (!found && is_open_outcome(found.error())) continue;
    if (!found) co_return std::unexpected(found.error());
    if (*found && std::ranges::find(ours, (*found)->write_id) != ours.end()) co_return (*found)->modified;
    const bool is_as_before = fence->holds(*found ? &**found : nullptr);
    // Nobody but us erases it as we know it; a plan that goes on compares what the first of its transactions put.
    if (!is_as_before && !*found && erases(sent, fence->key)) co_return image_->revision();
    if (!is_as_before) co_return fail(Errc::conflict, "metadata key {} was changed by somebody else", fence->key);
    if (is_mutant("settleearly")) co_return fail(Errc::conflict, "it took no effect");
    node_.machine.random.fill(again.write_id);
    ours.push_back(again.write_id);
    auto done = co_await store_->transact(again);
    // After a conflict the key says whether an earlier one of ours was the cause.
    if (done || (!is_open_outcome(done.error()) && done.error().code != Errc::conflict)) co_return done;
  }
  co_return fail(open.code, "{} has not said whether it took effect, which it may yet: {}", node_.machine.store.name,
                 open.message);
}

// --- The image -------------------------------------------------------------------------------------------------------

awaitable<Result<void>> MetadataWriter::follow_others() {
  const auto held = co_await sending_.take();
  co_return co_await catch_up();
}

awaitable<Result<void>> MetadataWriter::catch_up() {
  while (true) {
    MQ_CO_TRY(const auto changes, co_await store_->changes(image_->revision()));
    if (!changes) co_return co_await read();
    const ImagePtr before = image_;
    MQ_CO_CHECK(follow(changes->entries, changes->revision));
    note_changed(*before, *image_, changes->entries);
    note_right_store();
    if (!changes->has_more) co_return Result<void>{};
  }
}

Result<void> MetadataWriter::follow(const std::vector<meta::Change>& changes, meta::Revision revision) {
  MQ_TRY(cluster::ClusterImage next, image_->apply(changes, revision));
  for (const meta::Change& change : changes) {
    const cluster::ParsedKey key = cluster::parse_key(change.entry.key);
    if (key.kind == cluster::KeyKind::topic) note_gone(image_->share_topic(key.name), next);
  }
  if (next.revision() != image_->revision()) write_id_ = write_id_at(next.revision(), changes);
  image_ = std::make_shared<const cluster::ClusterImage>(std::move(next));
  return {};
}

awaitable<Result<void>> MetadataWriter::read() {
  MQ_CO_TRY(const meta::Listing listing, co_await meta::list_all(*store_, ""));
  MQ_CO_TRY(cluster::ClusterImage next, cluster::ClusterImage::of_listing(listing.entries, listing.revision));
  const bool is_accepted = wrong_ && is_accepted_anew(node_.log_dir(), next);
  if (is_accepted && next.acceptance()->is_in_use)
    co_return keep_image("others follow it already; start this broker anew, and it copies what they have");
  if (!is_accepted)
    if (const auto why = why_not_after(*image_, next, node_.config().node_id)) co_return keep_image(*why);
  for (const cluster::TopicPtr& topic : image_->topics()) {
    if (next.share_topic(topic->id) != topic) changed_.try_emplace(topic->id, topic);
    note_gone(topic, next);
  }
  for (const cluster::TopicPtr& topic : next.topics())
    if (image_->share_topic(topic->id) != topic) changed_.try_emplace(topic->id, image_->share_topic(topic->id));
  write_id_ = {};
  for (const meta::KeyValue& entry : listing.entries)
    if (entry.modified == next.revision()) write_id_ = entry.write_id;
  image_ = std::make_shared<const cluster::ClusterImage>(std::move(next));
  if (is_accepted) {
    MQ_MARK("broker: a running broker goes on with a store that was accepted");
    is_acceptance_new_ = true;
  }
  note_right_store();
  co_return Result<void>{};
}

void MetadataWriter::note_right_store() {
  if (!std::exchange(wrong_, std::nullopt)) return;
  node_.logger().info("{} {}; the broker goes on with it", node_.machine.store.name,
                      is_acceptance_new_ ? "was accepted as it is" : "is as new as it was again");
}

std::unexpected<Error> MetadataWriter::keep_image(const std::string& why) {
  const std::string& store = node_.machine.store.name;
  if (!std::exchange(wrong_, why)) {
    MQ_MARK("broker: a store that is damaged or has gone back is not followed");
    node_.logger().error(
        "{} is damaged or has gone back in time: {}. The broker serves on with what it knew, and changes nothing until "
        "a store that is as new as that is put back, or mqctl cluster accept-store has the brokers go on with this one",
        store, why);
  }
  return fail(Errc::corrupt, "{} is damaged or has gone back in time: {}", store, why);
}

void MetadataWriter::note_gone(const cluster::TopicPtr& topic, const cluster::ClusterImage& next) {
  if (topic && next.find_topic(topic->id) == nullptr && !next.is_withheld(topic->name)) gone_.push_back(topic);
}

void MetadataWriter::note_own_replicas(const cluster::ClusterImage& before, const meta::Transaction& transaction) {
  const BrokerId self = node_.config().node_id;
  for (const meta::Op& op : transaction.ops) {
    const cluster::ParsedKey key = cluster::parse_key(op.key);
    if (key.kind != cluster::KeyKind::partition) continue;
    const cluster::Topic* topic = before.find_topic(key.id);
    const cluster::Partition* known = topic ? topic->find_partition(key.index) : nullptr;
    const cluster::Topic* now = image_->find_topic(key.id);
    const cluster::Partition* next = now ? now->find_partition(key.index) : nullptr;
    // Whoever makes new partitions makes their logs, too.
    if (known == nullptr || next == nullptr || known->has_replica(self) == next->has_replica(self)) continue;
    MQ_MARK("broker: a broker's own transaction makes it a replica, or no replica any more");
    changed_.try_emplace(key.id, before.share_topic(key.id));
  }
}

void MetadataWriter::note_changed(const cluster::ClusterImage& before, const cluster::ClusterImage& after,
                                  const std::vector<meta::Change>& changes) {
  for (const meta::Change& change : changes) {
    const cluster::ParsedKey key = cluster::parse_key(change.entry.key);
    if (key.kind == cluster::KeyKind::partition || key.kind == cluster::KeyKind::tombstone)
      changed_.try_emplace(key.id, before.share_topic(key.id));
    if (key.kind != cluster::KeyKind::topic) continue;
    for (const cluster::ClusterImage* image : {&before, &after})
      if (const cluster::TopicPtr topic = image->share_topic(key.name))
        changed_.try_emplace(topic->id, before.share_topic(topic->id));
  }
}

// --- The revision ----------------------------------------------------------------------------------------------------

void MetadataWriter::remember_revisions() {
  remembers_ = true;
  node_.log_dir().note_metadata(mark());
  node_.synced_ends.note();
}

void MetadataWriter::remember_others() {
  if (remembers_ && node_.log_dir().metadata_mark() != mark()) remember_revisions();
}

awaitable<void> MetadataWriter::remember() {
  if (!remembers_) co_return;
  remember_revisions();
  // Before anybody is answered, so that a kill -9 now does not lose it. Made durable soon. Not on the pool of the
  // logs: a sync of theirs that hangs holds up no metadata.
  auto written =
      co_await node_.machine.metadata_pool.run(node_.home(), [this] { return node_.log_dir().write_noted(); });
  if (!written && written.error().code == Errc::disk_failed) node_.disk_health.disk_failed(written.error());
}

awaitable<Result<void>> MetadataWriter::begin_acceptance() {
  remembers_ = false;  // a crash now must find that it was being accepted
  co_return co_await remember_durably({.revision = kBeingAccepted});
}

awaitable<Result<void>> MetadataWriter::end_acceptance() {
  remembers_ = true;
  co_return co_await remember_durably(mark());
}

awaitable<Result<void>> MetadataWriter::remember_durably(log::MetadataMark mark) {
  co_return co_await node_.disk_pool().run(node_.home(), [this, mark] {
    node_.log_dir().note_metadata(mark);
    return node_.log_dir().sync_synced_ends();
  });
}

}  // namespace mq::broker
