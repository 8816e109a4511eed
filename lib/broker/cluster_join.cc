#include "broker/cluster_join.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/endpoint.h"
#include "controller/cluster_plans.h"
#include "controller/migration.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;

/// What a store that holds `entries` will hold once `plan` is carried out.
std::vector<cluster::KeyValue> listing_after(const std::vector<cluster::KeyValue>& entries,
                                             const controller::Plan& plan) {
  std::map<std::string, cluster::KeyValue> after;
  for (const cluster::KeyValue& entry : entries) after[entry.key] = entry;
  for (const cluster::Transaction& transaction : plan.transactions) {
    for (const cluster::Op& op : transaction.ops) {
      if (op.value) {
        after[op.key] = {.key = op.key, .value = *op.value};
      } else {
        after.erase(op.key);
      }
    }
  }
  std::vector<cluster::KeyValue> listing;
  for (auto& [key, entry] : after) listing.push_back(std::move(entry));
  return listing;
}

}  // namespace

ClusterJoin::ClusterJoin(NodeContext& node, MetadataWriter& writer, Membership& membership, const Listeners& listeners)
    : node_(node), writer_(writer), membership_(membership), listeners_(listeners) {}

BrokerId ClusterJoin::self() const { return node_.config().node_id; }
const std::string& ClusterJoin::store_name() const { return node_.machine.store.name; }

// --- Looking ---------------------------------------------------------------------------------------------------------

awaitable<Result<ClusterJoin::Found>> ClusterJoin::look(Uuid wanted) {
  MQ_CO_CHECK(co_await open_store());
  MQ_CO_TRY(const meta::Listing listing, co_await meta::list_all(writer_.store(), ""));
  Found found;
  MQ_CO_TRY(found.migration, controller::plan_migration(listing.entries, self()));
  auto image = found.migration.empty()
                   ? ClusterImage::of_listing(listing.entries, listing.revision)
                   : ClusterImage::of_listing(listing_after(listing.entries, found.migration), listing.revision);
  if (!image) co_return std::unexpected(std::move(image).error());
  found.image = std::make_shared<const ClusterImage>(*std::move(image));
  MQ_CO_TRY(found.differences, co_await check_store(listing.revision, *found.image));
  wanted_ = wanted;
  MQ_CO_CHECK(settle_id(found.image->cluster_id()));
  co_return found;
}

awaitable<Result<void>> ClusterJoin::open_store() {
  const bool was_made = dir().identity().has_value();
  auto store = co_await node_.machine.store.open(
      {.home = &node_.home(),
       .data_dir = node_.config().data_dir,
       .was_made = was_made,
       .last_stop = was_made && !dir().was_clean() ? meta::LastStop::unclean : meta::LastStop::clean});
  if (!store && was_made && store.error().code == Errc::not_found) co_return no_metadata("missing");
  if (!store) co_return std::unexpected(std::move(store).error());
  writer_.use(*std::move(store));
  co_return Result<void>{};
}

Result<void> ClusterJoin::settle_id(const Uuid& of_store) {
  const bool was_made = dir().identity().has_value();
  if (of_store.is_zero() && was_made) return no_metadata("empty");
  cluster_id_ = of_store.is_zero() ? wanted_ : of_store;
  while (cluster_id_.is_zero()) node_.machine.random.fill(cluster_id_.bytes);
  const std::string id = cluster_id_.to_string();
  if (!wanted_.is_zero() && wanted_ != cluster_id_)
    return fail(Errc::refused, "{} belongs to cluster {}, not {}", node_.config().data_dir, id,
                node_.config().cluster_id);
  if (was_made && dir().identity()->cluster_id != id)
    return fail(Errc::corrupt, "{}/meta.properties names cluster {}, its {} cluster {}; nothing was changed",
                node_.config().data_dir, dir().identity()->cluster_id, store_name(), id);
  return {};
}

std::unexpected<Error> ClusterJoin::no_metadata(std::string_view what) const {
  return fail(Errc::corrupt, "{} has data of cluster {}, but its {} is {}; restore {}, nothing was changed",
              node_.config().data_dir, dir().identity()->cluster_id, store_name(), what, store_name());
}

