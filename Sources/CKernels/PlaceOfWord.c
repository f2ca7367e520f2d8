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
#include <immintrin.h>

__attribute__((target("avx2"))) static size_t place_avx2(const uint32_t *words, size_t count, uint32_t wanted) {
    return place_any(words, count, wanted);
}

/// Sixteen at a time, by one comparison and one branch, which the compiler does not come to by itself.
__attribute__((target("avx512f,avx512vl"))) static size_t place_avx512(
    const uint32_t *words, size_t count, uint32_t wanted) {
    const __m512i sought = _mm512_set1_epi32((int)wanted);
    size_t start = 0;
    for (; start + 16 <= count; start += 16) {
        const __mmask16 found = _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(words + start), sought);
        if (found) return start + (size_t)__builtin_ctz(found);
    }
    if (start == count) return count;
    const __mmask16 rest = (__mmask16)((1u << (count - start)) - 1);
    const __mmask16 found = _mm512_mask_cmpeq_epi32_mask(rest, _mm512_maskz_loadu_epi32(rest, words + start), sought);
    return found ? start + (size_t)__builtin_ctz(found) : count;
}

__attribute__((target("avx2"))) static size_t least_avx2(const uint32_t *words, size_t count) {
    return least_any(words, count);
}

__attribute__((target("avx512f,avx512vl"))) static size_t least_avx512(const uint32_t *words, size_t count) {
    if (count < 16) return least_any(words, count);
    __m512i least = _mm512_loadu_si512(words);
    size_t start = 16;
    for (; start + 16 <= count; start += 16) least = _mm512_min_epu32(least, _mm512_loadu_si512(words + start));
    // The last sixteen, some of which were looked at before.
    least = _mm512_min_epu32(least, _mm512_loadu_si512(words + count - 16));
    return place_avx512(words, count, _mm512_reduce_min_epu32(least));
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
