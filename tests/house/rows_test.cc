#include <gtest/gtest.h>

#include <set>
#include <string>

#include "broker/api/api.h"
#include "broker/metrics.h"
#include "config/option.h"
#include "model/api_key.h"
#include "model/error_code.h"

namespace mq {
namespace {

TEST(ErrorCodes, EveryCodeHasItsNameOnceAndInOrder) {
  std::set<std::string_view> names;
  int last = -2;
  for (const ErrorCodeInfo& row : error_codes()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GT(static_cast<int>(row.code), last) << row.name;
    EXPECT_EQ(name_of(row.code), row.name);
    last = static_cast<int>(row.code);
  }
}

TEST(Apis, EveryApiHasANameAndARangeOfVersions) {
  for (const ApiInfo& row : apis()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_LE(row.version_min, row.version_max) << row.name;
    EXPECT_EQ(find_api(static_cast<std::int16_t>(row.key)), &row) << row.name;
  }
}

TEST(Apis, EveryApiThatIsKnownIsServed) {
  const auto served = broker::api_table();
  const auto known = apis();
  ASSERT_EQ(served.size(), known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ(served[i].key, known[i].key) << known[i].name;
    EXPECT_NE(served[i].start, nullptr) << known[i].name;
  }
}

void expect_whole(std::span<const config::OptionRow> rows) {
  std::string_view last;
  for (const config::OptionRow& row : rows) {
    EXPECT_LT(last, row.name);
    EXPECT_FALSE(row.text.empty()) << row.name;
    const bool is_number = row.type == config::OptionType::integer || row.type == config::OptionType::short_integer ||
                           row.type == config::OptionType::long_integer || row.type == config::OptionType::real;
    EXPECT_EQ(is_number, row.unit != config::Unit::none) << row.name << " and its unit";
    if (!row.may_be_unset || !row.fallback.empty()) {
      EXPECT_TRUE(config::parse(row, row.fallback)) << row.name << " and its default '" << row.fallback << "'";
    }
    last = row.name;
  }
}

TEST(Settings, EveryTopicOptionHasTextUnitAndADefaultThatParses) { expect_whole(config::topic_options()); }
TEST(Settings, EveryBrokerOptionHasTextUnitAndADefaultThatParses) { expect_whole(config::broker_options()); }

TEST(Metrics, EveryRowHasTextUnitAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const metrics::MetricRow& row : broker::metric_rows()) {
    EXPECT_EQ(metrics::problem_of(row), nullptr) << row.name << ": " << metrics::problem_of(row);
    EXPECT_TRUE(row.name.starts_with("mq_") || row.name.starts_with("process_")) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands twice";
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(broker::Metric::process_max_fds) + 1);
}

TEST(Metrics, EveryApiHasAPlaceOfItsOwnAndUnknownKeysShareOne) {
  std::set<std::uint8_t> places;
  for (const ApiInfo& api : apis())
    EXPECT_TRUE(places.insert(broker::ShardMetrics::place_of(static_cast<std::int16_t>(api.key))).second) << api.name;
  for (const int key : {-1, 4, 127, 128, 32767})
    EXPECT_EQ(broker::ShardMetrics::place_of(static_cast<std::int16_t>(key)), 0) << key;
  EXPECT_FALSE(places.contains(0));
}

}  // namespace
}  // namespace mq
