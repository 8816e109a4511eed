#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "client/cluster.h"
#include "client/group_consumer.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/messages/accept_store.h"
#include "wire/messages/store_status.h"

namespace mq::client {

/// One item of a request for several: done, or its own error.
struct ItemResult {
  std::string name;
  std::optional<Error> error;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;          ///< -1: the broker's default
  std::int16_t replication_factor = -1;  ///< -1: the broker's default
  std::vector<std::pair<std::string, std::string>> configs;
};
struct CreatedTopic {
  std::string name;
  std::optional<Error> error;
  Uuid id;
  std::int32_t partitions = -1;  ///< -1 from brokers that do not say
  std::int16_t replication_factor = -1;
};

enum class ResourceType : std::int8_t { topic = 2, group = 32, broker = 4, broker_logger = 8 };
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;  ///< nothing when sensitive
  bool read_only = false;
  bool is_default = false;
  std::int8_t source = 0;  ///< Kafka's ConfigSource: 1 topic, 2 dynamic broker, 3 dynamic default, 4 static, 5 default
  bool sensitive = false;
  std::int8_t type = 0;  ///< Kafka's ConfigType
  std::string documentation;
};
struct ResourceConfigs {
  ResourceType type = ResourceType::topic;
  std::string name;
  std::optional<Error> error;
  std::vector<ConfigEntry> entries;
};
enum class ConfigOp : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
struct ConfigChange {
  std::string name;
  ConfigOp op = ConfigOp::set;
  std::optional<std::string> value;
};

struct GroupListing {
  std::string id;
  std::string protocol_type;
  std::string state;  ///< empty from brokers that do not say
  std::string type;
};
struct GroupMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::vector<TopicPartition> assignment;  ///< empty when it is not the consumer protocol
};
struct GroupDescription {
  std::string id;
  std::optional<Error> error;
  std::string state;  ///< Empty, Stable, PreparingRebalance, CompletingRebalance, Dead
  std::string protocol_type;
  std::string protocol;
  BrokerId coordinator = kNoBroker;
  std::vector<GroupMember> members;
};

struct PartitionResult {
  TopicPartition where;
  std::optional<Error> error;
  Offset offset{-1};  ///< delete_records: the new start
};

struct ClusterDescription {
  std::string cluster_id;
  BrokerId controller = kNoBroker;
  std::vector<BrokerInfo> brokers;
  std::vector<BrokerInfo> fenced;  ///< that are registered and not there; none from brokers that do not say
  std::vector<BrokerId> drained;   ///< that are there, and that an operator wants to lead nothing
  std::string store_trouble;       ///< why the broker that was asked does not follow its metadata store; empty: it does
};

struct PartitionState {
  TopicPartition where;
  BrokerId leader = kNoBroker;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<BrokerId> replicas;  ///< in order of preference
  std::vector<BrokerId> in_sync;
  std::vector<BrokerId> eligible;      ///< to lead though not in sync, KIP-966
  std::vector<BrokerId> last_in_sync;  ///< where nobody is either
  std::vector<BrokerId> offline;
};

/// A partition on its way to other brokers.
struct Reassignment {
  TopicPartition where;
  std::vector<BrokerId> replicas;  ///< with those of the next two
  std::vector<BrokerId> adding;
  std::vector<BrokerId> removing;
};
struct PartitionMove {
  TopicPartition where;
  std::optional<std::vector<BrokerId>> replicas;  ///< none: what is going on is called off
};

enum class Election : std::int8_t { preferred = 0, unclean = 1 };

struct ReplicaSize {
  TopicPartition where;
  std::int64_t size_bytes = 0;
  std::int64_t offset_lag = 0;
  bool is_future = false;
};
struct LogDir {
  BrokerId broker;
  std::string path;
  std::optional<Error> error;
  std::int64_t total_bytes = -1;  ///< -1 from brokers that do not say
  std::int64_t usable_bytes = -1;
  std::vector<ReplicaSize> replicas;
};

struct ProducerState {
  ProducerId producer_id;
  std::int32_t producer_epoch = -1;
  std::int32_t last_sequence = -1;
  WallMillis last_timestamp = -1;
  std::int32_t coordinator_epoch = -1;
  std::int64_t transaction_start_offset = -1;  ///< -1: none is open
};

