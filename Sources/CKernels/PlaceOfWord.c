#include "CKernels.h"

/// Sixty-four at a time, without a branch in between, which the compiler makes vectors of: what is sought stands early.
static inline __attribute__((always_inline)) size_t place_any(const uint32_t *words, size_t count, uint32_t wanted) {
    size_t start = 0;
    while (start < count) {
        const size_t end = count - start < 64 ? count : start + 64;
        uint32_t found = UINT32_MAX;
        for (size_t place = start; place < end; place++) {
            const uint32_t here = words[place] == wanted ? (uint32_t)place : UINT32_MAX;
            found = here < found ? here : found;
        }
        if (found < UINT32_MAX) return found;
        start = end;
    }
    return count;
}

/// In two passes, as `next_any` does it.
static inline __attribute__((always_inline)) size_t least_any(const uint32_t *words, size_t count) {
    uint32_t least = UINT32_MAX;
    for (size_t place = 0; place < count; place++) least = words[place] < least ? words[place] : least;
    return place_any(words, count, least);
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static size_t place_avx2(const uint32_t *words, size_t count, uint32_t wanted) {
    return place_any(words, count, wanted);
}

__attribute__((target("avx512f,avx512vl"))) static size_t place_avx512(
    const uint32_t *words, size_t count, uint32_t wanted) {
    return place_any(words, count, wanted);
}

__attribute__((target("avx2"))) static size_t least_avx2(const uint32_t *words, size_t count) {
    return least_any(words, count);
}

__attribute__((target("avx512f,avx512vl"))) static size_t least_avx512(const uint32_t *words, size_t count) {
    return least_any(words, count);
}

#endif

size_t place_of_word(const uint32_t *words, size_t count, uint32_t wanted) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return place_avx512(words, count, wanted);
    if (__builtin_cpu_supports("avx2")) return place_avx2(words, count, wanted);
#endif
    return place_any(words, count, wanted);
}

size_t place_of_least_word(const uint32_t *words, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return least_avx512(words, count);
    if (__builtin_cpu_supports("avx2")) return least_avx2(words, count);
#endif
    return least_any(words, count);
}
