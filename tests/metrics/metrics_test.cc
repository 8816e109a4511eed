#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "metrics/bucket_histogram.h"
#include "metrics/histogram.h"
#include "metrics/registry.h"

namespace mq::metrics {
namespace {

TEST(Histogram, EmptyOneSaysZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 0u);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t v = 1; v <= 1000; ++v) histogram.record(v);
  EXPECT_EQ(histogram.quantile(0), 1u);
  EXPECT_EQ(histogram.quantile(0.5), 500u);
  EXPECT_EQ(histogram.quantile(0.99), 990u);
  EXPECT_EQ(histogram.quantile(0.999), 999u);
  EXPECT_EQ(histogram.quantile(1), 1000u);
  EXPECT_EQ(histogram.min(), 1u);
  EXPECT_EQ(histogram.mean(), 500.5);
  EXPECT_EQ(histogram.count_at_most(10), 10u);
}

TEST(Histogram, OneOutlierIsTheTopPercentileAndExactAsMax) {
  Histogram histogram;
  histogram.record_many(100, 999);
  histogram.record(123'456'789);
  EXPECT_EQ(histogram.quantile(0.999), 100u);
  EXPECT_EQ(histogram.quantile(0.9999), 123'456'789u);
  EXPECT_EQ(histogram.max(), 123'456'789u);
}

class Close : public ::testing::TestWithParam<Precision> {};
INSTANTIATE_TEST_SUITE_P(Histogram, Close, ::testing::Values(Precision::coarse, Precision::fine));

TEST_P(Close, QuantilesAreThoseOfTheSortedValuesWithinThePrecision) {
  const double error = GetParam() == Precision::fine ? 1.0 / 1024 : 1.0 / 64;
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> shape(12, 3);  // from microseconds to minutes
  Histogram histogram(GetParam());
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::uint64_t>(std::min(shape(random), 4e12));
    values.push_back(value);
    histogram.record(value);
  }
  std::ranges::sort(values);
  for (double p : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(values.size()) - 1e-6));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto told = static_cast<double>(histogram.quantile(p));
    EXPECT_GE(told, exact) << p;
    EXPECT_LE(told, exact * (1 + error) + 1) << p;
  }
}

TEST(Histogram, EveryBucketFollowsTheLast) {
  Histogram histogram(Precision::coarse);
  for (std::uint64_t v = 1; v < std::uint64_t{1} << 42; v += 1 + v / 100) {
    histogram.reset();
    histogram.record(v);
    EXPECT_EQ(histogram.count_at_most(v), 1u);
    EXPECT_EQ(histogram.count_at_most(v - 1 - v / 64), 0u) << v;
    EXPECT_EQ(histogram.quantile(0.5), v);
  }
}

TEST(Histogram, ValuesPastTheRangeAreCountedAndKeptInMax) {
  Histogram histogram;
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  histogram.record(Duration(-5));
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.quantile(1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, MergedIsAsIfRecordedTogether) {
  std::mt19937_64 random(1);
  Histogram together, a, b;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t value = random() >> (22 + random() % 40);
    together.record(value);
    (i % 3 == 0 ? a : b).record(value);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), together.count());
  EXPECT_EQ(a.sum(), together.sum());
  EXPECT_EQ(a.min(), together.min());
  EXPECT_EQ(a.max(), together.max());
  for (double p : {0.1, 0.5, 0.99}) EXPECT_EQ(a.quantile(p), together.quantile(p));
}

TEST(BucketHistogram, EveryValueIsInTheFirstBucketThatHoldsIt) {
  for (const Unit unit : {Unit::seconds, Unit::count}) {
    const auto edges = edges_of(unit);
    for (std::size_t i = 0; i < edges.size(); ++i) {
      BucketHistogram histogram(unit);
      histogram.record(edges[i].value);
      histogram.record(edges[i].value + 1);
      BucketCounts counts;
      histogram.add_to(counts);
      EXPECT_EQ(counts.buckets[i], 1u) << edges[i].text;
      EXPECT_EQ(counts.buckets[i + 1], 1u) << edges[i].text;
      EXPECT_EQ(counts.sum, 2 * edges[i].value + 1);
    }
  }
}

TEST(BucketHistogram, NothingAndMoreThanEverythingAreCounted) {
  BucketHistogram histogram(Unit::seconds);
  histogram.record(0);
  histogram.record(Duration(-5));
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  BucketCounts counts;
  histogram.add_to(counts);
  EXPECT_EQ(counts.buckets.front(), 2u);
  EXPECT_EQ(counts.count_at_most(kEdgesMax - 1), 2u);
  EXPECT_EQ(counts.count(), 3u);
}

