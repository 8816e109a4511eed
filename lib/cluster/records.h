#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/format1.h"
#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/transaction.h"

namespace mq::cluster {

// The image as keys and values of format 1 (`format1.h`).
//
//   cluster                      the cluster's id
//   brokers/ID                   a registered broker
//   topics/NAME                  a topic: id, partition count, settings
//   partitions/ID/CHUNK          partitions [256 * CHUNK, 256 * CHUNK + 256) of the topic with this id
//   tombstones/ID                a deleted topic: its name
//   configs/brokers/ID           settings of one broker; ID -1: of all
//
// Topic ids are spelled as Kafka's tools do; CHUNK has six decimal digits. Every value begins with one byte of version;
// numbers and lengths are varints, see records.cc. A chunk takes about 2 KiB, with three replicas each 4 KiB, so that a
// transaction of 100 keys and 256 KiB carries 15,000 partitions. A bigger topic takes several transactions: its topic
// key, which is last in `to_records`, makes the partitions visible: chunks without a topic key mean nothing, nor do the
// partitions of a chunk above the topic's count, which a growing topic leaves when it is cut off in the middle.

using format1::chunk_count;
using format1::kPartitionsPerChunk;

[[nodiscard]] KeyValue cluster_record(const Uuid& cluster_id);
[[nodiscard]] KeyValue broker_record(const Broker& broker);
/// The topic's own key alone, for a change of settings.
[[nodiscard]] KeyValue topic_record(const Topic& topic);
/// One chunk alone, for a change of partitions in it.
[[nodiscard]] KeyValue partitions_record(const Topic& topic, std::int32_t chunk);
/// Every chunk in order, then the topic's own key.
[[nodiscard]] std::vector<KeyValue> to_records(const Topic& topic);
/// The keys of `to_records`, in the order to erase them: the topic's own key first, so that a half-done deletion of a
/// big topic is never seen. The tombstone is put in the first of its transactions and erased in the last.
[[nodiscard]] std::vector<std::string> keys_of(const Topic& topic);
[[nodiscard]] KeyValue tombstone_record(const Uuid& topic, std::string_view name);
[[nodiscard]] KeyValue broker_config_record(BrokerId id, const ConfigMap& configs);
/// The whole image.
[[nodiscard]] std::vector<KeyValue> to_records(const ClusterImage& image);

/// The image of a listing of the whole store, in any order. Keys of other kinds (leases, counters) are skipped.
/// corrupt: a value that does not follow its format, a topic with a missing chunk, two topics with one id; the message
/// names the key. unsupported: a value of a later version.
[[nodiscard]] Result<ClusterImage> from_records(std::span<const KeyValue> records);

/// The chunks whose topic id has no topic key: what a topic's creation or deletion left when it was cut off in the
/// middle. They may be erased by who holds the controller's lease while no creation is in progress.
[[nodiscard]] std::vector<std::string> orphan_keys(std::span<const KeyValue> records, const ClusterImage& image);

}  // namespace mq::cluster
