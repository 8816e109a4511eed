#include "http/body.h"

#include <gtest/gtest.h>

#include <string>

namespace mq::http {
namespace {

using Form = BodyParser::Form;
using State = BodyParser::State;

constexpr BodyParser::Limits kLimits{.line_bytes_max = 20, .body_bytes_max = 50};

struct Taken {
  State state;
  std::string body;
  std::size_t unused;
};

/// Gives it `text` in pieces of `piece` bytes.
Taken take(BodyParser parser, std::string_view text, std::size_t piece) {
  Taken taken{.state = State::needs_more, .body = {}, .unused = 0};
  std::string unread;
  while (taken.state == State::needs_more && !text.empty()) {
    unread += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
    std::size_t used = 0;
    taken.state = parser.parse(unread, used, taken.body);
    unread.erase(0, used);
  }
  taken.unused = unread.size() + text.size();
  return taken;
}

Taken chunks(std::string_view text, std::size_t piece = 1000) {
  return take(BodyParser(Form::chunked, 0, kLimits), text, piece);
}

TEST(HttpBody, OfALengthEndsThere) {
  for (const std::size_t piece : {1u, 3u, 100u}) {
    const Taken taken = take(BodyParser(Form::of_length, 5, kLimits), "helloHTTP", piece);
    EXPECT_EQ(taken.state, State::done);
    EXPECT_EQ(taken.body, "hello");
    EXPECT_EQ(taken.unused, 4u);
  }
  std::size_t used = 0;
  std::string body;
  EXPECT_EQ(BodyParser(Form::of_length, 0, kLimits).parse("", used, body), State::done);
  EXPECT_EQ(BodyParser(Form::of_length, 51, kLimits).parse("", used, body), State::body_too_large);
}

TEST(HttpBody, UntilTheEndIsBounded) {
  EXPECT_EQ(take(BodyParser(Form::until_the_end, 0, kLimits), std::string(50, 'x'), 7).state, State::needs_more);
  EXPECT_EQ(take(BodyParser(Form::until_the_end, 0, kLimits), std::string(51, 'x'), 7).state, State::body_too_large);
  EXPECT_EQ(BodyParser(Form::until_the_end, 0, kLimits).end(), State::done);
  EXPECT_EQ(BodyParser(Form::of_length, 5, kLimits).end(), State::malformed);
  EXPECT_EQ(BodyParser(Form::chunked, 0, kLimits).end(), State::malformed);
}

TEST(HttpBody, ChunksAreJoinedWhereverTheyAreCut) {
  for (std::size_t piece = 1; piece < 50; ++piece) {
    const Taken taken = chunks("5\r\nhello\r\n00B ; a=b\r\n, world...\r\r\n0\r\nX: y\r\n\r\nHTTP", piece);
    EXPECT_EQ(taken.state, State::done);
    EXPECT_EQ(taken.body, "hello, world...\r");
    EXPECT_EQ(taken.unused, 4u);
  }
}

TEST(HttpBody, WrongChunksAreMalformed) {
  for (const char* text : {"\r\n", "x\r\n", "-1\r\n", "0x5\r\nhello\r\n", "5hello\r\n", " 5\r\n", "5\r\nhelloX\r\n",
                           "5\r\nhello5\r\n", "1234567890abcdef\r\n", "+5\r\nhello\r\n"})
    EXPECT_EQ(chunks(text).state, State::malformed) << text;
  EXPECT_EQ(chunks("5\nhello\n0\n\n").state, State::needs_more);  // without a line's end
}

TEST(HttpBody, LinesAndSumsOfChunksAreBounded) {
  EXPECT_EQ(chunks("1;" + std::string(19, 'x')).state, State::line_too_long);
  EXPECT_EQ(chunks("1;" + std::string(19, 'x') + "\r\n").state, State::line_too_long);
  EXPECT_EQ(chunks("0\r\nX: 0123456\r\nY: 0123456789\r\n\r\n").state, State::line_too_long);
  EXPECT_EQ(chunks("1e\r\n" + std::string(30, 'x') + "\r\n14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n").state,
            State::done);
  EXPECT_EQ(chunks("1e\r\n" + std::string(30, 'x') + "\r\n15\r\n" + std::string(21, 'x') + "\r\n0\r\n\r\n").state,
            State::body_too_large);
  EXPECT_EQ(chunks("fffffffffffffff\r\nabc").state, State::needs_more);  // no room is made for it
}

}  // namespace
}  // namespace mq::http
