#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "CKernels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__linux__)
#include <malloc.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

enum { LARGE_PAGE = 2 << 20 };

static char *aligned(char *start) {
    return (char *)(((uintptr_t)start + LARGE_PAGE - 1) & ~(uintptr_t)(LARGE_PAGE - 1));
}

// A range of addresses on a large page's boundary, and nothing beside it.
static char *map_aligned(size_t bytes, int protection) {
    char *room = mmap(
        NULL, bytes + LARGE_PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return NULL;
    char *start = aligned(room);
    if (start > room) munmap(room, (size_t)(start - room));
    size_t behind = (size_t)(room + bytes + LARGE_PAGE - (start + bytes));
    if (behind > 0) munmap(start + bytes, behind);
    return start;
}

void *memory_map(size_t bytes) {
    char *start = map_aligned(bytes, PROT_READ | PROT_WRITE);
    if (start) memory_prefer_large_pages(start, bytes);
    return start;
}

void *memory_map_more(void *start, size_t bytes, size_t more) {
#if defined(__linux__)
    if (mremap(start, bytes, more, 0) != MAP_FAILED) return start;
    char *room = map_aligned(more, PROT_NONE);
    if (!room) return NULL;
    // Pages change their addresses; none is copied, and the rest is there once it is touched.
    if (mremap(start, bytes, more, MREMAP_MAYMOVE | MREMAP_FIXED, room) != MAP_FAILED) return room;
    munmap(room, more);
    return NULL;
#else
    char *room = memory_map(more);
    if (!room) return NULL;
    memcpy(room, start, bytes);
    munmap(start, bytes);
    return room;
#endif
}

void memory_unmap(void *start, size_t bytes) { munmap(start, bytes); }

void memory_give_back(void *start, size_t bytes) {
    size_t page = 4096;
    char *first = (char *)(((uintptr_t)start + page - 1) & ~(uintptr_t)(page - 1));
    char *end = (char *)(((uintptr_t)start + bytes) & ~(uintptr_t)(page - 1));
#if defined(__linux__)
    if (end > first) (void)madvise(first, (size_t)(end - first), MADV_DONTNEED);
#else
    (void)first;
    (void)end;
#endif
}

void memory_limit_arenas(void) {
#if defined(__linux__) && defined(__GLIBC__)
    // Each thread's own arena keeps what is freed in it from all others.
    mallopt(M_ARENA_MAX, 4);
    // Blocks of this size are mapped, and so given back as they are freed. Set, it no longer rises by itself; what a batch
    // takes and gives back is smaller.
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
#endif
}

size_t memory_heap_free(void) {
#if defined(__linux__) && defined(__GLIBC__)
    return mallinfo2().fordblks;
#else
    return 0;
#endif
}

void memory_trim(void) {
#if defined(__linux__) && defined(__GLIBC__)
    malloc_trim(0);
#endif
}
