#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "sim/checkers/history.h"
#include "sim/cluster/cluster.h"

namespace mq::sim {

inline void start(Broker& broker) {
  const auto started = broker.start();
  ASSERT_TRUE(started) << started.error().message;
}

/// The broker dies, with or without the power, and is started again.
inline void crash(Cluster& cluster, Broker& broker) {
  if (cluster.rng().one_in(2)) {
    broker.kill();
  } else {
    broker.lose_power(PowerLoss::any);
  }
  start(broker);
}

inline void expect_kept(const Verdict& verdict) {
  for (const std::string& sentence : verdict) ADD_FAILURE() << sentence;
}

/// To look at a failing seed.
inline void print_logs(Cluster& cluster) {
  for (int index = 0; index < cluster.size(); ++index)
    for (const std::string& line : cluster.broker(index).machine().log_lines()) std::cout << line << "\n";
}

}  // namespace mq::sim
