#include "broker/producer_limit.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"

namespace mq::broker {
namespace {

std::size_t sum_of(const std::vector<std::size_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

}  // namespace

std::size_t common_height(std::vector<std::size_t> counts, std::size_t room) {
  std::ranges::sort(counts);
  auto place = counts.begin();
  const auto higher = [&] { return static_cast<std::size_t>(counts.end() - place); };
  for (; place != counts.end() && *place * higher() <= room; ++place) room -= *place;
  MQ_ASSERT(place != counts.end());
  return room / higher();
}

void ProducerLimit::came(std::size_t count) {
  counted_ += count;
  if (counted_ <= most()) return;
  const std::vector<std::size_t> remembered = counts();
  counted_ = sum_of(remembered);
  if (counted_ <= most()) return;
  // Many at once, so that each new producer costs the same on average; down to the same height everywhere, so that who
  // floods one partition with producers is forgotten first.
  const std::size_t height = common_height(remembered, most() - most() / 8);
  partitions_.for_each([&](Partition& partition) { partition.log().keep_latest_producers(height); });
  counted_ = sum_of(counts());
  MQ_ASSERT(counted_ <= most());
}

std::size_t ProducerLimit::most() const { return node_.config().producers_max / node_.machine.shards.size(); }

std::vector<std::size_t> ProducerLimit::counts() const {
  std::vector<std::size_t> counts;
  partitions_.for_each([&](const Partition& partition) { counts.push_back(partition.log().producer_count()); });
  return counts;
}

}  // namespace mq::broker
