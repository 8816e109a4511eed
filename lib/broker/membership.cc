#include "broker/membership.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/settings.h"
#include "controller/election_plans.h"
#include "log/log_dir.h"

namespace mq::broker {
namespace {

using cluster::BrokerState;
using cluster::ClusterImage;

/// So long a start waits for the session of an earlier incarnation to end, in session timeouts.
constexpr int kSessionPatience = 10;
/// Between two looks whether it has, and whether others lead.
constexpr Duration kSessionPause = 200ms;
/// A stop waits so long for others to lead, and then in each call for a store that is not there.
constexpr Duration kDrainPatience = 5s;
constexpr Duration kStopPatience = 1s;
/// Starts that came to no registration, one after the other, of which the directory remembers the nonces.
constexpr std::size_t kNoncesMax = 64;

bool may_pass(const Error& error) {
  return error.code == Errc::conflict || error.code == Errc::timed_out || error.code == Errc::unreachable;
}

}  // namespace

Membership::Membership(NodeContext& node, AllShards& shards, MetadataWriter& writer)
    : node_(node), shards_(shards), writer_(writer), timer_(node.home().make_timer()), tasks_(node.home()) {}

// --- Joining ---------------------------------------------------------------------------------------------------------

awaitable<Result<void>> Membership::join(controller::Registration registration) {
  registration_ = std::move(registration);
  MQ_CO_CHECK(check_directory());
  MQ_CO_CHECK(co_await note_nonce());
  const Instant asked = node_.home().now();
  MQ_CO_TRY(ttl_, co_await writer_.store().begin_session(node_.config().session_timeout));
  node_.store_contact.heard(asked);
  node_.store_contact.begin(ttl_);
  if (!std::exchange(has_joined_, true)) tasks_.spawn(keep_session());
  MQ_CO_CHECK(co_await register_until(node_.home().now() + kSessionPatience * ttl_));
  node_.logger().info("registered as broker {} of cluster {}, epoch {}", self().value(),
                      writer_.image()->cluster_id().to_string(), node_.broker_epoch.load().value());
  co_return Result<void>{};
}

Result<void> Membership::check_directory() const {
  const cluster::Broker* known = writer_.image()->find_broker(self());
  if (known == nullptr || known->directory != registration_.directory) return {};  // whose it is, the plan says (I-9)
  if (const auto& nonces = node_.log_dir().identity()->nonces;
      std::ranges::find(nonces, known->nonce.to_string()) != nonces.end() || is_mutant("dirback"))
    return {};
  MQ_MARK("broker: a directory that is a copy, or of an earlier time, is refused");
  return fail(Errc::refused,
              "{} is a copy of the directory of broker {}, or has gone back in time: it does not know the newest start "
              "of that broker. Start the original, or give this broker an empty directory and another id",
              node_.config().data_dir, self().value());
}

awaitable<Result<void>> Membership::note_nonce() {
  log::DirIdentity identity = *node_.log_dir().identity();
  std::vector<std::string>& nonces = identity.nonces;
  // Any that was written since the one that stands may be registered yet, by a transaction that comes late.
  if (const cluster::Broker* known = writer_.image()->find_broker(self()))
    nonces.erase(nonces.begin(), std::ranges::find(nonces, known->nonce.to_string()));
  if (nonces.size() >= kNoncesMax) nonces.erase(nonces.begin() + 1);
  node_.machine.random.fill(registration_.nonce.bytes);
  nonces.push_back(registration_.nonce.to_string());
  co_return co_await node_.disk_pool().run(node_.home(),
                                           [this, identity] { return node_.log_dir().set_identity(identity); });
}

awaitable<Result<void>> Membership::register_until(Instant patience) {
  while (!is_registered_anew()) {
    auto done = co_await writer_.change([this](const ClusterImage& image) -> Result<controller::Plan> {
      const cluster::Broker* known = image.find_broker(self());
      if (has_registered() && image.unregistered().contains(self()))
        return fail(Errc::refused, "broker {} was unregistered while its session had ended", self().value());
      const bool is_anothers = has_registered() && (known == nullptr || known->nonce != registration_.nonce);
      if (is_anothers) return fail(Errc::refused, "another process has registered as broker {}", self().value());
      return controller::plan_registration(image, registration_);
    });
    if (done) break;
    if (!may_pass(done.error()) || is_leaving_ || node_.home().now() >= patience) co_return done;
    MQ_MARK("broker: a start waits for a session to end");
    co_await node_.home().sleep_until(node_.home().now() + kSessionPause);
    (void)co_await writer_.follow_others();  // or with the next attempt
  }
  if (has_registered()) node_.has_registered_anew = true;
  node_.broker_epoch = writer_.image()->find_broker(self())->epoch;
  (void)co_await shards_.registered(node_.broker_epoch);
  co_await writer_.install();
  co_return Result<void>{};
}

bool Membership::is_registered() const {
  const ClusterImage& image = *writer_.image();
  const cluster::Broker* broker = image.find_broker(self());
  const cluster::Session* session = image.sessions().find(self());
  return broker != nullptr && broker->nonce == registration_.nonce && session != nullptr &&
         session->epoch == broker->epoch;
}

bool Membership::is_registered_anew() const {
  return is_registered() && writer_.image()->find_broker(self())->epoch > node_.broker_epoch.load();
}

awaitable<Result<void>> Membership::become_ready() {
  if (!has_joined_) co_return Result<void>{};
  is_ready_ = true;
  co_return co_await write_state(BrokerState::ready);
}

awaitable<Result<void>> Membership::write_state(BrokerState state) {
  const auto done = co_await writer_.change([this, state](const ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_broker_state(image, self(), state);
  });
  co_await writer_.install();
  co_return done;
}

// --- Staying ---------------------------------------------------------------------------------------------------------

awaitable<void> Membership::keep_session() {
  while (!is_leaving_ && !is_displaced_) {
    (void)co_await timer_->wait_until(node_.home().now() + ttl_ / 3);
    if (is_leaving_) break;
    const auto renewed = co_await renew();
    const bool has_ended = !renewed && renewed.error().code == Errc::conflict;
    if (is_leaving_ || is_draining_ || (!renewed && !has_ended)) continue;
    const bool was_erased = has_registered() && !is_registered() && !is_mutant("sessiononly");
    if (has_ended || was_erased) co_await begin_anew(!has_ended);
    const cluster::Broker* broker = writer_.image()->find_broker(self());
    if (is_ready_ && is_registered() && broker->state == BrokerState::starting)
      (void)co_await write_state(BrokerState::ready);  // else the next time
  }
}

awaitable<Result<void>> Membership::renew() {
  const Instant asked = node_.home().now();
  auto renewed = co_await writer_.store().renew_session();
  // That the session has ended may be known without asking.
  const bool is_unknown = !renewed && renewed.error().code == Errc::conflict;
  if (!is_unknown) co_await note_answer(asked, renewed.has_value());
  co_return renewed;
}

/// The store is heard when what it has told until then is in the image, which others bring up to date.
awaitable<void> Membership::note_answer(Instant asked, bool is_there) {
  StoreContact& store = node_.store_contact;
  if (!is_there) co_return store.missed();
  store.answered();
  const auto told = co_await writer_.store().wait_for_change(writer_.image()->revision(), node_.home().now());
  if (learning_ && writer_.image()->revision() >= learning_->second) store.heard(std::exchange(learning_, {})->first);
  if (!told || writer_.image()->revision() >= *told) {
    store.heard(asked);
  } else if (!learning_) {
    learning_.emplace(asked, *told);
  }
}

awaitable<void> Membership::begin_anew(bool has_session) {
  if (!has_session) {
    const Instant asked = node_.home().now();
    const auto begun = co_await writer_.store().begin_session(node_.config().session_timeout);
    co_await note_answer(asked, begun.has_value());
    if (!begun) co_return;
    ttl_ = *begun;
    node_.store_contact.begin(ttl_);
  }
  if (!has_registered() || is_leaving_ || is_draining_) co_return;  // whoever joins does it, or nobody
  MQ_MARK("broker: a session has ended and the broker registers anew");
  node_.logger().warn("the session in {} has ended; the broker registers anew", node_.machine.store.name);
  const auto done = co_await register_until(node_.home().now() + ttl_);
  if (done || may_pass(done.error()) || node_.life.is_stopping()) co_return;
  is_displaced_ = true;
  node_.logger().error("{}; this one leads nothing any more: stop it", done.error().message);
}

// --- Leaving ---------------------------------------------------------------------------------------------------------

awaitable<void> Membership::drain() {
  if (!has_joined_) co_return;
  if (is_ready_ && !is_displaced_) {
    MQ_MARK("broker: a stop hands leadership over");
    is_draining_ = true;
    const Instant until = node_.home().now() + kDrainPatience;
    writer_.store().hurry(kDrainPatience);
    const auto handing = std::make_shared<HandOver>(node_.home());
    tasks_.spawn(hand_over(handing, until));
    while (!handing->has_ended && node_.home().now() < until) (void)co_await handing->ended.wait_until(until);
    if (!handing->has_ended || !handing->outcome) {
      MQ_MARK("broker: a stop cannot hand leadership over");
      node_.logger().warn(
          "leadership could not be handed over: {}. Others lead once the session of this broker has ended",
          handing->has_ended ? handing->outcome.error().message : node_.machine.store.name + " does not answer");
    }
  }
  writer_.store().hurry(kStopPatience);
}

awaitable<void> Membership::hand_over(std::shared_ptr<HandOver> handing, Instant until) {
  handing->outcome = co_await write_state(BrokerState::draining);
  while (handing->outcome && could_others_lead() && node_.home().now() < until && !node_.life.is_stopping()) {
    (void)co_await writer_.store().wait_for_change(writer_.image()->revision(), node_.home().now() + kSessionPause);
    (void)co_await writer_.follow_others();
  }
  if (!node_.life.is_stopping()) co_await writer_.install();
  handing->has_ended = true;
  handing->ended.notify_all();
}

bool Membership::could_others_lead() const {
  const ClusterImage& image = *writer_.image();
  if (!is_registered()) return false;
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  for (const cluster::TopicPtr& topic : image.topics())
    for (const cluster::Partition& partition : topic->partitions)
      if (partition.leader == self() && controller::candidacy_of(image, partition, settings_of(*topic)).is_due)
        return true;
  return false;
}

awaitable<void> Membership::leave() {
  if (!has_joined_) co_return;
  is_leaving_ = true;
  timer_->cancel();
  co_await tasks_.join();
  (void)co_await writer_.store().end_session();  // else it ends by itself
}

}  // namespace mq::broker
