#include "CKernels.h"

static inline __attribute__((always_inline)) size_t bit_count_any(const uint64_t *words, size_t count) {
    size_t bits = 0;
    for (size_t word = 0; word < count; word++) bits += (size_t)__builtin_popcountll(words[word]);
    return bits;
}

#if defined(__x86_64__)

__attribute__((target("popcnt"))) static size_t bit_count_popcnt(const uint64_t *words, size_t count) {
    return bit_count_any(words, count);
}

#endif

size_t bit_count(const uint64_t *words, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt")) return bit_count_popcnt(words, count);
#endif
    return bit_count_any(words, count);
}
