#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif

#include "CKernels.h"

void memory_prefer_large_pages(void *start, size_t bytes) {
#if defined(__linux__)
    // Advice: a system that cannot follow it says so, and nothing is lost.
    uintptr_t page = 4096, first = ((uintptr_t)start + page - 1) & ~(page - 1), end = ((uintptr_t)start + bytes) & ~(page - 1);
    if (end > first) (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)start;
    (void)bytes;
#endif
}
