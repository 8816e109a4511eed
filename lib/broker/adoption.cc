#include "broker/adoption.h"

#include <string>
#include <utility>

#include "base/mutant.h"
#include "cluster/image.h"
#include "controller/migration.h"
#include "controller/plan.h"

namespace mq::broker {
namespace {

/// Attempts go on as long as the store answers now and then, and nobody comes in between too often.
constexpr Duration kAdoptionPatience = 30s;
constexpr int kAdoptionConflictsMax = 10;
constexpr Duration kAdoptionPause = 500ms;

/// Another attempt finds out what became of this one.
bool may_be_gone_on_with(const Error& error) {
  return error.code == Errc::timed_out || error.code == Errc::unreachable || error.code == Errc::conflict;
}

}  // namespace

awaitable<Result<Adoption::Found>> Adoption::look(const std::vector<meta::KeyValue>& there) {
  identity_ = *node_.log_dir().identity();
  if (identity_.directory_id.empty()) {  // Kafka's earlier ones have none
    node_.machine.random.fill(adopter_.directory.bytes);
    identity_.directory_id = adopter_.directory.to_string();
  } else if (!Uuid::parse(identity_.directory_id, adopter_.directory)) {
    co_return fail(Errc::corrupt, "{}/meta.properties: `directory.id` is none", node_.config().data_dir);
  }
  // One that was cut off may have registered with it already.
  if (identity_.nonces.empty()) {
    node_.machine.random.fill(adopter_.nonce.bytes);
    identity_.nonces.push_back(adopter_.nonce.to_string());
  } else if (!Uuid::parse(identity_.nonces.back(), adopter_.nonce)) {
    co_return fail(Errc::corrupt, "{}/meta.properties: `mq.nonces` are none", node_.config().data_dir);
  }
  adopter_.id = identity_.node;

  const bool was_clean = node_.log_dir().was_clean();
  auto own = co_await node_.machine.store_alone.open(
      {.home = &node_.home(),
       .data_dir = node_.config().data_dir,
       .was_made = true,
       .last_stop = was_clean ? meta::LastStop::clean : meta::LastStop::unclean});
  if (!own && own.error().code == Errc::not_found)
    co_return fail(Errc::corrupt, "{} has data of cluster {}, but its {} is missing; restore it, nothing was changed",
                   node_.config().data_dir, identity_.cluster_id, node_.machine.store_alone.name);
  if (!own) co_return std::unexpected(std::move(own).error());
  own_ = *std::move(own);
  MQ_CO_TRY(meta::Listing listing, co_await meta::list_all(*own_, ""));
  MQ_CO_TRY(const controller::Plan migration, controller::plan_migration(listing.entries, adopter_.id));
  entries_ = controller::listing_after(listing.entries, migration);
  MQ_CO_TRY(cluster::ClusterImage image, cluster::ClusterImage::of_listing(entries_, listing.revision));
  if (image.cluster_id().to_string() != identity_.cluster_id)
    co_return fail(Errc::corrupt, "{}/meta.properties names cluster {}, its {} cluster {}; nothing was changed",
                   node_.config().data_dir, identity_.cluster_id, node_.machine.store_alone.name,
                   image.cluster_id().to_string());
  const auto plan = controller::plan_adoption(entries_, there, adopter_);
  if (!plan) co_return told(plan.error());
  if (plan->empty())
    co_return fail(Errc::refused, "{} is a copy of a directory that was adopted already; start the original",
                   node_.config().data_dir);
  co_return Found{.revision = listing.revision,
                  .image = std::make_shared<const cluster::ClusterImage>(std::move(image))};
}

awaitable<Result<void>> Adoption::perform(meta::MetadataStore& store) {
  node_.logger().info("what {} has in its {} is moved to {}", node_.config().data_dir, node_.machine.store_alone.name,
                      node_.machine.store.name);
  // The store is told of no directory that does not know itself.
  MQ_CO_CHECK(co_await write_identity());
  answered_at_ = node_.home().now();
  for (int conflicts = 0;;) {
    const auto done = co_await attempt(store);
    if (done) break;
    if (done.error().code == Errc::conflict) ++conflicts;
    const bool is_over = node_.home().now() >= answered_at_ + kAdoptionPatience || conflicts >= kAdoptionConflictsMax;
    if (!may_be_gone_on_with(done.error()) || is_over)
      co_return fail(done.error().code, "{}; the adoption is not done: start again with --adopt to go on",
                     done.error().message);
    co_await node_.home().sleep_until(node_.home().now() + kAdoptionPause);
  }
  entries_ = {};
  (void)co_await own_->close();  // nobody reads it any more
  own_.reset();
  co_return co_await tidy();
}

awaitable<Result<void>> Adoption::attempt(meta::MetadataStore& store) {
  MQ_CO_TRY(const meta::Listing there, co_await meta::list_all(store, ""));
  answered_at_ = node_.home().now();
  const auto plan = controller::plan_adoption(entries_, there.entries, adopter_);
  if (!plan) co_return told(plan.error());
  meta::Revision first;
  for (std::size_t i = 0; i < plan->transactions.size(); ++i) {
    const bool is_last = i + 1 == plan->transactions.size();
    if (is_last && !is_mutant("adoptside")) MQ_CO_CHECK(co_await change_sides());
    meta::Transaction transaction = plan->transaction(i, first);
    node_.machine.random.fill(transaction.write_id);
    MQ_CO_TRY(const meta::Revision done, co_await store.transact(std::move(transaction)));
    answered_at_ = node_.home().now();
    if (i == 0) first = done;
  }
  co_return Result<void>{};
}

awaitable<Result<void>> Adoption::write_identity() {
  co_return co_await node_.disk_pool().run(node_.home(), [this] { return node_.log_dir().set_identity(identity_); });
}

awaitable<Result<void>> Adoption::change_sides() {
  if (identity_.store == node_.machine.store.name) co_return Result<void>{};
  // A revision that is remembered belongs to one store (C-6).
  if (!is_mutant("adoptrevision")) {
    MQ_CO_CHECK(co_await node_.disk_pool().run(node_.home(), [this] {
      node_.log_dir().note_metadata({});
      return node_.log_dir().sync_synced_ends();
    }));
  }
  identity_.store = node_.machine.store.name;
  co_return co_await write_identity();
}

awaitable<Result<void>> Adoption::tidy() {
  if (!node_.machine.store_alone.put_aside) co_return Result<void>{};
  MQ_CO_TRY(const bool was_there, co_await node_.disk_pool().run(node_.home(), [this] {
    return node_.machine.store_alone.put_aside(node_.config().data_dir);
  }));
  if (was_there)
    node_.logger().info("{} is a member of the cluster in {} now; the {} that it had is kept as {}.adopted",
                        node_.config().data_dir, node_.machine.store.name, node_.machine.store_alone.name,
                        node_.machine.store_alone.name);
  co_return Result<void>{};
}

std::unexpected<Error> Adoption::told(Error error) const {
  return fail(error.code, "{}: {}", node_.machine.store.name, error.message);
}

}  // namespace mq::broker
