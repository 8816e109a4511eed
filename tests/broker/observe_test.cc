// What an operator sees of a broker: its numbers and its log.

#include <algorithm>
#include <string>

#include "broker/metrics_text.h"
#include "broker_fixture.h"
#include "wire/messages/init_producer_id.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;
using testing::Peer;

class Observed : public BrokerTest {
 protected:
  /// The value of a series as it is written, or "absent".
  std::string metric(const std::string& series) {
    const std::string text =
        world_->run(*machine_, metrics_text(node_->services(), {.started_at = 1'500, .cpu = 2s}), 1min);
    const auto at = text.find("\n" + series + " ");
    if (at == std::string::npos) return "absent";
    const auto from = at + series.size() + 2;
    return text.substr(from, text.find('\n', from) - from);
  }
  awaitable<bool> send_rubbish(int connections) {
    for (int i = 0; i < connections; ++i) {
      auto peer = co_await Peer::connect(*client_);
      co_await peer->write("\xff\xff\xff\xffrubbish");
      EXPECT_TRUE(co_await peer->is_closed());
    }
    co_return true;
  }
  [[nodiscard]] std::size_t lines_with(std::string_view text) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(machine_->log_lines(), [&](const std::string& line) { return line.contains(text); }));
  }
};

TEST_F(Observed, RequestsRecordsAndErrorsAreCountedOnceWhicheverShardServesThem) {
  start();
  create_topic("t", 4);
  const std::string batch = testing::make_batch({.records = 3});
  run([](sim::Machine& client, const std::string& sent) -> awaitable<bool> {
    auto peer = co_await Peer::connect(client);
    for (std::int32_t index = 0; index < 4; ++index) {
      std::string own = sent;
      (void)co_await peer->call(testing::produce_request("t", index, own), 9);
    }
    (void)co_await peer->call(testing::produce_request("unknown", 0, sent), 9);
    co_return true;
  }(*client_, batch));
  EXPECT_EQ(metric("mq_appended_batches_total"), "4");
  EXPECT_EQ(metric("mq_appended_records_total"), "12");
  EXPECT_EQ(metric("mq_appended_bytes_total"), std::to_string(4 * batch.size()));
  EXPECT_EQ(metric("mq_log_size_bytes"), std::to_string(4 * batch.size()));
  EXPECT_EQ(metric("mq_requests_total{api=\"Produce\"}"), "5");
  EXPECT_EQ(metric("mq_request_duration_seconds_count{api=\"Produce\"}"), "5");
  EXPECT_EQ(metric("mq_request_errors_total{api=\"Produce\",error=\"UNKNOWN_TOPIC_OR_PARTITION\"}"), "1");
  EXPECT_EQ(metric("mq_commit_wait_seconds_count"), "4");
  EXPECT_EQ(metric("mq_topics"), "1");
  EXPECT_EQ(metric("mq_partitions"), "4");
  EXPECT_EQ(metric("process_start_time_seconds"), "1.500000000");
  EXPECT_EQ(metric("process_cpu_seconds_total"), "2.000000000");
}

TEST_F(Observed, EveryConnectionThatWasTakenIsOpenOrClosedForAReason) {
  start();
  run(send_rubbish(7));
  EXPECT_EQ(metric("mq_connections_accepted_total"), "7");
  EXPECT_EQ(metric("mq_connections_closed_total{reason=\"refused\"}"), "7");
  EXPECT_EQ(metric("mq_connections_open"), "0");
}

TEST_F(Observed, LinesThatClientsCauseAreBoundedAndWhatIsLeftOutIsTold) {
  start({}, 1, 1);
  run(send_rubbish(25));
  EXPECT_EQ(lines_with("closed: a request of -1 bytes"), static_cast<std::size_t>(PeerLog::kLinesMax));
  EXPECT_EQ(lines_with("were left out"), 0u);
  EXPECT_EQ(metric("mq_log_lines_left_out_total"), "15");
  world_->run_for(PeerLog::kWindow);
  EXPECT_EQ(lines_with("15 more lines that clients caused were left out"), 1u);
  // A new window, and new lines.
  run(send_rubbish(1));
  EXPECT_EQ(lines_with("closed: a request of -1 bytes"), static_cast<std::size_t>(PeerLog::kLinesMax) + 1);
}

TEST_F(Observed, AFailedDiskIsToldOnceAndShowsInTheNumbers) {
  start();
  EXPECT_EQ(metric("mq_data_directory_offline"), "0");
  world_->run(
      *machine_,
      [](Node& node) -> awaitable<bool> {
        node.disk_health().disk_failed({.code = Errc::disk_failed, .message = "input/output error"});
        node.disk_health().disk_failed({.code = Errc::disk_failed, .message = "input/output error"});
        co_return true;
      }(*node_),
      1min);
  EXPECT_EQ(metric("mq_data_directory_offline"), "1");
  EXPECT_EQ(lines_with("look at the disk, then restart"), 1u);
}

TEST_F(Observed, AFailedSyncOfTheMetadataForAProducerIdTakesTheDirectoryOffline) {
  start();
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = "metadata.db-wal"});
  const auto error = run([](sim::Machine& client) -> awaitable<ErrorCode> {
    auto peer = co_await Peer::connect(client);
    co_return (co_await peer->call(wire::InitProducerIdRequest{.transaction_timeout_ms = 1000}, 4)).error_code;
  }(*client_));
  EXPECT_EQ(error, ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(node_->is_offline());
  EXPECT_EQ(metric("mq_data_directory_offline"), "1");
}

TEST_F(Observed, ReconfiguredDefaultsCountInEveryPartition) {
  start();
  create_topic("t", 3);
  NodeConfig changed = node_->config();
  changed.topic_defaults["retention.ms"] = "1234";
  changed.topic_defaults["mq.flush"] = "async";
  world_->run(*machine_, node_->reconfigure(std::move(changed)), 1min);
  for (std::int32_t index = 0; index < 3; ++index) {
    EXPECT_EQ(partition("t", index).log().config().retention_ms, 1234);
    EXPECT_FALSE(partition("t", index).log().config().flush_on_ack);
  }
}

TEST_F(Observed, WhatWasReadableStaysReadableWhenATopicBecomesFlushAck) {
  start();
  create_topic("t", 1, {{"mq.flush", "async"}});
  const std::string batch = testing::make_batch({.records = 3});
  run([](sim::Machine& client, std::string sent) -> awaitable<bool> {
    auto peer = co_await Peer::connect(client);
    (void)co_await peer->call(testing::produce_request("t", 0, sent), 9);
    co_return true;
  }(*client_, batch));
  EXPECT_EQ(partition("t", 0).high_watermark(), Offset{3});
  const auto changed = world_->run(*machine_,
                                   node_->topics().change_config(
                                       "t",
                                       [](std::map<std::string, std::string>& configs) -> Result<void> {
                                         configs["mq.flush"] = "ack";
                                         return {};
                                       },
                                       false),
                                   1min);
  EXPECT_EQ(changed.error, ErrorCode::kNone);
  EXPECT_EQ(partition("t", 0).high_watermark(), Offset{3});
  world_->run_for(1s);
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{3}) << "nobody waits, and it is synced all the same";
}

}  // namespace
}  // namespace mq::broker
