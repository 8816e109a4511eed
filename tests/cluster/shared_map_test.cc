#include "cluster/shared_map.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "cluster/shared_list.h"

namespace mq::cluster {
namespace {

using Map = SharedMap<int, std::string>;

TEST(SharedMap, LivesLikeAnOrdinaryMapAndLeavesEveryOldOneAsItWas) {
  std::mt19937 random(3);
  for (int life = 0; life < 30; ++life) {
    std::map<int, std::string> model;
    Map map;
    const int keys = life % 2 == 0 ? 50 : 3000;
    for (int round = 0; round < 40; ++round) {
      const auto before_model = model;
      const Map before = map;
      Map::Edits edits;
      for (int n = static_cast<int>(random() % (round % 7 == 0 ? 900 : 5)); n >= 0; --n) {
        const int key = static_cast<int>(random()) % keys;
        const bool is_put = random() % 3 != 0;
        edits[key] = is_put ? std::optional(std::to_string(round)) : std::nullopt;
      }
      for (const auto& [key, value] : edits) {
        if (value) {
          model[key] = *value;
        } else {
          model.erase(key);
        }
      }
      map = map.with(edits);
      ASSERT_EQ(map.size(), model.size());
      ASSERT_TRUE(std::equal(map.begin(), map.end(), model.begin(),
                             [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
      ASSERT_TRUE(std::equal(before.begin(), before.end(), before_model.begin(), before_model.end(),
                             [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
      const int key = static_cast<int>(random()) % keys;
      ASSERT_EQ(map.contains(key), model.contains(key));
      const auto bound = model.lower_bound(key);
      ASSERT_EQ(map.lower_bound(key) == map.end(), bound == model.end());
      if (bound != model.end()) ASSERT_EQ(map.lower_bound(key)->first, bound->first);
    }
  }
}

TEST(SharedMap, OneChangeCopiesOneLeafAndSharesTheOthers) {
  Map::Edits all;
  for (int i = 0; i < 10'000; ++i) all[i] = std::to_string(i);
  const Map before = Map().with(all);
  const Map after = before.with(5000, "new");
  int copied = 0;
  for (int i = 0; i < 10'000; ++i) copied += before.find(i) == after.find(i) ? 0 : 1;
  EXPECT_LE(copied, 128);
  EXPECT_GE(copied, 1);
}

TEST(SharedMap, ErasingNearlyAllLeavesNoTrailOfSmallLeaves) {
  Map::Edits all;
  Map::Edits most;
  for (int i = 0; i < 10'000; ++i) all[i] = "";
  for (int i = 0; i < 10'000; ++i)
    if (i % 100 != 0) most[i] = std::nullopt;
  const Map few = Map().with(all).with(most);
  EXPECT_EQ(few.size(), 100u);
  EXPECT_EQ(few, Map().with([&] {
    Map::Edits left;
    for (int i = 0; i < 10'000; i += 100) left[i] = "";
    return left;
  }()));
}

TEST(SharedList, LivesLikeAVectorAndLeavesItsCopiesAlone) {
  std::mt19937 random(4);
  std::vector<int> model;
  SharedList<int> list;
  for (int round = 0; round < 600; ++round) {
    const auto model_before = model;
    const auto before = list;
    const int value = static_cast<int>(random());
    switch (random() % 5) {
      case 0:
        model.push_back(value);
        list.push_back(value);
        break;
      case 1: {
        std::vector<int> more(random() % 80, value);
        model.insert(model.end(), more.begin(), more.end());
        list.append(more);
        break;
      }
      case 2:
        if (model.empty()) break;
        model[static_cast<std::size_t>(value) % model.size()] = value;
        list.edit(static_cast<std::size_t>(value) % list.size()) = value;
        break;
      case 3: {
        std::vector<std::pair<std::size_t, int>> some;
        for (std::size_t at = random() % 40; at < model.size(); at += 1 + random() % 40) some.emplace_back(at, value);
        for (const auto& [at, item] : some) model[at] = item;
        list.replace(some);
        break;
      }
      default:
        if (model.size() < 400) break;
        model.resize(model.size() - random() % 300);
        list.resize(model.size());
    }
    ASSERT_TRUE(std::equal(list.begin(), list.end(), model.begin(), model.end()));
    ASSERT_TRUE(std::equal(before.begin(), before.end(), model_before.begin(), model_before.end()));
  }
}

}  // namespace
}  // namespace mq::cluster
