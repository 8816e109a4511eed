#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bench.h"
#include "client/producer.h"
#include "payload.h"

namespace mq::mqbench {

/// `mqbench produce`: as much as the broker takes, or a fixed rate. Latency is that of the acknowledgement.
class Produce final : public Bench {
 public:
  Produce(tool::Context& context, Options options);

 private:
  struct Lane {
    std::unique_ptr<client::Producer> producer;
    client::Producer::Topic* topic = nullptr;
    std::uint64_t sent = 0;
  };

  awaitable<Result<void>> load() override;
  void describe(Report& report) override;
  awaitable<Result<void>> open_lane();
  awaitable<void> send_at_will(Lane& lane);
  awaitable<void> send_on_schedule(Lane& lane);
  /// One record that should have been sent at `intended`. False: there is no room, or an error has ended the run.
  bool try_send(Lane& lane, Instant intended);
  void delivered(const client::Delivery& delivery);

  std::uint64_t unsent_ = 0;  ///< records that were due in the window and found no room until its end
  Payload payload_;
  WallMillis timestamp_ = 0;  ///< of the records, read once for many
  std::vector<std::unique_ptr<Lane>> lanes_;
  metrics::Histogram response_;
  metrics::Histogram lateness_;             ///< how long after its time a record was sent
  std::optional<Instant> acknowledged_at_;  ///< the last time
  Duration longest_ack_gap_{0};             ///< between two acknowledgements, of those that began in the window
};

}  // namespace mq::mqbench