awaitable<Result<Differences>> ClusterJoin::check_store(meta::Revision revision, const cluster::ClusterImage& image) {
  const auto find = [&](Look look) {
    return node_.disk_pool().run(
        node_.home(), [this, &image, look] { return compare(dir(), node_.machine.files, image, self(), look); });
  };
  MQ_CO_TRY(Differences differences, co_await find(Look::at_names));
  const auto went_back = store_went_back(dir(), differences, revision.value());
  if (!went_back) {
    if (node_.config().accept_store)
      node_.logger().warn("--accept-store: there was nothing to accept; leave it out from now on");
    co_return differences;
  }
  if (!node_.config().accept_store)
    co_return fail(
        Errc::corrupt,
        "{}/metadata.db has gone back in time: it {}. Nothing was changed. Put back a metadata.db that is as "
        "new as the logs, with its metadata.db-wal, or start once with --accept-store: what is unknown to it "
        "is then set aside as *-stray, and every leader epoch rises",
        node_.config().data_dir, *went_back);
  node_.logger().warn("--accept-store: metadata.db has gone back in time, it {}; going on with what it has",
                      *went_back);
  accepts_store_ = true;
  co_return co_await find(Look::at_topic_ids);
}

// --- Joining ---------------------------------------------------------------------------------------------------------

awaitable<Result<void>> ClusterJoin::join(controller::Plan migration, ImagePtr image) {
  if (accepts_store_) MQ_CO_CHECK(co_await writer_.begin_acceptance());
  const bool is_moved = !migration.empty();
  MQ_CO_CHECK(co_await writer_.begin(std::move(migration), std::move(image)));
  if (is_moved)
    node_.logger().info("{} was moved from an earlier format; an earlier mqd will not open it any more", store_name());
  if (!accepts_store_) writer_.remember_revisions();
  MQ_CO_CHECK(co_await writer_.change([this](const ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_cluster(image, cluster_id_);
  }));
  // Another broker may have given it one meanwhile.
  MQ_CO_CHECK(settle_id(writer_.image()->cluster_id()));
  if (!dir().identity()) MQ_CO_CHECK(co_await name_directory());
  const controller::Registration registration = this->registration();
  if (node_.machine.store.is_shared) {
    MQ_CO_CHECK(co_await membership_.join(registration));
    co_await writer_.install();
    for (const auto& [key, defect] : writer_.image()->defects()) node_.logger().error("{}", defect.message);
    co_return Result<void>{};
  }
  const auto registered = co_await writer_.change(
      [&registration](const ClusterImage& image) { return controller::plan_registration(image, registration); });
  // On a full disk a broker that is known goes on with what is known of it.
  const bool is_known = writer_.image()->find_broker(self()) != nullptr;
  if (!registered && (registered.error().code != Errc::disk_full || !is_known)) co_return registered;
  co_await writer_.install();
  for (const auto& [key, defect] : writer_.image()->defects()) node_.logger().error("{}", defect.message);
  co_return Result<void>{};
}

awaitable<Result<void>> ClusterJoin::name_directory() {
  Uuid directory;
  node_.machine.random.fill(directory.bytes);
  const log::DirIdentity identity{
      .node = self(), .cluster_id = cluster_id_.to_string(), .directory_id = directory.to_string()};
  co_return co_await node_.disk_pool().run(node_.home(), [this, identity] { return dir().set_identity(identity); });
}

controller::Registration ClusterJoin::registration() const {
  controller::Registration registration{.id = self(), .directory = {}, .nonce = {}};
  (void)Uuid::parse(dir().identity()->directory_id, registration.directory);  // Kafka's earlier ones have none
  for (const auto& bound : listeners_) {
    if (bound->address.is_unix()) continue;  // nobody reaches it from elsewhere
    Endpoint reached = advertised(*bound, bound->address.host);
    registration.endpoints.push_back({.listener = bound->config.name,
                                      .host = std::move(reached.host),
                                      .port = static_cast<std::uint16_t>(reached.port)});
    if (registration.inter_broker_listener.empty()) registration.inter_broker_listener = bound->config.name;
  }
  if (!node_.config().rack.empty()) registration.rack = node_.config().rack;
  return registration;
}

awaitable<Result<void>> ClusterJoin::end_acceptance() {
  accepts_store_ = false;
  co_return co_await writer_.end_acceptance();
}

}  // namespace mq::broker
