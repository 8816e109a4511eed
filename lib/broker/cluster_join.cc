#include "broker/cluster_join.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/endpoint.h"
#include "broker/settings.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/cluster_plans.h"
#include "controller/isr_plans.h"
#include "controller/migration.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;

/// A store of other machines may be on its way, too.
constexpr Duration kStorePatience = 30s;
constexpr Duration kStorePause = 500ms;

bool may_come_yet(const Error& error) { return error.code == Errc::unreachable || error.code == Errc::timed_out; }

}  // namespace

ClusterJoin::ClusterJoin(NodeContext& node, MetadataWriter& writer, Membership& membership, const Listeners& listeners)
    : node_(node), writer_(writer), membership_(membership), listeners_(listeners), adoption_(node) {}

BrokerId ClusterJoin::self() const { return node_.config().node_id; }
const std::string& ClusterJoin::store_name() const { return node_.machine.store.name; }

// --- Looking ---------------------------------------------------------------------------------------------------------

awaitable<Result<ClusterJoin::Found>> ClusterJoin::look(Uuid wanted) {
  MQ_CO_CHECK(check_directory());
  if (node_.is_member()) MQ_CO_CHECK(check_listeners());
  MQ_CO_CHECK(co_await open_store());
  wanted_ = wanted;
  co_return co_await look_again();
}

awaitable<Result<ClusterJoin::Found>> ClusterJoin::look_again() {
  MQ_CO_TRY(const meta::Listing listing, co_await list_store());
  MQ_CO_TRY(adopts_, check_adoption(listing.entries));
  if (adopts_) co_return co_await look_at_own(listing.entries);
  Found found;
  MQ_CO_TRY(found.migration, controller::plan_migration(listing.entries, self()));
  auto image =
      found.migration.empty()
          ? ClusterImage::of_listing(listing.entries, listing.revision)
          : ClusterImage::of_listing(controller::listing_after(listing.entries, found.migration), listing.revision);
  if (!image) co_return std::unexpected(std::move(image).error());
  found.image = std::make_shared<const ClusterImage>(*std::move(image));
  // The store of another cluster does not know our logs, either.
  if (node_.is_member()) MQ_CO_CHECK(settle_id(found.image->cluster_id()));
  MQ_CO_CHECK(co_await check_store(listing.revision, found));
  if (found.went_back) co_return found;
  if (!node_.is_member()) MQ_CO_CHECK(settle_id(found.image->cluster_id()));
  MQ_CO_TRY(takes_over_, co_await check_replaced(*found.image));
  co_return found;
}

Result<void> ClusterJoin::check_directory() {
  is_id_open_ = self() == kNoBroker;
  const auto& identity = dir().identity();
  if (!identity) return {};
  const std::string& data_dir = node_.config().data_dir;
  if (!node_.is_member() && !identity->store.empty() && !is_mutant("strangestore"))
    return fail(Errc::refused,
                "{} belongs to a member of cluster {}, whose metadata is in {}; start it with --meta and that",
                data_dir, identity->cluster_id, identity->store);
  if (node_.is_member() && identity->store.empty() && !node_.config().adopt)
    return fail(Errc::refused,
                "{} belongs to a broker with metadata of its own, and cannot join the cluster in {}; give this broker "
                "an empty directory, or start it with --adopt where that cluster is to begin with what it has",
                data_dir, store_name());
  if (!is_id_open_ && identity->node != self())
    return fail(Errc::refused, "{} belongs to node {}, this is node {}; use its own directory or its id", data_dir,
                identity->node.value(), self().value());
  NodeConfig config = node_.config();
  config.node_id = identity->node;
  node_.configs.set(std::move(config));
  return {};
}

