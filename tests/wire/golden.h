#pragma once

#include <charconv>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "wire/message.h"

namespace mq::wire {

/// One line of tests/golden/messages.txt: bytes that Kafka's own classes made.
struct Golden {
  std::string name;
  ApiVersion version = 0;
  std::string filling;  ///< full, empty or zero
  std::string bytes;
  [[nodiscard]] std::string title() const { return name + " v" + std::to_string(version) + " " + filling; }
};

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

/// Every line, read once.
inline const std::vector<Golden>& golden_messages() {
  static const std::vector<Golden> all = [] {
    std::vector<Golden> lines;
    std::ifstream file("tests/golden/messages.txt");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      Golden golden;
      std::string hex;
      words >> golden.name >> golden.version >> golden.filling >> hex;
      golden.bytes = from_hex(hex);
      lines.push_back(std::move(golden));
    }
    return lines;
  }();
  return all;
}

}  // namespace mq::wire
