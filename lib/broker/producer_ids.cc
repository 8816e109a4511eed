#include "broker/producer_ids.h"

#include "base/cursor.h"
#include "broker/node.h"
#include "broker/shard_broker.h"

namespace mq::broker {
namespace {

constexpr std::int64_t kBlock = 1000;
/// More than may have been given out under metadata that was lost; there are enough for two thousand million such
/// losses.
constexpr std::int64_t kLostMax = std::int64_t{1} << 32;
constexpr const char* kKey = "counters/producer-id";

}  // namespace

ProducerIds::ProducerIds(Node& node) : node_(node), reserved_(node.first_shard().shard()) {}

awaitable<Result<ProducerId>> ProducerIds::next() {
  while (reserving_) co_await reserved_.wait();
  if (next_ == end_) {
    MQ_CO_CHECK(node_.disk_space().check_room());
    reserving_ = true;
    auto begin = co_await reserve(kBlock);
    reserving_ = false;
    reserved_.notify_all();
    if (!begin) co_return std::unexpected(begin.error());
    next_ = *begin;
    end_ = *begin + kBlock;
  }
  co_return ProducerId{next_++};
}

awaitable<Result<void>> ProducerIds::pass_over_lost() {
  auto begin = co_await reserve(kLostMax);
  if (!begin) co_return std::unexpected(begin.error());
  co_return Result<void>{};
}

awaitable<Result<std::int64_t>> ProducerIds::reserve(std::int64_t count) {
  MQ_CO_TRY(const auto found, co_await node_.store().get(kKey));
  std::int64_t begin = 0;
  if (found) {
    Reader reader(found->value);
    begin = reader.be<std::int64_t>();
    if (reader.failed() || begin < 0) co_return fail(Errc::corrupt, "the metadata key {} does not hold a number", kKey);
  }
  std::string value;
  Writer(value).be(begin + count);
  meta::Transaction transaction;
  transaction.compares.push_back(found ? meta::Compare::modified_at(kKey, found->modified)
                                       : meta::Compare::absent(kKey));
  transaction.ops.push_back(meta::Op::put(kKey, std::move(value)));
  MQ_CO_TRY(const auto revision, co_await node_.commit(std::move(transaction)));
  (void)revision;
  co_return begin;
}

}  // namespace mq::broker
