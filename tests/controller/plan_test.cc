#include "controller/plan.h"

#include <gtest/gtest.h>

namespace mq::controller {
namespace {

using cluster::Compare;
using cluster::Op;
using cluster::Revision;

TEST(Plan, WhatFollowsTheFirstTransactionComparesTheGuardAsTheFirstLeftIt) {
  const Plan plan{.transactions = {{.compares = {Compare::absent("guard")}, .ops = {Op::put("guard", "")}},
                                   {.compares = {}, .ops = {Op::put("b", "")}}},
                  .guard = "guard"};
  EXPECT_EQ(plan.transaction(0, Revision{7}).compares, (std::vector{Compare::absent("guard")}));
  EXPECT_EQ(plan.transaction(1, Revision{7}).compares, (std::vector{Compare::modified_at("guard", Revision{7})}));
}

TEST(Plan, WithoutAGuardTransactionsAreAsTheyStand) {
  const Plan plan{
      .transactions = {{.compares = {}, .ops = {Op::put("a", "")}}, {.compares = {}, .ops = {Op::put("b", "")}}},
      .guard = std::nullopt};
  EXPECT_TRUE(plan.transaction(1, Revision{7}).compares.empty());
}

}  // namespace
}  // namespace mq::controller
