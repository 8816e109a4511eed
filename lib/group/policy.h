#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "group/settings.h"
#include "model/ids.h"

namespace mq::group {

/// What the broker around a coordinator has room for. Asked before a request makes something grow; what is there goes
/// on as it is.
struct Room {
  std::function<bool()> for_group = [] { return true; };
  /// So many more bytes of memory, for groups, their members and their offsets.
  std::function<bool(std::size_t)> for_bytes = [](std::size_t) { return true; };
  /// What a batch of the offsets partition may hold.
  std::function<std::size_t()> batch_bytes = [] { return std::size_t{1} << 20; };
};

/// What the groups of a coordinator decide by.
struct Policy {
  Settings settings;
  /// Returns text that is never returned twice, in practice a UUID.
  std::function<std::string()> new_member_suffix;
  Room room;
  /// Whether it is known here, and perhaps not yet where a request was checked, that the topic is deleted.
  std::function<bool(const Uuid&)> is_deleted = [](const Uuid&) { return false; };

  /// Whatever somebody wants to add must find room, and for what was there already there is.
  [[nodiscard]] bool has_room_to_grow(std::size_t from, std::size_t to) const {
    return to <= from || room.for_bytes(to - from);
  }
};

}  // namespace mq::group
