#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace mq {

/// A value of type `Rep` that cannot be mixed up with another: `Offset + Offset` does not compile.
/// Operators are added beside the alias, where the sentence makes sense.
template <class Rep, class Tag>
class Strong {
 public:
  using rep = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(std::move(value)) {}
  [[nodiscard]] constexpr const Rep& value() const { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  friend constexpr bool operator==(const Strong&, const Strong&) = default;

 private:
  Rep value_{};
};

}  // namespace mq

template <class Rep, class Tag>
struct std::hash<mq::Strong<Rep, Tag>> {
  std::size_t operator()(const mq::Strong<Rep, Tag>& v) const { return std::hash<Rep>{}(v.value()); }
};
