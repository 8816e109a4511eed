#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/cluster/cluster.h"

namespace mq::broker {

/// Why the broker does not start, as it must not.
inline Error error_of_start(sim::Broker& broker) {
  auto started = broker.start();
  EXPECT_FALSE(started);
  broker.stop();
  return started ? Error{} : started.error();
}

inline void expect_refused(const Error& error, std::string_view words) {
  EXPECT_EQ(error.code, Errc::refused) << error.message;
  EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
}

}  // namespace mq::broker
