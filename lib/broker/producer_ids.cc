#include "broker/producer_ids.h"

#include <utility>

#include "base/mark.h"
#include "controller/cluster_plans.h"

namespace mq::broker {
namespace {

constexpr std::int64_t kBlock = 1000;
/// More than may have been given out under metadata that was lost; there are enough for two thousand million such
/// losses.
constexpr std::int64_t kLostMax = std::int64_t{1} << 32;

}  // namespace

ProducerIds::ProducerIds(NodeContext& node, MetadataWriter& writer)
    : node_(node), writer_(writer), reserving_(node.home()), tasks_(node.home()) {}

awaitable<Result<ProducerId>> ProducerIds::next() {
  const auto held = co_await reserving_.take();
  if (block_.is_empty() && !spare_.is_empty()) {
    MQ_MARK("broker: the spare block of producer ids comes into use");
    block_ = std::exchange(spare_, {});
  }
  if (keeps_spare_ && spare_.is_empty()) keep_spare();
  if (block_.is_empty()) {
    MQ_MARK("broker: producer ids are reserved");
    MQ_CO_CHECK(node_.disk_space.check_room());
    MQ_CO_TRY(block_, co_await reserve(kBlock));
  }
  co_return ProducerId{block_.next++};
}

void ProducerIds::keep_spare() {
  keeps_spare_ = true;
  if (std::exchange(is_fetching_spare_, true)) return;
  tasks_.spawn(fetch_spare());
}

awaitable<void> ProducerIds::fetch_spare() {
  // Where there is none now, the next one who asks tries again.
  if (auto block = co_await reserve(kBlock)) spare_ = *block;
  is_fetching_spare_ = false;
}

awaitable<void> ProducerIds::stop() {
  keeps_spare_ = false;
  co_await tasks_.join();
}

awaitable<Result<void>> ProducerIds::pass_over_lost() {
  MQ_CO_CHECK(co_await reserve(kLostMax));
  co_return Result<void>{};
}

awaitable<Result<ProducerIds::Block>> ProducerIds::reserve(std::int64_t count) {
  std::int64_t first = 0;
  MQ_CO_CHECK(co_await writer_.change([&first, count](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    MQ_TRY(controller::ProducerIdBlock block, controller::plan_producer_ids(image, count));
    first = block.first;
    return std::move(block.plan);
  }));
  co_return Block{.next = first, .end = first + count};
}

}  // namespace mq::broker
