#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/errors.h"
#include "client/options.h"
#include "client/retry.h"
#include "env/network.h"
#include "env/random.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::client {

class Connection;

struct PartitionInfo {
  ErrorCode error = ErrorCode::kNone;
  BrokerId leader = kNoBroker;  ///< kNoBroker: there is none now
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> in_sync;
};

struct TopicInfo {
  std::string name;
  Uuid id;  ///< zero from brokers that do not know topic ids
  bool internal = false;
  std::vector<PartitionInfo> partitions;  ///< index is the partition
};

struct BrokerInfo {
  BrokerId id;
  env::Address address;
  std::string rack;
};

/// What a client knows of a cluster: brokers, leaders, coordinators, and one connection to each broker that it uses.
///
/// Everything a client does goes through one object of this type. Bound to one shard, not thread-safe. The shard and
/// `random` must outlive it. `close` before destroying it.
class Cluster {
 public:
  using ConnectionRef = std::shared_ptr<Connection>;
  /// A topic as of one answer; a later answer makes a new one.
  using TopicRef = std::shared_ptr<const TopicInfo>;
  /// Whether asking for a topic may create it (where the broker allows that). Tools that read ask not to.
  enum class AutoCreate { no, yes };

  Cluster(env::Shard& shard, env::Random& random, ClientOptions options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Connects to the first bootstrap address that answers and learns the brokers. Tries again until `deadline`;
  /// unreachable after that, or when what answers is no broker.
  awaitable<Result<void>> start(Instant deadline);

  /// The topic from what is known, or asked for (and asked again while it has an error that may go away) until
  /// `deadline`. Errc::broker with UNKNOWN_TOPIC_OR_PARTITION when there is none.
  awaitable<Result<TopicRef>> topic(const std::string& name, AutoCreate create, Instant deadline);
  /// What is known now; null when nothing is.
  [[nodiscard]] TopicRef cached_topic(const std::string& name) const;
  /// One Metadata request for `names`, whatever is known, and no second attempt. A topic's own error is in `errors` of
  /// the answer.
  struct Refreshed {
    std::vector<TopicRef> topics;
    std::vector<std::pair<std::string, ErrorCode>> errors;
  };
  awaitable<Result<Refreshed>> refresh(std::vector<std::string> names, AutoCreate create);
  /// Every topic of the cluster.
  awaitable<Result<std::vector<TopicRef>>> all_topics();

  /// Answers leave a broker in the order of the requests, so what may wait (fetch) or is large (produce) has a
  /// connection of its own, and heartbeats or metadata do not stand behind it.
  enum class Use {
    control,     ///< what is answered at once
    data,        ///< records
    membership,  ///< JoinGroup and SyncGroup, which a broker holds back until all members are there
  };
  /// A connection to the broker: the open one, or a new one within the connect timeout. One attempt.
  awaitable<Result<ConnectionRef>> broker(BrokerId id, Use use = Use::control);
  /// A connection to whoever is at this address, which no call for a broker by its id uses. One attempt.
  awaitable<Result<ConnectionRef>> at(env::Address address) { return connect(address); }
  /// A connection to whichever broker answers; one attempt at each that is known.
  awaitable<Result<ConnectionRef>> any_broker();
  awaitable<Result<ConnectionRef>> controller();
  /// A connection to the coordinator of a group: the known one, or asked for. One attempt.
  awaitable<Result<ConnectionRef>> coordinator(const std::string& group, Use use = Use::control);
  /// The one that `coordinator` found last; kNoBroker when it was not asked.
  [[nodiscard]] BrokerId known_coordinator(const std::string& group) const;
  /// After NOT_COORDINATOR and the like: ask again next time.
  void forget_coordinator(const std::string& group) { coordinators_.erase(group); }

  /// Runs `attempt()` (an awaitable<Result<T>>) until it succeeds, fails with an error that stays, or `deadline`
  /// passes; then the last error.
  template <class Attempt>
  auto retry(Instant deadline, Attempt attempt) -> decltype(attempt());

  /// Says once that a broker is lost, and once that one is back.
  void note_lost(const Error& error);
  void note_back();
  /// What else a person should know.
  void note(Notice notice);
  /// For who looks for a fault.
  void note_detail(std::string text);
  /// No attempt to connect has succeeded since one failed, and there is no connection left.
  [[nodiscard]] bool lost() const;

  [[nodiscard]] const std::vector<BrokerInfo>& brokers() const { return brokers_; }
  [[nodiscard]] BrokerId controller_id() const { return controller_; }
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] env::Shard& shard() const { return shard_; }
  [[nodiscard]] env::Random& random() const { return random_; }
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  /// Where the parts of this client run their coroutines; joined by `close`.
  [[nodiscard]] env::TaskGroup& tasks() { return tasks_; }
  [[nodiscard]] bool closed() const { return closed_; }

  /// Closes every connection, and waits until the coroutines of `tasks` have ended. Stop producers and consumers first.
  awaitable<void> close();

 private:
  struct Slot;
  /// False when there is no next attempt: the error stays, or `deadline` comes first.
  awaitable<bool> wait_to_retry(const Error& error, Backoff& backoff, Instant deadline);
  awaitable<Result<ConnectionRef>> connect(const env::Address& address);
  awaitable<Result<ConnectionRef>> through(std::shared_ptr<Slot> slot, env::Address address);
  [[nodiscard]] std::shared_ptr<Slot> slot(Use use, BrokerId id);
  /// No names: every topic.
  awaitable<Result<Refreshed>> ask(ConnectionRef connection, std::optional<std::vector<std::string>> names,
                                   AutoCreate create);
  [[nodiscard]] env::Address address_of(const BrokerInfo& broker) const;

  env::Shard& shard_;
  env::Random& random_;
  ClientOptions options_;
  env::TaskGroup tasks_;
  std::vector<BrokerInfo> brokers_;
  BrokerId controller_ = kNoBroker;
  std::string cluster_id_;
  std::unordered_map<std::string, TopicRef> topics_;
  std::unordered_map<std::string, BrokerId> coordinators_;
  /// {control, kNoBroker}: whichever broker answered first.
  std::map<std::pair<Use, BrokerId>, std::shared_ptr<Slot>> slots_;
  std::optional<env::Address> bootstrap_socket_;  ///< the unix socket that answered
  std::size_t bootstrap_next_ = 0;
  bool lost_ = false;
  bool closed_ = false;
};

template <class Attempt>
auto Cluster::retry(Instant deadline, Attempt attempt) -> decltype(attempt()) {
  Backoff backoff;
  while (true) {
    auto result = co_await attempt();
    if (result || !co_await wait_to_retry(result.error(), backoff, deadline)) co_return result;
  }
}

}  // namespace mq::client
