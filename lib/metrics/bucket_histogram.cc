#include "metrics/bucket_histogram.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace mq::metrics {

struct BucketHistogram::Layout {
  explicit Layout(Unit unit) {
    const std::span<const Edge> edges = edges_of(unit);
    ends.fill(std::numeric_limits<std::uint64_t>::max());
    std::ranges::transform(edges, ends.begin(), &Edge::value);
    for (std::size_t width = 0; width < first_bucket.size(); ++width) {
      const std::uint64_t least = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
      const auto first = std::ranges::lower_bound(edges, least, {}, &Edge::value);
      first_bucket[width] = static_cast<std::uint8_t>(first - edges.begin());
    }
  }

  std::array<std::uint64_t, kEdgesMax + 1> ends;
  std::array<std::uint8_t, 65> first_bucket;
};

const BucketHistogram::Layout& BucketHistogram::layout_of(Unit unit) {
  static const Layout kSeconds(Unit::seconds);
  static const Layout kCounts(Unit::count);
  return unit == Unit::seconds ? kSeconds : kCounts;
}

BucketHistogram::BucketHistogram(Unit unit)
    : ends_(layout_of(unit).ends.data()), first_bucket_(layout_of(unit).first_bucket.data()) {}

void BucketHistogram::add_to(BucketCounts& counts) const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) counts.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
  counts.sum += sum_.load(std::memory_order_relaxed);
}

std::uint64_t BucketCounts::count() const { return std::reduce(buckets.begin(), buckets.end()); }

std::uint64_t BucketCounts::count_at_most(std::size_t edge) const {
  return std::reduce(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(edge) + 1);
}

}  // namespace mq::metrics
