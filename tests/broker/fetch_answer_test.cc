// Fetch answers where there is nothing to read, or nobody may: empty lists and nulls as Kafka has them.

#include <optional>
#include <string>

#include "broker/api/api.h"
#include "broker_fixture.h"

namespace mq::broker {
namespace {

using testing::Peer;

constexpr ApiVersion kVersion = 12;

class FetchAnswer : public testing::BrokerTest {
 protected:
  /// How many aborted transactions the answer lists; nothing when it has no list.
  std::optional<std::size_t> aborted(std::string topic, std::int64_t offset, std::int8_t isolation_level) {
    wire::FetchRequest request;
    request.isolation_level = isolation_level;
    request.max_bytes = 1000;
    auto& wanted = request.topics.emplace_back();
    wanted.topic = std::move(topic);
    auto& partition = wanted.partitions.emplace_back();
    partition.fetch_offset = offset;
    partition.partition_max_bytes = 1000;
    const auto answer =
        run([](sim::Machine& client, const wire::FetchRequest& asked) -> awaitable<wire::FetchResponse> {
          auto peer = co_await Peer::connect(client);
          co_return co_await peer->call(asked, kVersion);
        }(*client_, request));
    const auto& list = answer.responses.at(0).partitions.at(0).aborted_transactions;
    return list ? std::optional(list->size()) : std::nullopt;
  }
};

TEST_F(FetchAnswer, ListsAbortedTransactionsOfWhatWasReadForWhoAskedForCommittedRecords) {
  constexpr std::int8_t kAll = 0;
  start();
  create_topic("t", 1);
  EXPECT_EQ(aborted("t", 0, kReadCommitted), 0u);
  EXPECT_EQ(aborted("t", 0, kAll), std::nullopt);
  EXPECT_EQ(aborted("t", 77, kReadCommitted), std::nullopt) << "out of range: nothing was read";
  EXPECT_EQ(aborted("t", 77, kAll), std::nullopt);
  EXPECT_EQ(aborted("nobody", 0, kReadCommitted), 0u);
  EXPECT_EQ(aborted("nobody", 0, kAll), 0u);
}

}  // namespace
}  // namespace mq::broker
