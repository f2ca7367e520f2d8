#pragma once
#include <stdint.h>
#include <sys/types.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

/// Asks for time slices of this length for the calling thread, of the usual policy and at its nice value: whoever asks for
/// shorter ones runs sooner, and not longer (Linux from 6.12 on; Stoica and Abdel-Wahab 1995). Returns 0, or -1 where
/// there is no such thing. In C because Swift calls no variadic functions, and glibc has no other name for it.
static inline int scheduling_set_batch(int32_t nice) {
#if defined(__linux__) && defined(SYS_sched_setattr)
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {0};
    attributes.size = sizeof attributes;
    attributes.policy = 3;
    attributes.nice = nice;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
    return -1;
#endif
}

static inline int scheduling_set_slice(uint64_t nanoseconds) {
#if defined(__linux__) && defined(SYS_sched_setattr)
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {0};
    attributes.size = sizeof attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return -1;
    attributes.flags = 0;
    attributes.runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
    return -1;
#endif
}