Result<void> ClusterJoin::check_listeners() const {
  const auto& wanted = node_.config().inter_broker_listener;
  bool is_reachable = false;
  for (const auto& bound : listeners_) {
    if (bound->address.is_unix()) continue;
    if (bound->address.is_wildcard() && bound->config.advertised_host.empty())
      return fail(Errc::refused,
                  "listener {} is on every address of this machine: say with --advertise by which one the other "
                  "brokers reach it",
                  bound->config.name);
    is_reachable = is_reachable || wanted.empty() || wanted == bound->config.name;
  }
  if (is_reachable) return {};
  return fail(Errc::refused, "{}: the other brokers of the cluster could not reach this one",
              wanted.empty() ? "it listens on unix sockets only"
                             : fmt::format("inter.broker.listener.name is {}, and no listener has that name", wanted));
}

awaitable<Result<void>> ClusterJoin::open_store() {
  // What is adopted was not in this store before.
  const bool was_made = dir().identity() && !(node_.is_member() && dir().identity()->store.empty());
  const meta::StoreOpening opening{
      .home = &node_.home(),
      .data_dir = node_.config().data_dir,
      .was_made = was_made,
      .last_stop = was_made && !dir().was_clean() ? meta::LastStop::unclean : meta::LastStop::clean};
  const Instant patience = node_.home().now() + kStorePatience;
  auto store = co_await node_.machine.store.open(opening);
  while (!store && may_come_yet(store.error()) && node_.home().now() < patience) {
    co_await node_.home().sleep_until(node_.home().now() + kStorePause);
    store = co_await node_.machine.store.open(opening);
  }
  if (!store && was_made && store.error().code == Errc::not_found) co_return no_metadata("missing");
  if (!store) co_return std::unexpected(std::move(store).error());
  writer_.use(*std::move(store));
  co_return Result<void>{};
}

namespace {

/// Of whom metadata is being moved into a store that holds `entries`; nothing: of nobody, as far as it can be read.
std::optional<cluster::Adoption> adoption_among(const std::vector<meta::KeyValue>& entries) {
  const auto found = std::ranges::find(entries, cluster::adopting_key(), &meta::KeyValue::key);
  if (found == entries.end()) return std::nullopt;
  const auto adoption = cluster::read_adoption(found->key, found->value);
  return adoption ? std::optional(*adoption) : std::nullopt;
}

}  // namespace

bool ClusterJoin::is_ours(const cluster::Adoption& adoption) const {
  const auto& identity = dir().identity();
  return identity && identity->directory_id == adoption.directory.to_string();
}

awaitable<Result<meta::Listing>> ClusterJoin::list_store() {
  const Instant patience = node_.home().now() + kStorePatience;
  for (bool is_told = false;; is_told = true) {
    MQ_CO_TRY(meta::Listing listing, co_await meta::list_all(writer_.store(), ""));
    const auto adoption = adoption_among(listing.entries);
    if (!node_.is_member() || !adoption || node_.config().adopt || is_ours(*adoption)) co_return listing;
    const std::string what = fmt::format("{}: the metadata of broker {} is being moved there, out of its directory {}",
                                         store_name(), adoption->broker.value(), adoption->directory.to_string());
    if (node_.home().now() >= patience)
      co_return fail(Errc::timed_out,
                     "{}; have its start with --adopt come to its end, and then start this broker again", what);
    if (!is_told) node_.logger().info("{}; waiting for that", what);
    co_await node_.home().sleep_until(node_.home().now() + kStorePause);
  }
}

Result<bool> ClusterJoin::check_adoption(const std::vector<meta::KeyValue>& there) const {
  if (!node_.is_member()) return false;
  const std::string& data_dir = node_.config().data_dir;
  const auto& identity = dir().identity();
  const auto adoption = adoption_among(there);
  const bool was_cut_off = adoption && is_ours(*adoption);
  if (!node_.config().adopt) {
    if (!was_cut_off) return false;
    return fail(Errc::refused, "what {} has is not yet all in {}: start this broker with --adopt to go on", data_dir,
                store_name());
  }
  if (!identity)
    return fail(Errc::refused,
                "{} has nothing to adopt: name the directory of a broker that was alone, or leave --adopt out to join "
                "the cluster in {}",
                data_dir, store_name());
  if (identity->store.empty() || was_cut_off) return true;
  node_.logger().info(
      "--adopt: {} belongs to the cluster in {} already, and nothing is to be done; leave it out from "
      "now on",
      data_dir, identity->store);
  return false;
}