/// The administrative requests, sent to the broker that each must go to (any, controller, coordinator, leader), tried
/// again until `deadline` while the error may go away. A request for several items answers in the order asked, each
/// with its own error; the outer error means that no answer was had. Bound to the cluster's shard.
class Admin {
 public:
  explicit Admin(Cluster& cluster) : cluster_(cluster) {}

  awaitable<Result<std::vector<CreatedTopic>>> create_topics(std::vector<NewTopic> topics, bool validate_only,
                                                             Instant deadline);
  awaitable<Result<std::vector<ItemResult>>> delete_topics(std::vector<std::string> names, Instant deadline);
  /// Raises the number of partitions to `count`.
  awaitable<Result<void>> create_partitions(const std::string& topic, std::int32_t count, bool validate_only,
                                            Instant deadline);
  /// Every topic, by name.
  awaitable<Result<std::vector<Cluster::TopicRef>>> list_topics(Instant deadline);

  awaitable<Result<ResourceConfigs>> describe_configs(ResourceType type, std::string name, Instant deadline);
  awaitable<Result<void>> alter_configs(ResourceType type, std::string name, std::vector<ConfigChange> changes,
                                        bool validate_only, Instant deadline);

  /// Of all brokers.
  awaitable<Result<std::vector<GroupListing>>> list_groups(Instant deadline);
  awaitable<Result<GroupDescription>> describe_group(const std::string& group, Instant deadline);
  awaitable<Result<std::vector<ItemResult>>> delete_groups(std::vector<std::string> groups, Instant deadline);
  /// Committed offsets: of `partitions`, or all that the group has when it is empty.
  awaitable<Result<std::vector<CommittedOffset>>> fetch_offsets(const std::string& group,
                                                                std::vector<TopicPartition> partitions,
                                                                Instant deadline);
  /// Sets offsets of a group without members (`group reset`).
  awaitable<Result<std::vector<PartitionResult>>> commit_offsets(const std::string& group,
                                                                 std::vector<CommittedOffset> offsets,
                                                                 Instant deadline);
  awaitable<Result<std::vector<PartitionResult>>> delete_offsets(const std::string& group,
                                                                 std::vector<TopicPartition> partitions,
                                                                 Instant deadline);

  /// Deletes records before each offset; -1: all up to the high watermark.
  awaitable<Result<std::vector<PartitionResult>>> delete_records(std::vector<std::pair<TopicPartition, Offset>> before,
                                                                 Instant deadline);

  awaitable<Result<ClusterDescription>> describe_cluster(Instant deadline);
  /// Of these topics, or of all when there is none; what does not exist is left out. unsupported from brokers before
  /// Kafka 3.8.
  awaitable<Result<std::vector<PartitionState>>> describe_partitions(std::vector<std::string> topics, Instant deadline);
  awaitable<Result<std::vector<Reassignment>>> list_reassignments(Instant deadline);
  /// Begins them, or calls them off.
  awaitable<Result<std::vector<PartitionResult>>> alter_reassignments(std::vector<PartitionMove> moves,
                                                                      Instant deadline);
  awaitable<Result<std::vector<PartitionResult>>> elect_leaders(Election election,
                                                                std::vector<TopicPartition> partitions,
                                                                Instant deadline);
  /// Takes a broker that does not come back out of the cluster.
  awaitable<Result<void>> unregister_broker(BrokerId id, Instant deadline);
  /// A broker is to lead nothing, or may lead again. Only `mqd` has this request; others close the connection.
  awaitable<Result<void>> drain_broker(BrokerId id, bool is_wanted, Instant deadline);
  /// How the broker at this address stands to its metadata store. One attempt, as the next. Only `mqd` has these
  /// requests.
  awaitable<Result<wire::StoreStatusResponse>> store_status(env::Address broker);
  /// Has brokers go on with their metadata store as it is. What the answer refuses is the caller's business.
  awaitable<Result<wire::AcceptStoreResponse>> accept_store(env::Address broker, wire::AcceptStoreRequest request);
  /// Of all brokers.
  awaitable<Result<std::vector<LogDir>>> describe_log_dirs(Instant deadline);
  awaitable<Result<std::vector<ProducerState>>> describe_producers(const TopicPartition& where, Instant deadline);

 private:
  Cluster& cluster_;
};

}  // namespace mq::client
