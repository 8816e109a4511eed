#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "broker/partition.h"
#include "broker/shard_context.h"
#include "client/connection.h"
#include "cluster/image.h"
#include "env/address.h"
#include "env/async.h"
#include "env/shard.h"
#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::broker {

/// Copies the partitions of one shard that one broker leads, of one flush class: fetches over one connection, checks
/// what comes, appends it as it is, and tells each partition's replica what the leader has said.
///
/// Every request names all of them that may take more, in full: without a fetch session. The leader keeps it until it
/// has something. A second one follows while it waits when there is news for the leader, such as a new synced end, and
/// ends its wait; more are never in flight. What fails rests for 10 ms, and twice as long each time, up to 1 s.
///
/// Its shard's thread only. Its tasks keep it, and end soon after `stop`.
class Follower final : public std::enable_shared_from_this<Follower> {
 public:
  struct Leader {
    BrokerId id;
    env::Address address;
    friend bool operator==(const Leader&, const Leader&) = default;
  };
  Follower(ShardContext& shard, Leader leader);
  ~Follower();

  [[nodiscard]] const Leader& leader() const { return leader_; }
  void start();
  /// Nothing is fetched any more, and of what is on its way nothing is taken.
  void stop();

  /// From now on it is copied, in its present leader epoch.
  void add(std::shared_ptr<Partition> partition);
  void remove(const Partition& partition) { copies_.erase(place_of(partition)); }
  [[nodiscard]] bool is_idle() const { return copies_.empty(); }
  /// It has something to tell the leader, or may take more again.
  void has_news(const Partition& partition);

 private:
  /// Of what failed, until when it rests.
  struct Rest {
    Instant until;
    Duration pause{0};
    /// True: from now on it rests as long as ever.
    bool begin(Instant now);
    void end() { *this = {}; }
  };
  /// What the leader was told last.
  struct Told {
    Offset end{-1};
    Offset synced{-1};
    Offset start{-1};
    friend bool operator==(const Told&, const Told&) = default;
  };
  struct Copy {
    std::shared_ptr<Partition> partition;
    LeaderEpoch epoch;  ///< an answer for another one is not for it
    Told told;
    Rest rest;
    bool is_warm = false;
    bool is_stopped = false;  ///< a person has to look
  };
  using Copies = std::map<cluster::PartitionPlace, Copy>;

  static cluster::PartitionPlace place_of(const Partition& partition) {
    return {partition.topic_id(), partition.name().partition};
  }
  static awaitable<void> run(std::shared_ptr<Follower> self);
  awaitable<void> connect();
  void wake();

  // --- Asking -------------------------------------------------------------------------------------------------------
  [[nodiscard]] bool may_ask(const Copy& copy) const;
  /// Until more may be copied to new replicas.
  [[nodiscard]] bool is_held_back(const Copy& copy) const;
  [[nodiscard]] bool is_news(const Copy& copy) const;
  [[nodiscard]] static Told position(const Copy& copy);
  /// When something may be asked by the mere passing of time.
  [[nodiscard]] Instant next_end_of_rest() const;
  void ask_if_due();
  void ask();
  [[nodiscard]] std::optional<wire::FetchRequest::FetchPartition> question(Copy& copy);

  // --- What comes back ----------------------------------------------------------------------------------------------
  void take(const Result<SharedBytes>& answer, ApiVersion version);
  void take(const wire::FetchResponse& answer);
  void take(Copy& copy, const wire::FetchResponse::PartitionData& row);
  [[nodiscard]] Result<void> take_records(Copy& copy, BytesView records);
  /// Where the log is to be cut, if the leader's is another one.
  [[nodiscard]] Result<std::optional<Offset>> divergence(Partition& partition,
                                                         const wire::FetchResponse::EpochEndOffset& leaders);
  void tell(Copy& copy, const wire::FetchResponse::PartitionData& row, std::optional<Offset> diverges_at);
  void failed(Copy& copy, const Error& error);
  /// Of all of them, or of the connection. Told once until it is over.
  void all_failed(const Error& error);

  ShardContext& shard_;
  const Leader leader_;
  Copies copies_;
  cluster::PartitionPlace served_last_;  ///< the next request begins behind it, so that a busy one starves nobody
  std::shared_ptr<client::Connection> connection_;
  Duration connect_timeout_;       ///< longer each time that nobody answered
  std::uint64_t connections_ = 0;  ///< counts them: an answer of an earlier one is late
  int in_flight_ = 0;
  Rest rest_;
  bool is_trouble_told_ = false;
  bool is_woken_ = false;
  bool is_stopped_ = false;
  std::unique_ptr<env::Timer> timer_;
};

}  // namespace mq::broker