awaitable<Result<ClusterJoin::Found>> ClusterJoin::look_at_own(const std::vector<meta::KeyValue>& there) {
  MQ_CO_TRY(const Adoption::Found own, co_await adoption_.look(there));
  MQ_CO_CHECK(settle_id(own.image->cluster_id()));
  Found found{.differences = {}, .migration = {}, .image = own.image};
  MQ_CO_TRY(found.differences, co_await find_differences(*own.image, Look::at_names));
  if (const auto went_back = store_went_back(dir(), found.differences, own.revision.value()))
    co_return fail(Errc::corrupt,
                   "{}/{} has gone back in time: it {}. Nothing was changed. Put back a newer one, or start once "
                   "without --meta and --adopt, and with --accept-store",
                   node_.config().data_dir, node_.machine.store_alone.name, *went_back);
  co_return found;
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
    return fail(node_.is_member() ? Errc::refused : Errc::corrupt,
                "{}/meta.properties names cluster {}, its {} cluster {}; nothing was changed", node_.config().data_dir,
                dir().identity()->cluster_id, store_name(), id);
  return {};
}

std::unexpected<Error> ClusterJoin::no_metadata(std::string_view what) const {
  return fail(Errc::corrupt, "{} has data of cluster {}, but its {} is {}; restore {}, nothing was changed",
              node_.config().data_dir, dir().identity()->cluster_id, store_name(), what, store_name());
}

awaitable<Result<Differences>> ClusterJoin::compare_again(ImagePtr image) {
  MQ_CO_TRY(Differences differences,
            co_await find_differences(*image, accepts_store_ ? Look::at_topic_ids : Look::at_names));
  const std::optional<cluster::Acceptance>& acceptance = image->acceptance();
  if (accepts_store_ && acceptance && acceptance->is_in_use)
    differences = without_what_others_have(std::move(differences), dir(), *image, self());
  co_return differences;
}

awaitable<Result<Differences>> ClusterJoin::find_differences(const ClusterImage& image, Look look) {
  co_return co_await node_.disk_pool().run(
      node_.home(), [this, &image, look] { return compare(dir(), node_.machine.files, image, self(), look); });
}

awaitable<Result<void>> ClusterJoin::check_store(meta::Revision revision, Found& found) {
  const ClusterImage& image = *found.image;
  MQ_CO_TRY(found.differences, co_await find_differences(image, Look::at_names));
  auto went_back = store_went_back(dir(), found.differences, revision.value());
  if (!went_back && node_.is_member()) {
    MQ_CO_TRY(went_back, co_await check_history(revision));
  }
  if (!went_back) {
    if (node_.config().accept_store)
      node_.logger().warn("--accept-store: there was nothing to accept; leave it out from now on");
    co_return Result<void>{};
  }
  if (node_.is_member() && !is_accepted(image)) {
    found.went_back = std::move(went_back);
    co_return Result<void>{};
  }
  if (node_.is_member()) {
    MQ_MARK("broker: a start goes on with a store that was accepted");
    node_.logger().warn("{} is not as this broker knew it: it {}. It was accepted; going on with what it has",
                        store_name(), *went_back);
  } else if (!node_.config().accept_store) {
    co_return fail(
        Errc::corrupt,
        "{}/metadata.db has gone back in time: it {}. Nothing was changed. Put back a metadata.db that is as "
        "new as the logs, with its metadata.db-wal, or start once with --accept-store: what is unknown to it "
        "is then set aside as *-stray, and every leader epoch rises",
        node_.config().data_dir, *went_back);
  } else {
    node_.logger().warn("--accept-store: metadata.db has gone back in time, it {}; going on with what it has",
                        *went_back);
  }
  accepts_store_ = true;
  MQ_CO_TRY(found.differences, co_await find_differences(image, Look::at_topic_ids));
  co_return Result<void>{};
}

