#include "broker/peer_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/inter_broker_address.h"
#include "controller/cluster_plans.h"
#include "wire/messages/log_ends.h"
#include "wire/messages/peer_status.h"

namespace mq::broker {
namespace {

constexpr Duration kPeerTimeout = 2s;
/// Between two attempts to reach a broker that is not, or not yet, who it is taken for.
constexpr Duration kPeerPause = 1s;
/// A process that ends closes its connections and its listeners in any order: so often it is asked whether it listens.
constexpr int kLooks = 10;
constexpr Duration kLookPause = 10ms;
/// Whose process is gone is told that it is refused in less than that.
constexpr Duration kRefusalTimeout = 500ms;
/// A question names at most so many partitions.
constexpr std::size_t kQuestionMax = 1000;

}  // namespace

PeerWatch::PeerWatch(NodeContext& node, MetadataWriter& writer) : node_(node), writer_(writer), tasks_(node.home()) {}

PeerWatch::~PeerWatch() = default;

// --- Who is watched --------------------------------------------------------------------------------------------------

std::set<BrokerId> PeerWatch::wanted_in(const cluster::ClusterImage& image) const {
  std::set<BrokerId> wanted;
  const auto& controller = image.controller();
  if (!controller) return wanted;
  if (controller->broker != self()) return {controller->broker};
  // Itself too: it may be a candidate, and is asked for its logs like all others.
  for (const auto& [id, broker] : image.brokers())
    if (image.is_ready(id)) wanted.insert(id);
  return wanted;
}

void PeerWatch::look(const cluster::ClusterImage& image) {
  std::erase_if(gone_, [&](const auto& one) {
    const cluster::Broker* broker = image.find_broker(one.first);
    return broker == nullptr || broker->epoch != one.second;
  });
  // Between two controllers those who are watched stay so: a new one is found sooner than a connection is made.
  if (is_stopped_ || !image.controller()) return;
  const std::set<BrokerId> wanted = wanted_in(image);
  std::erase_if(peers_, [&](const auto& one) {
    Peer& peer = *one.second;
    const cluster::Broker* broker = image.find_broker(peer.id);
    const bool is_same = wanted.contains(peer.id) && broker != nullptr && broker->epoch == peer.epoch &&
                         inter_broker_address(image, peer.id) == peer.address;
    if (!is_same) drop(peer);
    return !is_same;
  });
  for (const BrokerId id : wanted) {
    if (peers_.contains(id)) continue;
    PeerPtr peer = make_peer(image, id);
    if (!peer) continue;
    peers_.emplace(id, peer);
    tasks_.spawn(watch(std::move(peer)));
  }
}

PeerWatch::PeerPtr PeerWatch::make_peer(const cluster::ClusterImage& image, BrokerId id) {
  const auto address = inter_broker_address(image, id);
  const cluster::Broker* broker = image.find_broker(id);
  if (!address || broker == nullptr) return nullptr;
  auto peer = std::make_shared<Peer>(node_.home());
  peer->id = id;
  peer->epoch = broker->epoch;
  peer->address = *address;
  return peer;
}

PeerWatch::PeerPtr PeerWatch::begin_visit(BrokerId id) {
  PeerPtr peer = is_stopped_ ? nullptr : make_peer(*writer_.image(), id);
  if (!peer) return nullptr;
  visited_.insert(peer);
  tasks_.spawn([](PeerWatch& self, PeerPtr visited) -> awaitable<void> {
    co_await self.stay_connected(*visited);
    self.drop(*visited);
    self.visited_.erase(visited);
  }(*this, peer));
  return peer;
}

void PeerWatch::drop(Peer& peer) {
  peer.is_over = true;
  if (peer.connection) peer.connection->close();
  peer.timer->cancel();
  peer.connected.notify_all();
}

awaitable<void> PeerWatch::stop() {
  is_stopped_ = true;
  for (const auto& [id, peer] : peers_) drop(*peer);
  for (const PeerPtr& peer : std::set(visited_)) drop(*peer);
  peers_.clear();
  co_await tasks_.join();
}

// --- How one is watched ----------------------------------------------------------------------------------------------

awaitable<void> PeerWatch::watch(PeerPtr peer) {
  while (!peer->is_over) {
    co_await stay_connected(*peer);
    if (peer->is_over) break;
    if (peer->was_there && peer->id != self() && co_await is_process_gone(*peer)) {
      if (!peer->is_over) co_await tell_gone(*peer);
      break;
    }
    if (!peer->is_over) (void)co_await peer->timer->wait_until(node_.home().now() + kPeerPause);
  }
}

awaitable<void> PeerWatch::stay_connected(Peer& peer) {
  client::ClientOptions options;
  options.client_id = fmt::format("mq-peer-{}", self().value());
  options.connect_timeout = kPeerTimeout;
  const auto opened = co_await client::Connection::open(node_.home(), tasks_, peer.address, options);
  if (!opened) co_return;
  const auto& connection = *opened;
  if (peer.is_over) co_return connection->close();
  const auto status = co_await connection->call(wire::PeerStatusRequest{}, kPeerTimeout);
  const bool is_the_one = status && status->body.error_code == ErrorCode::kNone &&
                          status->body.broker_id == peer.id.value() && status->body.broker_epoch == peer.epoch.value();
  if (peer.is_over || !is_the_one) co_return connection->close();
  if (status->body.is_anew) MQ_MARK("broker: a peer that was taken for gone once is not guessed to be again");
  peer.was_there = !status->body.is_anew || is_mutant("guessagain");
  env::Event ended(node_.home());
  bool has_ended = !connection->is_open();
  connection->when_ended([&](const Error&) {
    has_ended = true;
    ended.notify_all();
  });
  peer.connection = connection;
  peer.connected.notify_all();
  while (!has_ended) co_await ended.wait();
  peer.connection.reset();
}

awaitable<bool> PeerWatch::is_process_gone(Peer& peer) {
  for (int look = 0; look < kLooks && !peer.is_over; ++look) {
    if (look > 0) (void)co_await peer.timer->wait_until(node_.home().now() + kLookPause);
    if (co_await node_.home().network().refuses(peer.address, node_.home().now() + kRefusalTimeout)) co_return true;
  }
  co_return false;
}

/// Who drains is about to end by itself, and hands over until then (I-14).
bool PeerWatch::is_stopping(const Peer& peer) const {
  const cluster::Broker* broker = writer_.image()->find_broker(peer.id);
  return broker != nullptr && broker->epoch == peer.epoch && broker->state == cluster::BrokerState::draining;
}

awaitable<void> PeerWatch::tell_gone(Peer& peer) {
  // What it is about to do may be news of this moment.
  (void)co_await writer_.follow_others();
  if (peer.is_over || is_stopping(peer)) {
    MQ_MARK("broker: a broker that stops is not taken for gone");
    co_return;
  }
  const Instant now = node_.home().now();
  const bool is_second = seen_gone_at_ != Instant::never() && now - seen_gone_at_ < node_.config().session_timeout;
  seen_gone_at_ = now;
  if (is_second && !is_ill_ && !is_mutant("trusteyes")) {
    is_ill_ = true;
    MQ_MARK("broker: who sees two brokers gone at once trusts its eyes no more");
    node_.logger().warn(
        "two brokers refused connections within {} ms: this broker takes no other for gone any more "
        "before its session has ended",
        node_.config().session_timeout / 1ms);
  }
  if (is_ill_) co_return;
  MQ_MARK("broker: a broker whose process has ended is taken for gone at once");
  node_.logger().warn("broker {} has ended: {} refuses connections", peer.id.value(), peer.address.to_string());
  gone_.insert({peer.id, peer.epoch});
  const auto done = co_await writer_.change(
      [id = peer.id, epoch = peer.epoch](const cluster::ClusterImage& image) -> Result<controller::Plan> {
        return controller::plan_dead(image, id, epoch);
      });
  // Else its session ends by itself.
  if (done) co_await writer_.install();
}

// --- What they are asked ---------------------------------------------------------------------------------------------

awaitable<PeerWatch::Answers> PeerWatch::ask_for_log_ends(std::map<BrokerId, Question> questions, Duration patience) {
  struct Asking {
    explicit Asking(env::Shard& shard) : ended(shard) {}
    Answers answers;
    std::size_t running = 0;
    env::Event ended;
  };
  // Who answers late finds nobody waiting.
  auto asking = std::make_shared<Asking>(node_.home());
  for (auto& [id, question] : questions) {
    const auto watched = peers_.find(id);
    const PeerPtr peer = watched == peers_.end() ? begin_visit(id) : watched->second;
    if (!peer || peer->is_over) continue;
    ++asking->running;
    tasks_.spawn([](PeerWatch& self, PeerPtr asked, Question question_of_it, Duration patience_of_it,
                    std::shared_ptr<Asking> all) -> awaitable<void> {
      Answers answers;
      co_await self.ask(asked, std::move(question_of_it), patience_of_it, answers);
      if (self.visited_.contains(asked)) self.drop(*asked);
      all->answers.insert(all->answers.end(), answers.begin(), answers.end());
      --all->running;
      all->ended.notify_all();
    }(*this, peer, std::move(question), patience, asking));
  }
  const Instant deadline = node_.home().now() + patience;
  while (asking->running > 0 && co_await asking->ended.wait_until(deadline)) {
  }
  co_return asking->answers;
}

awaitable<void> PeerWatch::ask(PeerPtr peer, Question question, Duration patience, Answers& answers) {
  const Instant deadline = node_.home().now() + patience;
  // Who is the controller since a moment ago is still connecting.
  while (!peer->connection && !peer->is_over && co_await peer->connected.wait_until(deadline)) {
  }
  for (std::size_t begin = 0; begin < question.size(); begin += kQuestionMax) {
    wire::LogEndsRequest request;
    for (const auto& place : std::span(question).subspan(begin, std::min(kQuestionMax, question.size() - begin))) {
      if (request.topics.empty() || request.topics.back().topic_id != place.topic)
        request.topics.emplace_back().topic_id = place.topic;
      request.topics.back().partitions.push_back(place.index);
    }
    const auto connection = peer->connection;
    const Duration left = deadline - node_.home().now();
    if (!connection || left <= Duration::zero()) co_return;
    // Its time is longer than ours: the connection is to live on.
    const auto answer = co_await connection->call(std::move(request), kPeerTimeout + left);
    if (!answer || answer->body.error_code != ErrorCode::kNone) co_return;
    for (const auto& topic : answer->body.topics)
      for (const auto& row : topic.partitions) {
        if (row.log_end < 0) continue;
        answers.push_back(
            {{.topic = topic.topic_id, .index = row.partition},
             {.broker = peer->id, .last_epoch = LeaderEpoch{row.last_epoch}, .end = Offset{row.log_end}}});
      }
  }
}

}  // namespace mq::broker
