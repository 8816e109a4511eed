#pragma once

#include <initializer_list>
#include <vector>

#include "model/ids.h"

namespace mq::mqctl {

inline std::vector<BrokerId> ids(std::initializer_list<int> numbers) {
  std::vector<BrokerId> brokers;
  for (const int number : numbers) brokers.emplace_back(number);
  return brokers;
}

}  // namespace mq::mqctl
