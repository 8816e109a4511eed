#pragma once

namespace mq::posix {

/// Has the C library give large blocks back to the machine as soon as they are free, from now on. By default it learns
/// to keep blocks of up to 32 MiB for the next one: after a few hundred requests of 5 MB the process stayed that large.
void return_large_blocks_at_once();

/// Gives back all pages in which nothing is allocated. Takes some 10 ms for each 100 MB; who allocates meanwhile may
/// have to wait for it.
void return_free_memory();

}  // namespace mq::posix