awaitable<Result<std::optional<std::string>>> ClusterJoin::check_history(meta::Revision revision) {
  const auto remembered = dir().metadata_mark();
  const bool is_known = remembered && remembered->write_id != meta::WriteId{} && remembered->revision > 0 &&
                        remembered->revision <= revision.value();
  if (!is_known) co_return std::nullopt;
  MQ_CO_TRY(const auto changes, co_await writer_.store().changes(meta::Revision{remembered->revision - 1}));
  if (!changes) co_return std::nullopt;  // too long ago for it to tell
  bool is_others = false;
  for (const meta::Change& change : changes->entries) {
    if (change.entry.modified.value() != remembered->revision || change.entry.write_id == meta::WriteId{}) continue;
    if (change.entry.write_id == remembered->write_id) co_return std::nullopt;
    is_others = true;
  }
  if (!is_others) co_return std::nullopt;
  MQ_MARK("broker: a store has another history than was known");
  co_return fmt::format("has another history: what was changed at revision {} is not what was seen there",
                        remembered->revision);
}

bool ClusterJoin::is_accepted(const ClusterImage& image) const { return is_accepted_anew(dir(), image); }

awaitable<Result<void>> ClusterJoin::note_acceptance() {
  co_return co_await node_.disk_pool().run(
      node_.home(), [this, image = writer_.image()] { return broker::note_acceptance(dir(), *image); });
}

ImagePtr ClusterJoin::seen_from_outside(const ClusterImage& image) const {
  cluster::Broker us{.id = self(), .state = cluster::BrokerState::starting};
  const controller::Registration known = registration();
  us.endpoints = known.endpoints;
  us.rack = known.rack;
  us.directory = known.directory;
  us.inter_broker_listener = known.inter_broker_listener;
  return std::make_shared<const ClusterImage>(image.with_broker(std::move(us)));
}

awaitable<void> ClusterJoin::wait_for_other(const ClusterImage& seen) {
  while (true) {
    co_await node_.home().sleep_until(node_.home().now() + kStorePause);
    // A list of one key tells the revision, too.
    const auto now = co_await writer_.store().list(cluster::accepted_key(), std::nullopt);
    if (now && *now && (*now)->revision != seen.revision()) co_return;
  }
}

awaitable<Result<bool>> ClusterJoin::check_replaced(const ClusterImage& image) {
  if (!node_.is_member() || !node_.config().disk_replaced) co_return false;
  const cluster::Broker* known = image.find_broker(self());
  const auto& identity = dir().identity();
  if (known != nullptr && identity && known->directory.to_string() == identity->directory_id) {
    node_.logger().info(
        "--disk-replaced: {} is the directory of broker {} already, and nothing is to be done; leave it out from now "
        "on",
        node_.config().data_dir, self().value());
    co_return false;
  }
  MQ_CO_TRY(const auto logs, co_await node_.disk_pool().run(node_.home(), [this] { return dir().partitions(); }));
  if (!logs.empty())
    co_return fail(Errc::refused, "{} has logs already: --disk-replaced is for an empty directory",
                   node_.config().data_dir);
  const auto planned = controller::plan_lost_disk(image, self(), {}, plan_settings(node_.config()));
  if (planned || planned.error().code != Errc::conflict) co_return planned ? Result<bool>(true) : fail(planned.error());
  // One that has just ended has it, too.
  const Instant patience = node_.home().now() + 2 * node_.config().session_timeout + kStorePause;
  while (node_.home().now() < patience) {
    co_await node_.home().sleep_until(node_.home().now() + kStorePause);
    MQ_CO_TRY(const meta::Listing alive, co_await meta::list_all(writer_.store(), cluster::alive_key(self())));
    if (std::ranges::none_of(alive.entries, [&](const auto& entry) { return entry.key == cluster::alive_key(self()); }))
      co_return true;
  }
  co_return fail(Errc::refused,
                 "broker {} is running: its session in {} stands. --disk-replaced is for a broker whose disk is gone; "
                 "stop that one first, or give this one another id",
                 self().value(), store_name());
}

