#include "CKernels.h"

/// Nothing is fused: the same numbers on every machine.
static inline __attribute__((always_inline)) void sums_any(
    const row_sums *to, const int32_t *words, size_t count, const float *row, float bias, float weight) {
#pragma clang fp contract(off)
    const size_t factors = to->factors, stride = factors + 8;
    for (size_t place = 0; place <= count; place++) {
        // The last one is of all items.
        const int32_t column = place < count ? to->columns[words[place]] : to->features;
        if (column < 0) continue;
        float *sum = to->sums + (size_t)column * stride;
        for (size_t factor = 0; factor < factors; factor++) sum[factor] = sum[factor] + weight * row[factor];
        sum[factors] = sum[factors] + weight * bias;
    }
}

static inline __attribute__((always_inline)) void feature_any(
    const float *weights, const float *base, size_t width, const int32_t *features, size_t count, float *row) {
#pragma clang fp contract(off)
    for (size_t place = 0; place < width; place++) row[place] = base[place];
    for (size_t index = 0; index < count; index++) {
        const float *weight = weights + (size_t)features[index] * width;
        for (size_t place = 0; place < width; place++) row[place] = row[place] + weight[place];
    }
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static void feature_avx2(
    const float *weights, const float *base, size_t width, const int32_t *features, size_t count, float *row) {
    feature_any(weights, base, width, features, count, row);
}

__attribute__((target("avx512f,avx512vl"))) static void feature_avx512(
    const float *weights, const float *base, size_t width, const int32_t *features, size_t count, float *row) {
    feature_any(weights, base, width, features, count, row);
}

__attribute__((target("avx2"))) static void sums_avx2(
    const row_sums *to, const int32_t *words, size_t count, const float *row, float bias, float weight) {
    sums_any(to, words, count, row, bias, weight);
}

__attribute__((target("avx512f,avx512vl"))) static void sums_avx512(
    const row_sums *to, const int32_t *words, size_t count, const float *row, float bias, float weight) {
    sums_any(to, words, count, row, bias, weight);
}

#endif

void row_sums_add(
    const row_sums *to, const int32_t *words, size_t count, const float *row, float bias, float weight) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return sums_avx512(to, words, count, row, bias, weight);
    if (__builtin_cpu_supports("avx2")) return sums_avx2(to, words, count, row, bias, weight);
#endif
    sums_any(to, words, count, row, bias, weight);
}

void feature_row(
    const float *weights, const float *base, size_t width, const int32_t *features, size_t count, float *row) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return feature_avx512(weights, base, width, features, count, row);
    if (__builtin_cpu_supports("avx2")) return feature_avx2(weights, base, width, features, count, row);
#endif
    feature_any(weights, base, width, features, count, row);
}
