#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/time.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "client/connection.h"
#include "cluster/image.h"
#include "controller/election_plans.h"
#include "env/address.h"
#include "env/async.h"
#include "env/event.h"
#include "env/task_group.h"
#include "model/ids.h"

namespace mq::broker {

/// Sees at once when the process of another broker ends, and does not wait for its session to expire: the controller
/// keeps a connection to every broker, and every broker one to the controller.
///
///     connect     the peer says that it is the incarnation that is registered, and that it is its process's first
///     ...         the connection ends
///     ask again   at the very same address, a few times: is nobody there, the process is gone, and its session is
///                 erased, with the controller's lease if it had that
///
/// A wrong guess costs an election and loses nothing: whoever is taken for gone registers anew. Still nobody is guessed
/// twice to be gone: a process that has registered anew has only its session from then on. And who sees two gone within
/// a session timeout trusts its own eyes no more.
///
/// On the first shard.
class PeerWatch {
 public:
  PeerWatch(NodeContext& node, MetadataWriter& writer);
  ~PeerWatch();

  /// The image has changed: others may be there, or be the controller. After the broker has registered.
  void look(const cluster::ClusterImage& image);
  awaitable<void> stop();

  /// That incarnation of a broker was seen to be gone.
  [[nodiscard]] bool is_gone(BrokerId broker, cluster::BrokerEpoch epoch) const {
    return gone_.contains({broker, epoch});
  }
  /// It has seen too many go at once to believe it.
  [[nodiscard]] bool is_ill() const { return is_ill_; }

  /// What brokers say of their logs of these partitions. Who is not watched is visited for it; who does not answer
  /// within `patience` is not in it.
  using Question = std::vector<cluster::PartitionPlace>;
  using Answers = std::vector<std::pair<cluster::PartitionPlace, controller::LogEnd>>;
  awaitable<Answers> ask_for_log_ends(std::map<BrokerId, Question> questions, Duration patience);

 private:
  /// An incarnation of a broker.
  struct Peer {
    explicit Peer(env::Shard& shard) : connected(shard), timer(shard.make_timer()) {}
    BrokerId id;
    cluster::BrokerEpoch epoch;
    env::Address address;
    std::shared_ptr<client::Connection> connection;  ///< while it is who it is taken for
    bool was_there = false;                          ///< it said so once, and may be guessed to be gone
    bool is_over = false;                            ///< it is watched no more
    env::Event connected;
    std::unique_ptr<env::Timer> timer;
  };
  using PeerPtr = std::shared_ptr<Peer>;

  [[nodiscard]] BrokerId self() const { return node_.config().node_id; }
  [[nodiscard]] std::set<BrokerId> wanted_in(const cluster::ClusterImage& image) const;
  /// Null where it is not known how to reach it.
  [[nodiscard]] PeerPtr make_peer(const cluster::ClusterImage& image, BrokerId id);
  [[nodiscard]] PeerPtr begin_visit(BrokerId id);
  void drop(Peer& peer);
  awaitable<void> watch(PeerPtr peer);
  /// Returns when the connection has ended, or there was none.
  awaitable<void> stay_connected(Peer& peer);
  awaitable<bool> is_process_gone(Peer& peer);
  [[nodiscard]] bool is_stopping(const Peer& peer) const;
  awaitable<void> tell_gone(Peer& peer);
  awaitable<void> ask(PeerPtr peer, Question question, Duration patience, Answers& answers);

  NodeContext& node_;
  MetadataWriter& writer_;
  std::map<BrokerId, PeerPtr> peers_;
  std::set<PeerPtr> visited_;                                 ///< connected to for one question
  std::set<std::pair<BrokerId, cluster::BrokerEpoch>> gone_;  ///< of the brokers as they are registered
  Instant seen_gone_at_ = Instant::never();                   ///< the last time
  bool is_ill_ = false;
  bool is_stopped_ = false;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker
