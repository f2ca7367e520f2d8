#include "CKernels.h"

/// What all variants are asked; see code_kernel_scan.
typedef struct {
    const uint8_t *codes;
    size_t factors;
    const int8_t *query;
    const float *scales;
    size_t scale_stride;
    const float *limits;
    size_t blocks;
} scan;

/// Counts the block where it is.
static inline bool is_skipped(const scan *scan, size_t block, size_t *skipped) {
    const bool is = scan->limits[block] == __builtin_inff();
    *skipped += is;
    return is;
}

/// Appends the rows of a block whose bits are set in `above`.
static inline size_t append(
    code_room found, size_t count, size_t block, uint32_t above, const int32_t *products) {
    for (; above != 0; above &= above - 1) {
        const int place = __builtin_ctz(above);
        found.rows[count] = (int32_t)(block * CODE_BLOCK_ROWS) + place;
        found.products[count] = products[place];
        count++;
    }
    return count;
}

static code_findings scan_portable(const scan *scan, code_room found) {
    size_t count = 0, skipped = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_skipped(scan, block, &skipped)) continue;
        const uint8_t *four = scan->codes + block * CODE_BLOCK_ROWS * scan->factors;
        int32_t products[CODE_BLOCK_ROWS] = {0};
        for (size_t factor = 0; factor < scan->factors; factor += 4, four += 4 * CODE_BLOCK_ROWS) {
            for (size_t row = 0; row < CODE_BLOCK_ROWS; row++) {
                for (size_t k = 0; k < 4; k++) {
                    products[row] += ((int32_t)four[4 * row + k] - 128) * scan->query[factor + k];
                }
            }
        }
        uint32_t above = 0;
        for (size_t row = 0; row < CODE_BLOCK_ROWS; row++) {
            const float scaled = (float)products[row] * scan->scales[block * scan->scale_stride + row];
            above |= (uint32_t)(scaled > scan->limits[block]) << row;
        }
        count = append(found, count, block, above, products);
    }
    return (code_findings){count, skipped};
}

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

/// Four codes of the query, to be laid beside four of each row.
static inline int32_t query_word(const int8_t *query, size_t factor) {
    int32_t word;
    memcpy(&word, query + factor, sizeof word);
    return word;
}

/// vpmaddubsw adds two products of bytes in 16 bits. 255 · 127 twice would saturate; |row| · ±query is at most
/// 2 · 127 · 127 = 32,258 and does not.
__attribute__((target("avx2"))) static code_findings scan_avx2(const scan *scan, code_room found) {
    const __m256i ones = _mm256_set1_epi16(1), offset = _mm256_set1_epi8((char)0x80);
    size_t count = 0, skipped = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_skipped(scan, block, &skipped)) continue;
        const __m256i *four = (const __m256i *)(scan->codes + block * CODE_BLOCK_ROWS * scan->factors);
        __m256i low = _mm256_setzero_si256(), high = low;
        for (size_t factor = 0; factor < scan->factors; factor += 4, four += 2) {
            const __m256i word = _mm256_set1_epi32(query_word(scan->query, factor));
            const __m256i a = _mm256_xor_si256(_mm256_load_si256(four), offset);
            const __m256i b = _mm256_xor_si256(_mm256_load_si256(four + 1), offset);
            const __m256i pairs_a = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(word, a));
            const __m256i pairs_b = _mm256_maddubs_epi16(_mm256_abs_epi8(b), _mm256_sign_epi8(word, b));
            low = _mm256_add_epi32(low, _mm256_madd_epi16(pairs_a, ones));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(pairs_b, ones));
        }
        const float *scales = scan->scales + block * scan->scale_stride;
        const __m256 limit = _mm256_set1_ps(scan->limits[block]);
        const __m256 scaled_low = _mm256_mul_ps(_mm256_cvtepi32_ps(low), _mm256_loadu_ps(scales));
        const __m256 scaled_high = _mm256_mul_ps(_mm256_cvtepi32_ps(high), _mm256_loadu_ps(scales + 8));
        const uint32_t above_low = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(scaled_low, limit, _CMP_GT_OQ));
        const uint32_t above_high = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(scaled_high, limit, _CMP_GT_OQ));
        if ((above_low | above_high) == 0) continue;
        int32_t products[CODE_BLOCK_ROWS];
        _mm256_storeu_si256((__m256i *)products, low);
        _mm256_storeu_si256((__m256i *)products + 1, high);
        count = append(found, count, block, above_low | above_high << 8, products);
    }
    return (code_findings){count, skipped};
}

