#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif

#include "CKernels.h"

void memory_prefer_large_pages(void *start, size_t bytes) {
#if defined(__linux__)
    // Advice: a system that cannot follow it says so, and nothing is lost.
    (void)madvise(start, bytes, MADV_HUGEPAGE);
#else
    (void)start;
    (void)bytes;
#endif
}