TEST(BucketHistogram, SeveralAreAddedUp) {
  BucketHistogram a(Unit::seconds), b(Unit::seconds);
  a.record(1ms);
  b.record(1ms);
  b.record(1s);
  BucketCounts counts;
  a.add_to(counts);
  b.add_to(counts);
  EXPECT_EQ(counts.count(), 3u);
  EXPECT_EQ(counts.sum, 1'002'000'000u);
}

constexpr std::string_view kApis[] = {"Produce", "Fe\"tch"};
enum Row : std::size_t { kRequests, kOpen, kLatency };
constexpr MetricRow kRows[] = {
    {.name = "mq_requests_total",
     .kind = Kind::counter,
     .help = "Requests answered.",
     .label = {.name = "api", .values = kApis}},
    {.name = "mq_open_connections", .kind = Kind::gauge, .help = "Connections \\ now."},
    {.name = "mq_request_seconds", .kind = Kind::histogram, .unit = Unit::seconds, .help = "Time to the answer."},
};

TEST(Registry, ShardsAreSummedAndWrittenAsText) {
  Metrics one(kRows), two(kRows);
  one.counter(kRequests, 0).add(2);
  two.counter(kRequests, 0).add(3);
  two.counter(kRequests, 1).add();
  one.gauge(kOpen).set(5);
  two.gauge(kOpen).add(-2);
  one.histogram(kLatency).record(20us);
  two.histogram(kLatency).record(2s);
  const Metrics* const shards[] = {&one, &two};
  const auto samples = sum(shards);
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].value, 5);
  EXPECT_EQ(samples[1].value, 1);
  EXPECT_EQ(samples[2].value, 3);

  const std::string text = prometheus_text(samples);
  const std::string start =
      "# HELP mq_requests_total Requests answered.\n"
      "# TYPE mq_requests_total counter\n"
      "mq_requests_total{api=\"Produce\"} 5\n"
      "mq_requests_total{api=\"Fe\\\"tch\"} 1\n"
      "# HELP mq_open_connections Connections \\\\ now.\n"
      "# TYPE mq_open_connections gauge\n"
      "mq_open_connections 3\n"
      "# HELP mq_request_seconds Time to the answer.\n"
      "# TYPE mq_request_seconds histogram\n"
      "mq_request_seconds_bucket{le=\"1e-05\"} 0\n"
      "mq_request_seconds_bucket{le=\"2.5e-05\"} 1\n";
  EXPECT_EQ(text.substr(0, start.size()), start);
  EXPECT_TRUE(
      text.ends_with("mq_request_seconds_bucket{le=\"60\"} 2\n"
                     "mq_request_seconds_bucket{le=\"+Inf\"} 2\n"
                     "mq_request_seconds_sum 2.000020000\n"
                     "mq_request_seconds_count 2\n"));
}

TEST(Registry, PairsOfLabelsAreShownOnceTheyCount) {
  static constexpr std::string_view kErrors[] = {"A", "B", "C"};
  static constexpr MetricRow kPairs[] = {{.name = "mq_errors_total",
                                          .help = "Errors.",
                                          .label = {.name = "api", .values = kApis},
                                          .second = {.name = "error", .values = kErrors},
                                          .sparse = true}};
  Metrics one(kPairs);
  const Metrics* const shards[] = {&one};
  EXPECT_TRUE(prometheus_text(sum(shards)).empty());
  one.counter(0, 0, 2).add(4);
  one.counter(0, 1, 0).add();
  EXPECT_EQ(prometheus_text(sum(shards)),
            "# HELP mq_errors_total Errors.\n"
            "# TYPE mq_errors_total counter\n"
            "mq_errors_total{api=\"Produce\",error=\"C\"} 4\n"
            "mq_errors_total{api=\"Fe\\\"tch\",error=\"A\"} 1\n");
}

TEST(Registry, WithoutShardsThereIsNothing) { EXPECT_TRUE(prometheus_text(sum({})).empty()); }

TEST(MetricRows, ProblemsAreTold) {
  for (const MetricRow& row : kRows) EXPECT_EQ(problem_of(row), nullptr) << row.name;
  EXPECT_NE(problem_of({.name = "Bad name_total", .help = "Text."}), nullptr);
  EXPECT_NE(problem_of({.name = "mq_requests", .kind = Kind::counter, .help = "Text."}), nullptr);
  EXPECT_NE(problem_of({.name = "mq_size", .kind = Kind::gauge, .unit = Unit::bytes, .help = "Text."}), nullptr);
  EXPECT_NE(problem_of({.name = "mq_size_total", .help = ""}), nullptr);
  EXPECT_NE(problem_of({.name = "mq_size_total", .help = "Text.", .label = {.name = "api"}}), nullptr);
}

}  // namespace
}  // namespace mq::metrics
