#include "CKernels.h"

/// In two passes without a branch, each of which the compiler makes one of vectors: how near the nearest is, then where.
static inline __attribute__((always_inline)) size_t next_any(const int32_t *numbers, size_t count, int32_t from) {
    uint32_t nearest = UINT32_MAX;
    for (size_t place = 0; place < count; place++) {
        const uint32_t distance = (uint32_t)numbers[place] - (uint32_t)from;
        nearest = distance < nearest ? distance : nearest;
    }
    const int32_t wanted = (int32_t)(nearest + (uint32_t)from);
    uint32_t last = 0;
    for (size_t place = 0; place < count; place++) {
        const uint32_t here = numbers[place] == wanted ? (uint32_t)place : 0;
        last = here > last ? here : last;
    }
    return last;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static size_t next_avx2(const int32_t *numbers, size_t count, int32_t from) {
    return next_any(numbers, count, from);
}

__attribute__((target("avx512f,avx512vl"))) static size_t next_avx512(
    const int32_t *numbers, size_t count, int32_t from) {
    return next_any(numbers, count, from);
}

#endif

size_t next_number(const int32_t *numbers, size_t count, int32_t from) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return next_avx512(numbers, count, from);
    if (__builtin_cpu_supports("avx2")) return next_avx2(numbers, count, from);
#endif
    return next_any(numbers, count, from);
}
