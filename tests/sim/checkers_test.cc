// Judges that find nothing prove nothing: each breach of a promise, in a history of a few lines.

#include <gtest/gtest.h>

#include <string>

#include "sim/checkers/groups.h"
#include "sim/checkers/history.h"
#include "sim/checkers/records.h"
#include "sim/checkers/topics.h"

namespace mq::sim {
namespace {

const std::string kReader = "reader";
const TopicPartition kPlace{"t", 0};
const TopicPartition kOther{"t", 1};

/// Three records, acknowledged and seen where they are.
History three_records() {
  History history;
  for (std::int64_t i = 0; i < 3; ++i) {
    history.acknowledged.push_back({.value = record_value("p", i), .where = kPlace, .offset = i});
    history.seen[kReader].push_back({.where = kPlace, .offset = i, .value = record_value("p", i)});
  }
  return history;
}

bool says(const Verdict& verdict, const std::string& what) {
  for (const std::string& sentence : verdict)
    if (sentence.find(what) != std::string::npos) return true;
  return false;
}

TEST(RecordsJudge, FindsNothingWhereAllIsWell) {
  EXPECT_EQ(judge_records(three_records(), kReader), Verdict{});
  EXPECT_EQ(judge_shared_records(three_records(), kReader), Verdict{});
}

TEST(RecordsJudge, NamesTheProducerAndNumberOfAValue) {
  EXPECT_EQ(name_of(record_value("a producer", 12)).producer, "a producer");
  EXPECT_EQ(name_of(record_value("a producer", 12)).number, 12);
  EXPECT_EQ(name_of("of nobody").number, -1);
  EXPECT_EQ(name_of("alone").number, -1);
}

TEST(RecordsJudge, MissesAnAcknowledgedRecordThatNobodySaw) {
  History history = three_records();
  history.seen[kReader].pop_back();
  EXPECT_TRUE(says(judge_records(history, kReader), "'p 2' in t-0 at 2 is lost"));
  EXPECT_TRUE(says(judge_shared_records(history, kReader), "is lost"));
  EXPECT_EQ(judge_records(history, "somebody who saw nothing").size(), 3U);
}

TEST(RecordsJudge, FindsARecordThatWasNeverAcknowledged) {
  History history = three_records();
  history.acknowledged.pop_back();
  EXPECT_TRUE(says(judge_records(history, kReader), "was never acknowledged"));
  EXPECT_TRUE(says(judge_shared_records(history, kReader), "was never acknowledged"));
}

TEST(RecordsJudge, FindsARecordElsewhereThanItsProducerWasTold) {
  History history = three_records();
  history.acknowledged[1].where = kOther;
  EXPECT_TRUE(says(judge_records(history, kReader), "its producer was told t-1 at 1"));
  history = three_records();
  history.acknowledged[2].offset = 7;
  EXPECT_TRUE(says(judge_shared_records(history, kReader), "its producer was told t-0 at 7"));
}

TEST(RecordsJudge, FindsADoubledRecordWhichOnlyAGroupMayMeet) {
  History history = three_records();
  history.seen[kReader].push_back({.where = kPlace, .offset = 3, .value = record_value("p", 2)});
  EXPECT_TRUE(says(judge_records(history, kReader), "came twice"));
  history.seen[kReader].back() = history.seen[kReader][2];
  EXPECT_EQ(judge_shared_records(history, kReader), Verdict{});
}

TEST(RecordsJudge, FindsTwoRecordsThatWereToldOnePlaceAndOneThatWasToldTwo) {
  History history = three_records();
  history.acknowledged[2].offset = 1;
  EXPECT_TRUE(says(judge_records(history, kReader), "were both told t-0 at 1"));
  history = three_records();
  history.acknowledged.push_back(history.acknowledged[0]);
  EXPECT_TRUE(says(judge_records(history, kReader), "was acknowledged twice"));
}

TEST(RecordsJudge, FindsGapsAndRecordsOutOfOrder) {
  History history = three_records();
  history.acknowledged[2].offset = history.seen[kReader][2].offset = 5;
  EXPECT_TRUE(says(judge_records(history, kReader), "5 follows 1 in t-0"));
  history = three_records();
  std::swap(history.acknowledged[1].value, history.acknowledged[2].value);
  std::swap(history.seen[kReader][1].value, history.seen[kReader][2].value);
  EXPECT_TRUE(says(judge_records(history, kReader), "'p 1' stands behind number 2"));
}

TEST(GroupsJudge, FindsACommitThatWasLostAndOneThatNobodyAskedFor) {
  using Kind = History::Commit::Kind;
  History history;
  const auto add = [&](Kind kind, std::int64_t offset) {
    history.commits.push_back({.kind = kind, .group = "g", .where = kPlace, .offset = offset});
  };
  for (const std::int64_t offset : {1, 2}) {
    add(Kind::asked, offset);
    add(Kind::acknowledged, offset);
  }
  add(Kind::found, 2);
  add(Kind::asked, 3);
  add(Kind::found, 2);
  add(Kind::found, 3);  // asked for; the answer may still be on its way
  EXPECT_EQ(judge_commits(history), Verdict{});
  add(Kind::found, 1);
  EXPECT_TRUE(says(judge_commits(history), "found 1, but 2 was acknowledged and 3 asked for"));
  history.commits.back().offset = 4;
  EXPECT_EQ(judge_commits(history).size(), 1U);
  history.commits.back().offset = -1;
  EXPECT_EQ(judge_commits(history).size(), 1U);
}

TEST(GroupsJudge, FindsAPartitionWithTwoOwnersInOneGeneration) {
  History history;
  const auto give = [&](std::int32_t generation, const TopicPartition& where, const std::string& member) {
    history.assignments.push_back({.group = "g", .generation = generation, .where = where, .member = member});
  };
  give(1, kPlace, "a");
  give(1, kOther, "b");
  give(2, kPlace, "b");
  give(2, kPlace, "b");
  EXPECT_EQ(judge_assignments(history), Verdict{});
  give(2, kPlace, "a");
  EXPECT_TRUE(says(judge_assignments(history), "b and a of g both own t-0 in generation 2"));
}

TEST(TopicsJudge, FindsALostDirectoryAndWhatIsLeftOfADeletedTopic) {
  History history;
  history.topics["kept"] = 2;
  history.deleted_topics.insert("gone");
  EXPECT_EQ(judge_topics(history, {.listed = {"kept-0", "kept-1"}, .durable = {"kept-0", "kept-1"}}), Verdict{});
  EXPECT_TRUE(says(judge_topics(history, {.listed = {"kept-0", "kept-1"}, .durable = {"kept-0"}}), "kept-1 is lost"));
  EXPECT_TRUE(says(judge_topics(history, {.listed = {"gone-0"}, .durable = {"kept-0", "kept-1"}}), "gone-0 is left"));
}

}  // namespace
}  // namespace mq::sim
