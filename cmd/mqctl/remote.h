#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "client/admin.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "client/options.h"
#include "console.h"
#include "env/async.h"
#include "env/random.h"
#include "model/ids.h"

namespace mq::mqctl {

/// The cluster that a command talks to, reached when the command has understood its own words: a mistake in them is
/// told without a broker. `close` before destroying it.
class Remote {
 public:
  Remote(Console& console, client::ClientOptions options, env::Random& random)
      : console_(console), options_(std::move(options)), random_(random) {}

  /// Learns the brokers; unreachable or timed_out after --connect-timeout.
  awaitable<Result<void>> connect();
  awaitable<void> close();

  /// The next two after `connect`.
  [[nodiscard]] client::Cluster& cluster() { return *cluster_; }
  [[nodiscard]] client::Admin admin() { return client::Admin(*cluster_); }
  /// Of a request that begins now.
  [[nodiscard]] Instant deadline() const;

  /// The topics by these names, in their order. What does not exist is complained about and left out.
  awaitable<Result<std::vector<client::Cluster::TopicRef>>> topics(std::vector<std::string> names);
  /// Offsets of `partitions` at `at` (OffsetQuery's times). Without those that do not exist or have no leader now.
  awaitable<Result<std::map<TopicPartition, client::OffsetAnswer>>> offsets(std::vector<TopicPartition> partitions,
                                                                            std::int64_t at);

 private:
  Console& console_;
  client::ClientOptions options_;
  env::Random& random_;
  std::optional<client::Cluster> cluster_;
};

}  // namespace mq::mqctl
