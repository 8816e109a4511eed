#include "posix/inherited_socket.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "posix/process.h"

namespace mq::posix {
namespace {

void pass(int process, int sockets) {
  ::setenv("LISTEN_PID", std::to_string(process).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(sockets).c_str(), 1);
}

TEST(InheritedSockets, WithoutVariablesThereAreNone) {
  const auto sockets = take_inherited_sockets();
  ASSERT_TRUE(sockets);
  EXPECT_TRUE(sockets->empty());
}

TEST(InheritedSockets, ThoseOfAnotherProcessAreNotOursAndTheVariablesGo) {
  pass(process_id() + 1, 1);
  const auto sockets = take_inherited_sockets();
  ASSERT_TRUE(sockets);
  EXPECT_TRUE(sockets->empty());
  EXPECT_FALSE(environment("LISTEN_PID"));
  EXPECT_FALSE(environment("LISTEN_FDS"));
}

TEST(InheritedSockets, WhatIsNoListeningSocketIsRefused) {
  // No descriptor of this test listens; as many as may be passed are looked at, the first says no.
  pass(process_id(), 1);
  EXPECT_EQ(take_inherited_sockets().error().code, Errc::invalid_argument);
  pass(process_id(), 1'000'000);
  EXPECT_EQ(take_inherited_sockets().error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace mq::posix