// --- Joining ---------------------------------------------------------------------------------------------------------

awaitable<Result<void>> ClusterJoin::join(controller::Plan migration, ImagePtr image) {
  if (adopts_) {
    MQ_CO_CHECK(co_await adoption_.perform(writer_.store()));
    image = nullptr;  // what is there now is read
  } else if (node_.is_member()) {
    MQ_CO_CHECK(co_await adoption_.tidy());
  }
  if (accepts_store_) MQ_CO_CHECK(co_await writer_.begin_acceptance());
  const bool is_moved = !migration.empty();
  MQ_CO_CHECK(co_await writer_.begin(std::move(migration), std::move(image)));
  if (is_moved)
    node_.logger().info("{} was moved from an earlier format; an earlier mqd will not open it any more", store_name());
  if (!accepts_store_) writer_.remember_revisions();
  if (!accepts_store_ && is_accepted(*writer_.image())) MQ_CO_CHECK(co_await note_acceptance());
  MQ_CO_CHECK(co_await make_cluster());
  // Another broker may have given it one meanwhile.
  MQ_CO_CHECK(settle_id(writer_.image()->cluster_id()));
  MQ_CO_CHECK(node_.is_member() ? co_await join_others() : co_await join_alone());
  co_await writer_.install();
  for (const auto& [key, defect] : writer_.image()->defects()) node_.logger().error("{}", defect.message);
  co_return Result<void>{};
}

awaitable<Result<void>> ClusterJoin::make_cluster() {
  const Instant patience = node_.home().now() + kStorePatience;
  while (true) {
    const auto made = co_await writer_.change(
        [this](const ClusterImage& image) { return controller::plan_cluster(image, cluster_id_); });
    if (made || !writer_.image()->adoption() || node_.home().now() >= patience) co_return made;
    co_await node_.home().sleep_until(node_.home().now() + kStorePause);
    (void)co_await writer_.follow_others();  // or with the next attempt
  }
}

awaitable<Result<void>> ClusterJoin::join_alone() {
  if (!dir().identity()) MQ_CO_CHECK(co_await name_directory());
  const auto registered = co_await writer_.change([registration = registration()](const ClusterImage& image) {
    return controller::plan_registration(image, registration);
  });
  // On a full disk a broker that is known goes on with what is known of it.
  const bool is_known = writer_.image()->find_broker(self()) != nullptr;
  if (!registered && (registered.error().code != Errc::disk_full || !is_known)) co_return registered;
  co_return Result<void>{};
}

awaitable<Result<void>> ClusterJoin::join_others() {
  MQ_CO_TRY(const auto logs, co_await node_.disk_pool().run(node_.home(), [this] { return dir().partitions(); }));
  // Of a directory without logs nobody has heard, unless the store knows it.
  const bool may_choose_id = is_id_open_ && logs.empty();
  while (true) {
    if (self() == kNoBroker || (may_choose_id && is_taken(self()))) choose_id();
    MQ_CO_CHECK(co_await name_directory());
    if (takes_over_) MQ_CO_CHECK(co_await give_up_disk());
    const auto joined = co_await membership_.join(registration());
    if (joined || !may_choose_id || !is_taken(self()) || is_mutant("idtaken")) co_return joined;
    MQ_MARK("broker: another broker was faster to take an id");
  }
}

awaitable<Result<void>> ClusterJoin::give_up_disk() {
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  const Uuid directory = registration().directory;
  const auto plan = [&](const ClusterImage& image) {
    return controller::plan_lost_disk(image, self(), directory, settings_of);
  };
  MQ_CO_CHECK(co_await writer_.follow_others());  // the session may have ended since the look
  const ImagePtr before = writer_.image();
  while (true) {
    MQ_CO_TRY(const controller::Plan next, plan(*writer_.image()));
    if (next.empty()) break;
    MQ_CO_CHECK(co_await writer_.change(plan));
  }
  tell_given_up(*before);
  co_return Result<void>{};
}

