#include "metrics/edges.h"

#include <algorithm>

namespace mq::metrics {
namespace {

constexpr Edge kSecondEdges[] = {{10'000, "1e-05"},      {25'000, "2.5e-05"},    {50'000, "5e-05"},
                                 {100'000, "0.0001"},    {250'000, "0.00025"},   {500'000, "0.0005"},
                                 {1'000'000, "0.001"},   {2'500'000, "0.0025"},  {5'000'000, "0.005"},
                                 {10'000'000, "0.01"},   {25'000'000, "0.025"},  {50'000'000, "0.05"},
                                 {100'000'000, "0.1"},   {250'000'000, "0.25"},  {500'000'000, "0.5"},
                                 {1'000'000'000, "1"},   {2'500'000'000, "2.5"}, {5'000'000'000, "5"},
                                 {10'000'000'000, "10"}, {30'000'000'000, "30"}, {60'000'000'000, "60"}};
constexpr Edge kCountEdges[] = {{1, "1"},
                                {4, "4"},
                                {16, "16"},
                                {64, "64"},
                                {256, "256"},
                                {1024, "1024"},
                                {4096, "4096"},
                                {16384, "16384"},
                                {65536, "65536"},
                                {262144, "262144"},
                                {1048576, "1048576"},
                                {4194304, "4194304"},
                                {16777216, "16777216"},
                                {67108864, "67108864"}};

constexpr bool are_at_least_doubled(std::span<const Edge> edges) {
  return edges.size() <= kEdgesMax && std::ranges::adjacent_find(edges, [](const Edge& a, const Edge& b) {
                                        return b.value < 2 * a.value;
                                      }) == edges.end();
}
static_assert(are_at_least_doubled(kSecondEdges) && are_at_least_doubled(kCountEdges));

}  // namespace

std::span<const Edge> edges_of(Unit unit) {
  return unit == Unit::seconds ? std::span<const Edge>(kSecondEdges) : std::span<const Edge>(kCountEdges);
}

}  // namespace mq::metrics
