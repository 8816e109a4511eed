#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/image.h"
#include "cluster/transaction.h"
#include "model/ids.h"

namespace mq::small {

inline constexpr std::size_t kBrokers = 3;

[[nodiscard]] constexpr BrokerId id_of(std::size_t broker) { return BrokerId{static_cast<std::int32_t>(broker) + 1}; }
[[nodiscard]] constexpr std::size_t place_of(BrokerId id) { return static_cast<std::size_t>(id.value()) - 1; }

/// All contents that a metadata store of three brokers and one partition has had, each once and by number, and all
/// transactions. Revisions follow from what the keys say, since each says something new whenever it is put: so two ways
/// to the same contents come to the same store.
class SmallStores {
 public:
  using Store = std::uint32_t;
  using Sent = std::uint32_t;

  SmallStores();

  [[nodiscard]] Store first() const { return 0; }
  [[nodiscard]] const cluster::ClusterImage& image(Store store) const { return contents_[store].image; }
  [[nodiscard]] const cluster::Partition& partition(Store store) const;
  /// Where everybody finds the partition.
  [[nodiscard]] static cluster::PartitionPlace place();
  /// At which the controller acquired its lease.
  [[nodiscard]] static cluster::Revision lease();

  [[nodiscard]] Sent number_of(const cluster::Transaction& transaction);
  /// The contents after the transaction; nothing when a compare does not hold.
  [[nodiscard]] std::optional<Store> commit(Store store, Sent sent);
  [[nodiscard]] std::optional<Store> commit(Store store, const cluster::Transaction& transaction) {
    return commit(store, number_of(transaction));
  }
  /// The broker registers anew, as starting, with a session.
  [[nodiscard]] Store registered(Store store, std::size_t broker);
  /// Its session ends.
  [[nodiscard]] Store expired(Store store, std::size_t broker);
  [[nodiscard]] std::size_t size() const { return contents_.size(); }

 private:
  struct Contents {
    std::map<std::string, std::string> values;
    std::map<std::string, cluster::KeyValue> entries;
    cluster::ClusterImage image;
  };
  Store number_of(std::map<std::string, std::string> values);
  Store with(Store store, const std::vector<cluster::Op>& ops);

  std::vector<Contents> contents_;
  std::map<std::map<std::string, std::string>, Store> numbers_;
  std::vector<cluster::Transaction> transactions_;
  std::map<std::string, Sent> transaction_numbers_;
  std::map<std::pair<Store, Sent>, std::optional<Store>> committed_;
};

}  // namespace mq::small
