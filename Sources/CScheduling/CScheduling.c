#define _GNU_SOURCE
#include "CScheduling.h"

#include <sys/resource.h>

#ifdef __linux__
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(SYS_sched_setattr)

// The kernel's struct sched_attr, version 0.
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int scheduling_give_way(int32_t nice) {
    struct attributes attributes = {.size = sizeof attributes, .policy = SCHED_BATCH, .nice = nice};
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

int scheduling_set_slice(uint64_t nanoseconds) {
    struct attributes attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return -1;
    attributes.size = sizeof attributes;
    attributes.runtime = nanoseconds;
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

#else

int scheduling_give_way(int32_t nice) {
    (void)nice;
    return -1;
}

int scheduling_set_slice(uint64_t nanoseconds) {
    (void)nanoseconds;
    return -1;
}

#endif

int32_t scheduling_process_nice(void) {
    // 0 is the process, on Linux its first thread, which keeps what it was started with.
#ifdef __linux__
    return getpriority(PRIO_PROCESS, (id_t)getpid());
#else
    return getpriority(PRIO_PROCESS, 0);
#endif
}

#ifdef __linux__

int scheduling_end_with_parent(int32_t signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal);
}

#else

int scheduling_end_with_parent(int32_t signal) {
    (void)signal;
    return -1;
}

#endif
