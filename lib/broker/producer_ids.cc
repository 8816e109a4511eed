#include "broker/producer_ids.h"

#include "base/mark.h"
#include "controller/cluster_plans.h"

namespace mq::broker {
namespace {

constexpr std::int64_t kBlock = 1000;
/// More than may have been given out under metadata that was lost; there are enough for two thousand million such
/// losses.
constexpr std::int64_t kLostMax = std::int64_t{1} << 32;

}  // namespace

awaitable<Result<ProducerId>> ProducerIds::next() {
  const auto held = co_await reserving_.take();
  if (next_ == end_) {
    MQ_MARK("broker: producer ids are reserved");
    MQ_CO_CHECK(node_.disk_space.check_room());
    MQ_CO_TRY(next_, co_await reserve(kBlock));
    end_ = next_ + kBlock;
  }
  co_return ProducerId{next_++};
}

awaitable<Result<void>> ProducerIds::pass_over_lost() {
  MQ_CO_CHECK(co_await reserve(kLostMax));
  co_return Result<void>{};
}

awaitable<Result<std::int64_t>> ProducerIds::reserve(std::int64_t count) {
  std::int64_t first = 0;
  MQ_CO_CHECK(co_await writer_.change([&first, count](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    MQ_TRY(controller::ProducerIdBlock block, controller::plan_producer_ids(image, count));
    first = block.first;
    return std::move(block.plan);
  }));
  co_return first;
}

}  // namespace mq::broker
