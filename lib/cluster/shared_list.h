#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace mq::cluster {

/// A list whose copies share what none of them has changed since. Items lie in pieces of 32: a copy costs a pointer for
/// each piece, a change besides that a copy of one piece. Each copy belongs to one thread while it is changed.
template <class T>
class SharedList {
 public:
  class Iterator {
   public:
    using value_type = T;
    using reference = const T&;
    using pointer = const T*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    reference operator*() const { return (*list_)[at_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class SharedList;
    Iterator(const SharedList* list, std::size_t at) : list_(list), at_(at) {}
    const SharedList* list_ = nullptr;
    std::size_t at_ = 0;
  };

  SharedList() = default;
  explicit SharedList(std::size_t count) { resize(count, T{}); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const T& operator[](std::size_t index) const {
    return (*pieces_[index / kPieceMax])[index % kPieceMax];
  }
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size_}; }

  /// A reference for changing this item, good until the next call of anything else.
  [[nodiscard]] T& edit(std::size_t index) {
    MQ_ASSERT(index < size_);
    return own_piece(index / kPieceMax)[index % kPieceMax];
  }
  /// Replaces items, given by ascending index: a piece is copied once for all that it gets.
  void replace(std::vector<std::pair<std::size_t, T>> items) {
    Piece* piece = nullptr;
    std::size_t number = 0;
    for (auto& [index, item] : items) {
      MQ_ASSERT(index < size_);
      if (piece == nullptr || number != index / kPieceMax) {
        number = index / kPieceMax;
        piece = &own_piece(number);
      }
      (*piece)[index % kPieceMax] = std::move(item);
    }
  }
  void push_back(T item) {
    if (size_ % kPieceMax == 0) {
      pieces_.push_back(std::make_shared<Piece>());
      pieces_.back()->reserve(1);
      pieces_.back()->push_back(std::move(item));
    } else {
      own_piece(size_ / kPieceMax).push_back(std::move(item));
    }
    ++size_;
  }
  void append(std::vector<T> items) {
    auto from = items.begin();
    for (; from != items.end() && size_ % kPieceMax != 0; ++from) push_back(std::move(*from));
    while (from != items.end()) {
      const auto to = from + std::min<std::ptrdiff_t>(items.end() - from, kPieceMax);
      pieces_.push_back(std::make_shared<Piece>(std::make_move_iterator(from), std::make_move_iterator(to)));
      size_ += static_cast<std::size_t>(to - from);
      from = to;
    }
  }
  void assign(std::size_t count, const T& item) {
    *this = SharedList();
    resize(count, item);
  }
  void resize(std::size_t count, const T& added = {}) {
    while (pieces_.size() > (count + kPieceMax - 1) / kPieceMax) pieces_.pop_back();
    if (count < size_ && count % kPieceMax != 0) own_piece(count / kPieceMax).resize(count % kPieceMax);
    size_ = std::min(size_, count);
    if (count > size_) append(std::vector<T>(count - size_, added));
  }

  friend bool operator==(const SharedList& a, const SharedList& b) {
    return a.size_ == b.size_ && std::ranges::equal(a.pieces_, b.pieces_, [](const auto& one, const auto& other) {
             return one == other || *one == *other;
           });
  }

 private:
  static constexpr std::size_t kPieceMax = 32;
  using Piece = std::vector<T>;

  /// A copy of its own: who else has this piece keeps it as it is.
  Piece& own_piece(std::size_t number) {
    auto copy = std::make_shared<Piece>();
    copy->reserve(std::min(kPieceMax, pieces_[number]->size() + 1));
    *copy = *pieces_[number];
    pieces_[number] = std::move(copy);
    return *pieces_[number];
  }

  std::vector<std::shared_ptr<Piece>> pieces_;  // all but the last are full; shared ones are never changed
  std::size_t size_ = 0;
};

}  // namespace mq::cluster
