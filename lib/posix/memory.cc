#include "posix/memory.h"

#include <malloc.h>

namespace mq::posix {
namespace {

// A block of its own costs a page fault for every 4 KiB, each time. Produce requests are mostly below this.
constexpr int kOwnBlockBytesMin = 4 << 20;
constexpr int kFreeAtTheEndBytesMax = 16 << 20;

}  // namespace

void return_large_blocks_at_once() {
  ::mallopt(M_MMAP_THRESHOLD, kOwnBlockBytesMin);
  ::mallopt(M_TRIM_THRESHOLD, kFreeAtTheEndBytesMax);
}

void return_free_memory() { ::malloc_trim(0); }

}  // namespace mq::posix
