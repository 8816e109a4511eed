#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "cluster/image.h"

namespace mq::cluster {

// What the values of the metadata store are made of, in every format: lengths and counts are unsigned varints, other
// numbers zigzag varints. `text` is a length and its bytes, `list of x` a count and that many x.

void put_text(Writer& to, std::string_view text);
void put_id(Writer& to, const Uuid& id);
void put_brokers(Writer& to, const std::vector<BrokerId>& brokers);
/// A list of (text name, text value) by ascending name.
void put_configs(Writer& to, const ConfigMap& configs);
/// A list of (text listener, text host, port).
void put_endpoints(Writer& to, const std::vector<Endpoint>& endpoints);

// Readers: what goes wrong sets the reader's `failed`, and whoever opened the value reports it.

[[nodiscard]] std::string take_text(Reader& from);
/// A count of things that take at least `bytes_min` each, so that it cannot make us reserve more than was sent.
[[nodiscard]] std::size_t take_count(Reader& from, std::size_t count_max, std::size_t bytes_min);
[[nodiscard]] Uuid take_id(Reader& from);
/// As many as a partition may have replicas, unless more are expected.
inline constexpr std::size_t kReplicasMax = 128;
[[nodiscard]] std::vector<BrokerId> take_brokers(Reader& from, std::size_t count_max = kReplicasMax);
[[nodiscard]] ConfigMap take_configs(Reader& from);
[[nodiscard]] std::vector<Endpoint> take_endpoints(Reader& from);

}  // namespace mq::cluster
