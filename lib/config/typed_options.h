#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "config/option.h"

namespace mq::config {

/// The values in force of a whole table, parsed: each layer over the one below it, and the defaults at the bottom. What
/// the typed structs are filled from; asking for a name or type that the table does not have is a bug and aborts.
class TypedOptions {
 public:
  /// `layers`, the strongest first. invalid_argument as `parse_option`, in any layer, hidden or not.
  static Result<TypedOptions> resolve(std::span<const OptionRow> table, std::span<const Overrides* const> layers) {
    TypedOptions options;
    for (const Overrides* layer : layers) {
      for (const auto& [name, text] : *layer) {
        MQ_TRY(Value value, parse_option(table, name, text));
        options.values_.try_emplace(name, std::move(value));
      }
    }
    for (const OptionRow& row : table) {
      if (row.may_be_unset || options.values_.contains(std::string(row.name))) continue;
      MQ_TRY(Value value, parse(row, row.fallback));
      options.values_.emplace(row.name, std::move(value));
    }
    return options;
  }

  [[nodiscard]] bool boolean(std::string_view name) const { return get<bool>(name); }
  [[nodiscard]] std::int64_t int64(std::string_view name) const { return get<std::int64_t>(name); }
  [[nodiscard]] std::int32_t int32(std::string_view name) const {
    const std::int64_t value = int64(name);
    MQ_ASSERT(value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max());
    return static_cast<std::int32_t>(value);
  }
  [[nodiscard]] double real(std::string_view name) const { return get<double>(name); }
  [[nodiscard]] const std::string& text(std::string_view name) const { return get<std::string>(name); }
  [[nodiscard]] const std::vector<std::string>& list(std::string_view name) const {
    return get<std::vector<std::string>>(name);
  }
  [[nodiscard]] std::chrono::milliseconds millis(std::string_view name) const {
    return std::chrono::milliseconds(int64(name));
  }

 private:
  template <class T>
  [[nodiscard]] const T& get(std::string_view name) const {
    const auto found = values_.find(name);
    MQ_ASSERT(found != values_.end());
    const T* value = std::get_if<T>(&found->second);
    MQ_ASSERT(value != nullptr);
    return *value;
  }

  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace mq::config
