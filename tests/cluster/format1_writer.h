#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "cluster/format1.h"
#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/transaction.h"
#include "cluster/value_parts.h"

namespace mq::cluster::format1 {

// Writes what mqd wrote before format 2.

template <class Write>
Op put(std::string key, Write write) {
  std::string value(1, '\1');
  Writer to(value);
  write(to);
  return Op::put(std::move(key), std::move(value));
}

inline Op put_cluster(const Uuid& id) {
  return put(cluster_key(), [&](Writer& to) { put_id(to, id); });
}

inline Op put_tombstone(const Uuid& id, std::string_view name) {
  return put(tombstone_key(id), [&](Writer& to) { put_text(to, name); });
}

inline Op put_broker_config(BrokerId id, const ConfigMap& configs) {
  return put(broker_config_key(id), [&](Writer& to) { put_configs(to, configs); });
}

inline Op put_producer_ids(std::int64_t next) {
  std::string value;
  Writer to(value);
  to.be(next);
  return Op::put(producer_ids_key(), std::move(value));
}

/// Chunks of partitions, then the topic's own key.
inline std::vector<Op> put_whole_topic(const Topic& topic) {
  std::vector<Op> ops;
  for (std::int32_t chunk = 0; chunk < chunk_count(topic.partition_count()); ++chunk) {
    const std::int32_t first = chunk * kPartitionsPerChunk;
    const std::int32_t end = std::min(first + kPartitionsPerChunk, topic.partition_count());
    ops.push_back(put(chunk_key(topic.id, chunk), [&](Writer& to) {
      to.uvarint(static_cast<std::uint64_t>(end - first));
      for (std::int32_t index = first; index < end; ++index) {
        const Partition& partition = *topic.find_partition(index);
        put_brokers(to, partition.replicas);
        put_brokers(to, partition.isr);
        to.varint(partition.leader.value());
        to.varint(partition.leader_epoch.value());
        to.varint(partition.partition_epoch);
      }
    }));
  }
  ops.push_back(put(topic_key(topic.name), [&](Writer& to) {
    put_id(to, topic.id);
    to.uvarint(topic.partitions.size());
    put_configs(to, topic.configs);
  }));
  return ops;
}

}  // namespace mq::cluster::format1
