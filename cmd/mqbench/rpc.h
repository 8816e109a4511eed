#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench.h"
#include "env/network.h"
#include "model/api_key.h"

namespace mq::mqbench {

/// `mqbench rpc`: Produce requests of one record, one in flight on each connection. Frames are made once and answers
/// only looked at for their error, so that the broker is what is measured.
class Rpc final : public Bench {
 public:
  using Bench::Bench;

 private:
  struct Caller {
    std::string frame;
    std::string answer;
    std::unique_ptr<env::Stream> stream;
    Instant asked = Instant::never();  ///< when the request in flight was sent; never while there is none
  };

  awaitable<Result<void>> load() override;
  void describe(Report& report) override;
  void on_over() override;
  awaitable<Result<void>> open_caller(std::int32_t partition);
  awaitable<void> call_on(Caller& caller);
  awaitable<Result<void>> exchange(Caller& caller);
  /// Ends the run when an answer does not come within --timeout: a timer for each request would be measured too.
  awaitable<void> watch_for_silence();
  [[nodiscard]] Result<void> check(BytesView answer) const;
  [[nodiscard]] env::Address address_of(BrokerId broker);

  ApiVersion version_ = 0;
  std::vector<std::unique_ptr<Caller>> callers_;
  metrics::Histogram latency_;
};

}  // namespace mq::mqbench
