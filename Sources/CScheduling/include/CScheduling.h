#pragma once
#include <stdint.h>

/// What Swift cannot say to the scheduler: the call is `syscall`, which is variadic, and glibc has no other name for it
/// before 2.41. Both are about the calling thread, and return 0, or -1 where they are refused or not known.

/// The nice value that the process was given.
int32_t scheduling_process_nice(void);

/// Lower priority, and no haste: at this nice value, and when woken it waits until whoever runs has had its slice (SCHED_BATCH).
int scheduling_give_way(int32_t nice);

/// Slices of this length instead of the usual ones, at the nice value it has: a thread that asks for shorter ones gets
/// no more time, and gets it sooner when it is woken (EEVDF; Linux from 6.12 on).
int scheduling_set_slice(uint64_t nanoseconds);

/// The system sends this process `signal` once the thread that started it has ended, its whole process at the latest; holds
/// over exec. 0, or -1 where it is not known: `prctl` is variadic too.
int scheduling_end_with_parent(int32_t signal);
