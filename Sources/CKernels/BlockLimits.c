#include "CKernels.h"

/// One block after another, so that each variant works out as many at a time as its registers hold. Nothing is fused:
/// all variants give the same numbers.
static inline __attribute__((always_inline)) void limits_by(
    const limit_order order, const limit_terms *terms, const block_columns *columns, float *restrict limits,
    size_t blocks) {
#pragma clang fp contract(off)
    const limit_terms t = *terms;
    const float *restrict residuals = columns->residuals, *restrict norms = columns->norms;
    const float *restrict shifts = columns->shifts;
    const float infinity = __builtin_inff();
    for (size_t block = 0; block < blocks; block++) {
        const float norm = order == LIMIT_PER_NORM ? 1 : norms[block];
        const float shift = order == LIMIT_BIASED     ? shifts[block]
                            : order == LIMIT_SQUARED ? shifts[block] * shifts[block] * t.square
                                                     : 0;
        const float length = norm * t.norm_factor + t.norm_margin;
        const float error = residuals[block] * t.per_residual + length * t.per_norm + t.constant;
        const float greatest = length * t.query_norm + t.constant;
        const float size = __builtin_fabsf(shift) + t.size;
        const float left = t.target - shift;
        const float certain = t.target - error - (t.size + error) * t.margin;
        const float quotient = certain * t.inverse_query_scale;
        float limit = quotient - __builtin_fabsf(quotient) * t.margin;
        // A row of norm 0 has the cosine 0: nothing is known if that may be too much.
        if (order == LIMIT_PER_NORM) limit = certain < 0 ? -infinity : limit;
        // Where a limit is no number, each row is looked at.
        limit = limit == limit ? limit : -infinity;
        // An infinite residual says that the norm may mislead.
        const bool is_ruled_out = (left - (size + greatest) * t.margin >= greatest) & (error < infinity);
        limits[block] = is_ruled_out ? infinity : limit;
    }
}

static inline __attribute__((always_inline)) void limits_any(
    limit_order order, const limit_terms *terms, const block_columns *columns, float *limits, size_t blocks) {
    switch (order) {
    case LIMIT_PLAIN: return limits_by(LIMIT_PLAIN, terms, columns, limits, blocks);
    case LIMIT_BIASED: return limits_by(LIMIT_BIASED, terms, columns, limits, blocks);
    case LIMIT_SQUARED: return limits_by(LIMIT_SQUARED, terms, columns, limits, blocks);
    case LIMIT_PER_NORM: return limits_by(LIMIT_PER_NORM, terms, columns, limits, blocks);
    }
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static void limits_avx2(
    limit_order order, const limit_terms *terms, const block_columns *columns, float *limits, size_t blocks) {
    limits_any(order, terms, columns, limits, blocks);
}

__attribute__((target("avx512f,avx512vl"))) static void limits_avx512(
    limit_order order, const limit_terms *terms, const block_columns *columns, float *limits, size_t blocks) {
    limits_any(order, terms, columns, limits, blocks);
}

#endif

void block_limits(
    code_kernel kernel, limit_order order, const limit_terms *terms, const block_columns *columns,
    float *limits, size_t blocks) {
#if defined(__x86_64__)
    if (kernel == CODE_KERNEL_AVX512_VNNI) return limits_avx512(order, terms, columns, limits, blocks);
    if (kernel == CODE_KERNEL_AVX2) return limits_avx2(order, terms, columns, limits, blocks);
#endif
    limits_any(order, terms, columns, limits, blocks);
}
