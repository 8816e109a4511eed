#include "metrics/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/assert.h"

namespace mq::metrics {
namespace {

constexpr int kValueBits = 42;
constexpr std::uint64_t kNothingYet = std::numeric_limits<std::uint64_t>::max();

using Cell = std::atomic<std::uint64_t>;
std::uint64_t get(const Cell& cell) { return cell.load(std::memory_order_relaxed); }
void put(Cell& cell, std::uint64_t value) { cell.store(value, std::memory_order_relaxed); }

/// 2^bits values one by one, then half as many buckets for each further power of two.
std::size_t buckets_for(int bits) { return static_cast<std::size_t>(kValueBits - bits + 2) << (bits - 1); }

}  // namespace

Histogram::Histogram(Precision precision)
    : bits_(static_cast<int>(precision)), buckets_(buckets_for(bits_)), cells_(std::make_unique<Cell[]>(4 + buckets_)) {
  put(min_cell(), kNothingYet);
}

std::size_t Histogram::index_of(std::uint64_t value) const {
  value = std::min(value, (std::uint64_t{1} << kValueBits) - 1);
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - bits_);
  return (static_cast<std::size_t>(shift) << (bits_ - 1)) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::end_of(std::size_t index) const {
  const std::size_t half = index >> (bits_ - 1);
  const std::size_t shift = half < 2 ? 0 : half - 1;
  const std::uint64_t kept = index - (shift << (bits_ - 1));
  return ((kept + 1) << shift) - 1;
}

void Histogram::record_many(std::uint64_t value, std::uint64_t times) {
  if (times == 0) return;
  Cell& cell = bucket(index_of(value));
  put(cell, get(cell) + times);
  put(count_cell(), get(count_cell()) + times);
  put(sum_cell(), get(sum_cell()) + value * times);
  if (value < get(min_cell())) put(min_cell(), value);
  if (value > get(max_cell())) put(max_cell(), value);
}

void Histogram::merge(const Histogram& other) {
  MQ_ASSERT(other.bits_ == bits_);
  for (std::size_t i = 0; i < buckets_; ++i) {
    if (const std::uint64_t more = get(other.bucket(i))) put(bucket(i), get(bucket(i)) + more);
  }
  put(count_cell(), get(count_cell()) + get(other.count_cell()));
  put(sum_cell(), get(sum_cell()) + get(other.sum_cell()));
  put(min_cell(), std::min(get(min_cell()), get(other.min_cell())));
  put(max_cell(), std::max(get(max_cell()), get(other.max_cell())));
}

void Histogram::reset() {
  for (std::size_t i = 0; i < 4 + buckets_; ++i) put(cells_[i], 0);
  put(min_cell(), kNothingYet);
}

std::uint64_t Histogram::min() const {
  const std::uint64_t least = get(min_cell());
  return least == kNothingYet ? 0 : least;
}

double Histogram::mean() const {
  const std::uint64_t all = count();
  return all == 0 ? 0 : static_cast<double>(sum()) / static_cast<double>(all);
}

std::uint64_t Histogram::quantile(double p) const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const double share = std::clamp(p, 0.0, 1.0) * static_cast<double>(all);
  // The p-th of n values is the one at ceil(p * n); a product that is a hair over a whole number means that number.
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share - 1e-9 * share)), 1, all);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_; ++i) {
    seen += get(bucket(i));
    // The last bucket also holds what is past it, so its end is unknown but for `max`.
    if (seen >= rank) return i + 1 == buckets_ ? max() : std::min(end_of(i), max());
  }
  return max();
}

std::uint64_t Histogram::count_at_most(std::uint64_t value) const {
  const std::size_t last = index_of(value);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += get(bucket(i));
  return seen;
}

}  // namespace mq::metrics
