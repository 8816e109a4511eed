#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mq::judge {

/// A record as a poll shows it.
struct MadeRecord {
  std::int64_t offset = 0;
  std::int64_t value = 0;
  std::string message_key;
  std::string damage;
  std::string body_key;
};

/// A send, or what was polled of one partition.
struct MadeElement {
  std::string key;
  std::int64_t value = 0;
  std::int64_t offset = -1;  ///< of a send that was answered
  std::string message_key;
  bool is_tombstone = false;
  std::vector<MadeRecord> records;  ///< of a poll
};

/// A line of a history before it is written, so that a test can change it.
struct MadeLine {
  std::int64_t t = 0;
  std::int64_t i = 0;
  std::int64_t p = -1;  ///< -1: of no client
  std::int64_t of = -1;
  std::string client;
  std::string type;
  std::string f;
  std::string group;
  std::string member;
  std::int32_t generation = -1;
  std::string error;
  std::vector<MadeElement> elements;
  std::map<std::string, std::int64_t> numbers;  ///< of partitions: positions, committed offsets
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> ends;
  std::map<std::string, std::int64_t> high_watermarks;
  std::map<std::string, std::int64_t> epochs;
  std::vector<std::string> keys;  ///< given to a member
  std::string word;               ///< the name of a phase or a fault, or a whole "v"

  [[nodiscard]] bool is(std::string_view action, std::string_view kind) const { return f == action && type == kind; }
  [[nodiscard]] std::string json() const;
};

/// How large a made history is.
struct MadeSize {
  std::size_t operations = 150;
  int producers = 3;
  int readers = 2;
  int partitions = 3;
};

/// A history of brokers that keep every promise, from one seed: idempotent producers with acks=all and several requests
/// in flight, readers, a group of two members that shares partitions anew, records that are deleted, a compacted topic,
/// ends of logs, a fault, clients that crash, answers that never came of what happened and of what did not; at the end
/// all is read twice. In the order of time.
[[nodiscard]] std::vector<MadeLine> good_history(std::uint64_t seed, const MadeSize& size = {});

/// The lines as text, with newlines.
[[nodiscard]] std::string text_of(const std::vector<MadeLine>& lines);

}  // namespace mq::judge