#define AVX512 __attribute__((target("avx512f,avx512vl,avx512vnni,popcnt")))

/// Without a branch: which blocks have such rows cannot be foreseen, and a wrong guess costs as much as two blocks.
AVX512 static inline size_t append_avx512(
    const scan *scan, code_room found, size_t count, size_t block, __m512i sum) {
    const __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i rows = _mm512_add_epi32(_mm512_set1_epi32((int32_t)(block * CODE_BLOCK_ROWS)), places);
    const __m512 scales = _mm512_loadu_ps(scan->scales + block * scan->scale_stride);
    const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scales);
    const __mmask16 above = _mm512_cmp_ps_mask(scaled, _mm512_set1_ps(scan->limits[block]), _CMP_GT_OQ);
    _mm512_storeu_si512(found.rows + count, _mm512_maskz_compress_epi32(above, rows));
    _mm512_storeu_si512(found.products + count, _mm512_maskz_compress_epi32(above, sum));
    return count + (size_t)__builtin_popcount(above);
}

/// 64 factors: the query stays in sixteen registers.
AVX512 static code_findings scan_avx512_64(const scan *scan, __m512i first, code_room found) {
    const int8_t *query = scan->query;
    __m512i words[16];
    for (int word = 0; word < 16; word++) words[word] = _mm512_set1_epi32(query_word(query, 4 * (size_t)word));
    size_t count = 0, skipped = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_skipped(scan, block, &skipped)) continue;
        const __m512i *four = (const __m512i *)(scan->codes + block * CODE_BLOCK_ROWS * 64);
        __m512i sums[4] = {first, _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
#pragma clang loop unroll(full)
        for (int word = 0; word < 16; word++) {
            sums[word & 3] = _mm512_dpbusd_epi32(sums[word & 3], _mm512_load_si512(four + word), words[word]);
        }
        const __m512i sum =
            _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3]));
        count = append_avx512(scan, found, count, block, sum);
    }
    return (code_findings){count, skipped};
}

/// vpdpbusd multiplies unsigned by signed bytes: the codes as they are stored, offset and all. What the offset adds is
/// taken off beforehand.
AVX512 static code_findings scan_avx512(const scan *scan, code_room found) {
    int32_t sum = 0;
    for (size_t factor = 0; factor < scan->factors; factor++) sum += scan->query[factor];
    const __m512i first = _mm512_set1_epi32(-128 * sum);
    if (scan->factors == 64) return scan_avx512_64(scan, first, found);
    size_t count = 0, skipped = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_skipped(scan, block, &skipped)) continue;
        const __m512i *four = (const __m512i *)(scan->codes + block * CODE_BLOCK_ROWS * scan->factors);
        __m512i even = first, odd = _mm512_setzero_si512();
        for (size_t factor = 0; factor < scan->factors; factor += 4, four++) {
            const __m512i word = _mm512_set1_epi32(query_word(scan->query, factor));
            if (factor & 4) {
                odd = _mm512_dpbusd_epi32(odd, _mm512_load_si512(four), word);
            } else {
                even = _mm512_dpbusd_epi32(even, _mm512_load_si512(four), word);
            }
        }
        count = append_avx512(scan, found, count, block, _mm512_add_epi32(even, odd));
    }
    return (code_findings){count, skipped};
}

#endif

bool code_kernel_is_supported(code_kernel kernel) {
    switch (kernel) {
    case CODE_KERNEL_PORTABLE:
        return true;
#if defined(__x86_64__)
    case CODE_KERNEL_AVX2:
        return __builtin_cpu_supports("avx2");
    case CODE_KERNEL_AVX512_VNNI:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512vnni");
#endif
    default:
        return false;
    }
}

code_findings code_kernel_scan(
    code_kernel kernel, const uint8_t *codes, size_t factors, const int8_t *query, const float *scales,
    size_t scale_stride, const float *limits, size_t blocks, code_room found) {
    const scan scan = {codes, factors, query, scales, scale_stride, limits, blocks};
#if defined(__x86_64__)
    if (kernel == CODE_KERNEL_AVX512_VNNI) return scan_avx512(&scan, found);
    if (kernel == CODE_KERNEL_AVX2) return scan_avx2(&scan, found);
#endif
    return scan_portable(&scan, found);
}