void ClusterJoin::tell_given_up(const ClusterImage& image) const {
  std::size_t given_up = 0;
  for (const cluster::TopicPtr& topic : image.topics()) {
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      if (!partition.has_replica(self())) continue;
      ++given_up;
      const bool is_only = partition.replicas.size() == 1;
      const auto is_other = [this](BrokerId id) { return id != self(); };
      const bool is_left = std::ranges::any_of(partition.isr, is_other) ||
                           std::ranges::any_of(partition.elr, is_other) ||
                           std::ranges::any_of(partition.last_in_sync, is_other);
      if (is_only)
        node_.logger().error("{}-{} had no other replica: its records are lost, and it begins anew", topic->name,
                             index);
      if (!is_only && !is_left)
        node_.logger().error(
            "{}-{}: no other replica was in sync. Nobody leads it until an operator gives up what is lost: mqctl "
            "partition elect {}/{} --unclean --yes",
            topic->name, index, topic->name, index);
    }
  }
  node_.logger().warn("the disk of broker {} is gone: it gives up {} replicas, and copies them anew", self().value(),
                      given_up);
}

bool ClusterJoin::is_taken(BrokerId id) const {
  if (writer_.image()->unregistered().contains(id)) return true;
  const cluster::Broker* known = writer_.image()->find_broker(id);
  return known != nullptr && known->directory.to_string() != dir().identity()->directory_id;
}

void ClusterJoin::choose_id() {
  BrokerId last{0};
  for (const auto& [id, broker] : writer_.image()->brokers()) last = std::max(last, id);
  for (const auto& [id, unregistered] : writer_.image()->unregistered()) last = std::max(last, id);
  for (const auto& [key, defect] : writer_.image()->defects()) last = std::max(last, cluster::parse_key(key).broker);
  NodeConfig config = node_.config();
  config.node_id = BrokerId{last.value() + 1};
  node_.configs.set(std::move(config));
}

awaitable<Result<void>> ClusterJoin::name_directory() {
  log::DirIdentity identity = dir().identity().value_or(log::DirIdentity{.node = kNoBroker});
  const bool is_named = identity.node == self() && !identity.directory_id.empty();
  if (is_named) co_return Result<void>{};
  if (identity.node != self()) identity.nonces.clear();
  identity.node = self();
  identity.cluster_id = cluster_id_.to_string();
  if (node_.is_member()) identity.store = store_name();
  if (identity.directory_id.empty()) {
    Uuid directory;
    node_.machine.random.fill(directory.bytes);
    identity.directory_id = directory.to_string();
  }
  co_return co_await node_.disk_pool().run(node_.home(), [this, identity] { return dir().set_identity(identity); });
}

controller::Registration ClusterJoin::registration() const {
  const NodeConfig& config = node_.config();
  controller::Registration registration{.id = self(), .directory = {}, .nonce = {}};
  (void)Uuid::parse(dir().identity()->directory_id, registration.directory);  // Kafka's earlier ones have none
  for (const auto& bound : listeners_) {
    if (bound->address.is_unix()) continue;  // nobody reaches it from elsewhere
    Endpoint reached = advertised(*bound, bound->address.host);
    registration.endpoints.push_back({.listener = bound->config.name,
                                      .host = std::move(reached.host),
                                      .port = static_cast<std::uint16_t>(reached.port)});
  }
  registration.inter_broker_listener = config.inter_broker_listener;
  if (registration.inter_broker_listener.empty() && !registration.endpoints.empty())
    registration.inter_broker_listener = registration.endpoints.front().listener;
  if (!config.rack.empty()) registration.rack = config.rack;
  registration.takes_over = takes_over_;
  return registration;
}

awaitable<Result<void>> ClusterJoin::end_acceptance() {
  accepts_store_ = false;
  MQ_CO_CHECK(co_await writer_.end_acceptance());
  // Last: a start that is cut off before finds it accepted still.
  if (node_.is_member() && is_accepted(*writer_.image())) MQ_CO_CHECK(co_await note_acceptance());
  co_return Result<void>{};
}

}  // namespace mq::broker
