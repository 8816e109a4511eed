#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "payload.h"

namespace mq::mqbench {

/// `mqbench e2e`: sends by a schedule that nothing delays and reads what comes. Each record carries when it should have
/// been sent and when it was, both on this process's clock.
class EndToEnd final : public Bench {
 public:
  EndToEnd(tool::Context& context, Options options);

 private:
  awaitable<Result<void>> load() override;
  void describe(Report& report) override;
  awaitable<Result<void>> assign_ends(client::Consumer& consumer);
  awaitable<void> send(client::Producer& producer, client::Producer::Topic& into);
  /// One record that should have been sent at `intended`. False: there is no room, or an error has ended the run.
  bool try_send(client::Producer& producer, client::Producer::Topic& into, Instant intended);
  awaitable<void> receive(client::Consumer& consumer);
  void take(const record::RecordView& record);
  [[nodiscard]] bool is_missing_some() const { return sending_ || arrived_ < sent_; }

  std::uint64_t run_ = 0;
  Payload payload_;
  std::string value_;
  record::RecordReader reader_;
  bool sending_ = true;
  std::uint64_t sent_ = 0;
  std::uint64_t unsent_ = 0;  ///< records that were due in the window and found no room until its end
  std::uint64_t arrived_ = 0;
  Instant sent_all_;
  metrics::Histogram response_;
  metrics::Histogram service_;
};

}  // namespace mq::mqbench
