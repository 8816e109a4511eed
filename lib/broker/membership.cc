#include "broker/membership.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "log/log_dir.h"

namespace mq::broker {
namespace {

/// How long a broker may be silent before the others take it for gone.
constexpr Duration kSessionTimeout = 3s;
/// So long a start waits for the session of an earlier incarnation to end, in session timeouts.
constexpr int kPatience = 10;
/// Between two looks whether it has.
constexpr Duration kSessionPause = 200ms;

}  // namespace

Membership::Membership(NodeContext& node, AllShards& shards, MetadataWriter& writer)
    : node_(node), shards_(shards), writer_(writer), timer_(node.home().make_timer()), tasks_(node.home()) {}

awaitable<Result<void>> Membership::join(controller::Registration registration) {
  registration_ = std::move(registration);
  MQ_CO_CHECK(check_directory());
  MQ_CO_CHECK(co_await note_nonce());
  MQ_CO_TRY(ttl_, co_await writer_.store().begin_session(kSessionTimeout));
  is_member_ = true;
  tasks_.spawn(keep_session());
  co_return co_await register_now();
}

Result<void> Membership::check_directory() const {
  const cluster::Broker* known = writer_.image()->find_broker(self());
  if (known == nullptr || known->directory != registration_.directory) return {};  // whose it is, the plan says
  const auto& identity = node_.log_dir().identity();
  const std::string nonce = known->nonce.to_string();
  if (known->nonce.is_zero() || nonce == identity->nonce || nonce == identity->nonce_before) return {};
  MQ_MARK("broker: a directory that is a copy, or of an earlier time, is refused");
  return fail(Errc::refused,
              "{} is a copy of the directory of broker {}, or has gone back in time: it does not know that broker's "
              "newest start. Start the original, or give this broker an empty directory and another id",
              node_.config().data_dir, self().value());
}

awaitable<Result<void>> Membership::note_nonce() {
  log::DirIdentity identity = *node_.log_dir().identity();
  const cluster::Broker* known = writer_.image()->find_broker(self());
  identity.nonce_before = known != nullptr && !known->nonce.is_zero() ? known->nonce.to_string() : std::string();
  node_.machine.random.fill(registration_.nonce.bytes);
  identity.nonce = registration_.nonce.to_string();
  co_return co_await node_.disk_pool().run(node_.home(),
                                           [this, identity] { return node_.log_dir().set_identity(identity); });
}

awaitable<Result<void>> Membership::register_now() {
  const Instant patience = node_.home().now() + kPatience * ttl_;
  while (true) {
    auto done = co_await writer_.change(
        [this](const cluster::ClusterImage& image) { return controller::plan_registration(image, registration_); });
    if (done) break;
    const bool may_pass = done.error().code == Errc::conflict || done.error().code == Errc::timed_out ||
                          done.error().code == Errc::unreachable;
    if (!may_pass || is_leaving_ || node_.home().now() >= patience) co_return done;
    MQ_MARK("broker: a start waits for a session to end");
    co_await node_.home().sleep_until(node_.home().now() + kSessionPause);
    if (auto followed = co_await writer_.follow_others(); !followed) continue;
  }
  const cluster::BrokerEpoch epoch = writer_.image()->find_broker(self())->epoch;
  node_.broker_epoch = epoch;
  (void)co_await shards_.registered(epoch);
  co_return Result<void>{};
}

awaitable<Result<void>> Membership::become_ready() {
  if (!is_member_) co_return Result<void>{};
  is_ready_ = true;
  co_return co_await write_ready();
}

awaitable<Result<void>> Membership::write_ready() {
  const auto done = co_await writer_.change([this](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_broker_state(image, self(), cluster::BrokerState::ready);
  });
  co_await writer_.install();
  co_return done;
}

awaitable<void> Membership::leave() {
  if (!is_member_) co_return;
  is_leaving_ = true;
  timer_->cancel();
  co_await tasks_.join();
  (void)co_await writer_.store().end_session();  // else it ends by itself
}

awaitable<void> Membership::keep_session() {
  while (!is_leaving_) {
    (void)co_await timer_->wait_until(node_.home().now() + ttl_ / 3);
    if (is_leaving_) break;
    const auto renewed = co_await writer_.store().renew_session();
    if (renewed || renewed.error().code != Errc::conflict || is_leaving_) continue;
    co_await begin_anew();
  }
}

/// The store has taken us for gone, and so have others. Our logs are as they were: only the incarnation is another.
awaitable<void> Membership::begin_anew() {
  MQ_MARK("broker: a session has ended and the broker registers anew");
  node_.logger().warn("the session in {} has ended; the broker registers anew", node_.machine.store.name);
  const auto begun = co_await writer_.store().begin_session(kSessionTimeout);
  if (!begun) co_return;
  ttl_ = *begun;
  if (!co_await register_now() || !is_ready_) co_return;
  (void)co_await write_ready();
}

}  // namespace mq::broker
