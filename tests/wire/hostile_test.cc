// Bytes from anybody: whatever comes, decoding ends with a message or an error, and takes memory in proportion.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>

#include "base/cursor.h"
#include "wire/every_message.h"
#include "wire/golden.h"
#include "wire/header.h"

namespace {

/// Bytes asked from the allocator and not given back, and the most that were at any time.
struct Heap {
  std::size_t now = 0;
  std::size_t peak = 0;
};
thread_local Heap heap;

constexpr std::size_t kSizeBytes = alignof(std::max_align_t);

}  // namespace

// Every allocation remembers its size in front of it.
void* operator new(std::size_t size) {
  auto* raw = static_cast<char*>(std::malloc(size + kSizeBytes));
  if (raw == nullptr) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(raw) = size;
  heap.now += size;
  heap.peak = std::max(heap.peak, heap.now);
  return raw + kSizeBytes;
}
void operator delete(void* at) noexcept {
  if (at == nullptr) return;
  char* raw = static_cast<char*>(at) - kSizeBytes;
  heap.now -= *reinterpret_cast<std::size_t*>(raw);
  std::free(raw);
}
void operator delete(void* at, std::size_t) noexcept { operator delete(at); }

namespace mq::wire {
namespace {

/// Decodes `bytes` as `M` and checks what it took; true when it was a message.
template <class M>
bool survives(BytesView bytes, ApiVersion version) {
  const std::size_t before = heap.now;
  heap.peak = before;
  const auto message = decode_any<M>(bytes, version);
  EXPECT_LE(heap.peak - before, 16 * bytes.size() + (1 << 20) + 4096);
  if (message) {
    EXPECT_LE(print(*message, version).size(), kPrintBytesMax);
  } else {
    EXPECT_NE(message.error().message, "");
  }
  return message.has_value();
}

template <class F>
void for_every_golden(F f) {
  for_every_message([&]<class M> {
    for (const Golden& golden : golden_messages())
      if (golden.name == M::kName) {
        SCOPED_TRACE(golden.title());
        f.template operator()<M>(golden);
      }
  });
}

TEST(Hostile, EveryPrefixOfEveryMessageIsRefused) {
  for_every_golden([]<class M>(const Golden& golden) {
    // A copy of its own, so that a read past the end is seen.
    for (std::size_t size = 0; size < golden.bytes.size(); ++size)
      EXPECT_FALSE(survives<M>(std::string(golden.bytes, 0, size), golden.version)) << size;
  });
}

TEST(Hostile, BytesAfterTheEndAreRefused) {
  for_every_golden([]<class M>(const Golden& golden) {
    if constexpr (!requires { M::kReadsNewer; }) EXPECT_FALSE(survives<M>(golden.bytes + '\0', golden.version));
  });
}

TEST(Hostile, ChangedBytesNeverCrash) {
  std::mt19937 random(20261121);
  for_every_golden([&]<class M>(const Golden& golden) {
    if (golden.bytes.empty()) return;
    for (int round = 0; round < 40; ++round) {
      std::string bytes = golden.bytes;
      for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
        const std::size_t at = random() % bytes.size();
        constexpr unsigned char kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        switch (random() % 4) {
          case 0:
            bytes[at] = static_cast<char>(random());
            break;
          case 1:
            bytes[at] = static_cast<char>(kEdges[random() % std::size(kEdges)]);
            break;
          case 2:
            bytes.insert(at, 1 + random() % 8, static_cast<char>(random()));
            break;
          case 3:
            bytes.erase(at, 1 + random() % 8);
            break;
        }
        if (bytes.empty()) break;
      }
      survives<M>(bytes, golden.version);
    }
  });
}

TEST(Hostile, LengthsThatLieAreRefusedInEveryPlace) {
  for_every_golden([]<class M>(const Golden& golden) {
    if (golden.filling != "full") return;
    for (const std::string_view lie : {"\x7f\xff\xff\xff", "\xff\xff\xff\xff", "\xff\xff\xff\xfe",
                                       "\xff\xff\xff\xff\x0f", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
      for (std::size_t at = 0; at < golden.bytes.size(); ++at) {
        std::string bytes = golden.bytes;
        bytes.replace(at, lie.size(), lie);
        survives<M>(bytes, golden.version);
      }
    }
  });
}

std::string with_uvarint(std::string bytes, std::uint64_t value) {
  Writer(bytes).uvarint(value);
  return bytes;
}

TEST(Hostile, ManyTinyElementsDoNotTakeMuchMemory) {
  // A million empty strings: one byte each on the wire, 32 in memory.
  std::string names = with_uvarint("", 1'000'001);
  names.append(1'000'000, '\x01');
  EXPECT_FALSE(survives<DeleteGroupsRequest>(names + '\0', 2));
  const auto refused = decode<DeleteGroupsRequest>(names + '\0', 2);
  EXPECT_EQ(refused.error().code, Errc::too_large);
  // As many as fit are fine.
  std::string fewer = with_uvarint("", 10'001);
  fewer.append(10'000, '\x01');
  EXPECT_TRUE(survives<DeleteGroupsRequest>(fewer + '\0', 2));
}

TEST(Hostile, CountsAboveWhatIsLeftAreRefusedBeforeAllocating) {
  std::string claims_much;
  Writer(claims_much).be(std::int32_t{0x7fffffff});
  claims_much.append(1000, '\0');
  const std::size_t before = heap.now;
  heap.peak = before;
  const auto refused = decode<MetadataRequest>(claims_much, 1);
  EXPECT_LT(heap.peak - before, 4096u);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT_EQ(refused.error().message, "MetadataRequest v1, topics: more elements than the bytes can hold");
}

TEST(Hostile, NegativeLengthsOtherThanNullAreRefused) {
  EXPECT_TRUE(decode<MetadataRequest>(std::string("\xff\xff\xff\xff", 4), 1));   // null: all topics
  EXPECT_FALSE(decode<MetadataRequest>(std::string("\xff\xff\xff\xfe", 4), 1));  // -2
  EXPECT_FALSE(decode<MetadataRequest>(std::string("\xff\xff\xff\xff", 4), 0));  // version 0 has no null
}

/// HeartbeatResponse v4 with its tagged fields given: count, then tags.
Result<HeartbeatResponse> heartbeat_with_tags(std::string_view tags) {
  return decode<HeartbeatResponse>(std::string(6, '\0') + std::string(tags), 4);
}

TEST(Hostile, TaggedFieldsThatBreakTheirFormatAreRefused) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(heartbeat_with_tags("\x00"sv));
  EXPECT_TRUE(heartbeat_with_tags("\x02\x05\x01x\x07\x00"sv));      // two unknown ones
  EXPECT_FALSE(heartbeat_with_tags("\x02\x05\x01x\x05\x00"sv));     // doubled
  EXPECT_FALSE(heartbeat_with_tags("\x02\x07\x00\x05\x00"sv));      // out of order
  EXPECT_FALSE(heartbeat_with_tags("\x01\x05\x02x"sv));             // longer than what is left
  EXPECT_FALSE(heartbeat_with_tags("\x02\x05\x01x"sv));             // fewer than counted
  EXPECT_FALSE(heartbeat_with_tags("\xff\xff\xff\xff\x0f"sv));      // 2^32 - 1 of them
  EXPECT_FALSE(heartbeat_with_tags("\xff\xff\xff\xff\xff\x01"sv));  // a varint of more than 32 bits
}

TEST(Hostile, ATaggedFieldMustFillItsSize) {
  // ApiVersionsResponse v3: no error, no keys, no throttle time, then tag 1, an int64.
  const std::string front("\x00\x00\x01\x00\x00\x00\x00\x01\x01", 9);
  EXPECT_TRUE(decode<ApiVersionsResponse>(front + std::string("\x08\0\0\0\0\0\0\0\x07", 9), 3));
  EXPECT_FALSE(decode<ApiVersionsResponse>(front + std::string("\x09\0\0\0\0\0\0\0\x07\0", 10), 3));
  EXPECT_FALSE(decode<ApiVersionsResponse>(front + std::string("\x07\0\0\0\0\0\0\0", 8), 3));
}

TEST(Hostile, AnyByteThatIsNotZeroIsTrue) {
  const auto request = decode<MetadataRequest>(std::string("\xff\xff\xff\xff\x2a", 5), 4);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->allow_auto_topic_creation);
}

TEST(Hostile, HeadersThatBreakTheirFormatAreRefused) {
  RequestHeader header{.api_key = 3, .api_version = 9, .correlation_id = 7, .client_id = "c"};
  std::string bytes;
  encode_request_header(header, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut(bytes, 0, size);
    Reader in(cut);
    EXPECT_FALSE(decode_request_header(in)) << size;
  }
  const std::string negative("\0\x03\0\x01\0\0\0\x07\xff\xfe", 10);
  Reader in(negative);
  EXPECT_FALSE(decode_request_header(in));
}

TEST(Hostile, AnUnknownApiHasAHeaderOfVersion1) {
  const std::string bytes(
      "\x03\xe7\0\x63\0\0\0\x07\0\x01"
      "crest",
      15);
  Reader in(bytes);
  const auto header = decode_request_header(in);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->api_key, 999);
  EXPECT_EQ(header->api_version, 99);
  EXPECT_EQ(header->client_id, "c");
  EXPECT_EQ(in.rest(), "rest");
}

TEST(Hostile, AnUnknownVersionOfAFlexibleApiHasAFlexibleHeader) {
  const std::string bytes("\0\x12\0\x63\0\0\0\x07\xff\xff\0", 11);
  Reader in(bytes);
  const auto header = decode_request_header(in);
  ASSERT_TRUE(header);
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_EQ(decode<ApiVersionsRequest>("", header->api_version).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace mq::wire
