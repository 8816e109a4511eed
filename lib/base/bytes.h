#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mq {

/// Bytes that someone else owns. A view of text and a view of bytes are the same type here: nothing in the data path
/// may assume a terminating zero.
using BytesView = std::string_view;

/// Bytes with shared ownership, immutable once made: a frame from a socket, a batch on its way to a log.
class SharedBytes {
 public:
  SharedBytes() = default;
  /// Takes `bytes` over.
  explicit SharedBytes(std::string bytes)
      : owner_(std::make_shared<const std::string>(std::move(bytes))),
        view_(*static_cast<const std::string*>(owner_.get())) {}
  /// `view` points into memory that lives as long as `owner`.
  SharedBytes(std::shared_ptr<const void> owner, BytesView view) : owner_(std::move(owner)), view_(view) {}

  [[nodiscard]] BytesView view() const { return view_; }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  /// A part of these bytes; it keeps the whole alive. `offset + size` must be inside.
  [[nodiscard]] SharedBytes part(std::size_t offset, std::size_t size) const {
    return {owner_, view_.substr(offset, size)};
  }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  BytesView view_;
};

}  // namespace mq
