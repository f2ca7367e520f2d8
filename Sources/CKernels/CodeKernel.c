#include "CKernels.h"

/// What all variants are asked; see code_kernel_scan.
typedef struct {
    const uint8_t *upper, *lower;
    size_t factors, blocks;
    const int8_t *query;
    code_limits by;
    /// 8 · factors: bytes of a block in either plane.
    size_t block_bytes;
    /// Sum of the query's codes.
    int32_t query_sum;
} scan;

/// By how many blocks the lower plane is asked for ahead of its use: which of them are read is known, the processor
/// cannot guess it.
enum { AHEAD = 8 };

/// By how many pages of 4 KiB the upper plane is.
enum { PAGES_AHEAD = 1 };

static inline bool is_ruled_out(const scan *scan, size_t block) {
    return scan->by.limits[block] == __builtin_inff();
}

static inline void prefetch_lower(const scan *scan, const uint32_t *blocks, size_t place, size_t count) {
    if (scan->by.coarse_limits && place + AHEAD < count) {
        cache_prefetch(scan->lower + blocks[place + AHEAD] * scan->block_bytes, scan->block_bytes);
    }
}

/// A bit for each row of the block.
static inline uint32_t excluded_rows(const standing_columns *columns, size_t block) {
    const size_t word = block / 4;
    return word < columns->excluded_words ? (uint32_t)(columns->excluded[word] >> block % 4 * 16) & 0xffff : 0;
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

/// The blocks that are not ruled out.
static inline size_t list_all(const scan *scan, uint32_t *blocks) {
    size_t count = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        blocks[count] = (uint32_t)block;
        count += !is_ruled_out(scan, block);
    }
    return count;
}

/// The upper or lower bits of a factor of a row.
static inline int32_t upper_bits(const uint8_t *upper, size_t row, size_t factor) {
    const uint8_t *four = upper + factor / 8 * 64 + 4 * row;
    return factor & 4 ? four[factor % 4] >> 4 : four[(factor + 1) % 4] & 15;
}

static inline int32_t lower_bits(const uint8_t *lower, size_t row, size_t factor) {
    const uint8_t *four = lower + factor / 8 * 64 + 4 * row;
    return factor & 4 ? four[factor % 4] & 15 : four[factor % 4] >> 4;
}

/// Nothing is fused: all variants give the same numbers.
static uint32_t rows_above(const scan *scan, size_t block, float limit, const int32_t *products) {
#pragma clang fp contract(off)
    uint32_t above = 0;
    for (size_t row = 0; row < CODE_BLOCK_ROWS; row++) {
        const float scaled = (float)products[row] * scan->by.scales[block * CODE_BLOCK_ROWS + row];
        const float number = scan->by.shifts[block * CODE_BLOCK_ROWS + row];
        float own, shift;
        switch (scan->by.order) {
        case LIMIT_PLAIN: own = limit, shift = 0; break;
        case LIMIT_BIASED: shift = number * scan->by.factor, own = limit - shift; break;
        case LIMIT_SQUARED: shift = number * number * scan->by.factor, own = limit + shift; break;
        case LIMIT_PER_NORM: own = shift = limit * number; break;
        }
        own -= __builtin_fabsf(shift) * scan->by.margin;
        // NaN too.
        above |= (uint32_t)!(scaled <= own) << row;
    }
    return above;
}

static void products_portable(const scan *scan, size_t block, bool is_coarse, int32_t *products) {
    const uint8_t *upper = scan->upper + block * scan->block_bytes;
    const uint8_t *lower = scan->lower + block * scan->block_bytes;
    for (size_t row = 0; row < CODE_BLOCK_ROWS; row++) {
        int32_t sum = 0;
        for (size_t factor = 0; factor < scan->factors; factor++) {
            const int32_t low = is_coarse ? 8 : lower_bits(lower, row, factor);
            sum += (16 * upper_bits(upper, row, factor) + low - 128) * scan->query[factor];
        }
        products[row] = sum;
    }
}

static size_t list_portable(const scan *scan, uint32_t *blocks) {
    size_t count = 0;
    int32_t products[CODE_BLOCK_ROWS];
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        products_portable(scan, block, true, products);
        blocks[count] = (uint32_t)block;
        count += rows_above(scan, block, scan->by.coarse_limits[block], products) != 0;
    }
    return count;
}

/// Counts the rows of a block, whose products are known.
static inline void count_block(
    const scan *scan, const standing_terms *t, const standing_columns *columns, size_t block,
    const int32_t *products, code_counts *counts, code_room found) {
    const uint32_t excluded = excluded_rows(columns, block);
    for (size_t place = 0; place < CODE_BLOCK_ROWS; place++) {
        const size_t row = block * CODE_BLOCK_ROWS + place;
        const float product = (float)products[place] * scan->by.scales[row] * t->query_scale;
        const float bias = columns->biases[row];
        const float length = columns->norms[row] * t->norm_factor + t->norm_margin;
        const float error = columns->residuals[row] * t->per_residual + t->constant + length * t->per_norm;
        const float size = __builtin_fabsf(product) + error + __builtin_fabsf(bias);
        const float spread = size * t->margin + error;
        const bool usual = length * t->query_norm + __builtin_fabsf(bias) < t->greatest;
        const bool above = usual & (product + bias - spread > t->score);
        const bool below = usual & (product + bias + spread < t->score);
        const bool left = !(excluded >> place & 1);
        counts->above += left & above;
        found.rows[counts->unsure] = (int32_t)row;
        counts->unsure += left & !above & !below;
    }
}

static code_counts count_portable(
    const scan *scan, const standing_terms *terms, const standing_columns *columns, code_room found) {
    code_counts counts = {0};
    int32_t products[CODE_BLOCK_ROWS];
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        products_portable(scan, block, false, products);
        count_block(scan, terms, columns, block, products, &counts, found);
    }
    return counts;
}

static size_t open_portable(const scan *scan, size_t opened, code_room found) {
    size_t count = 0;
    int32_t products[CODE_BLOCK_ROWS];
    for (size_t place = 0; place < opened; place++) {
        const size_t block = found.blocks[place];
        products_portable(scan, block, false, products);
        const uint32_t above = rows_above(scan, block, scan->by.limits[block], products);
        count = append(found, count, block, above, products);
    }
    return count;
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

/// The same where the upper plane has them, a byte further on.
static inline int32_t turned_word(const int8_t *query, size_t factor) {
    const uint32_t word = (uint32_t)query_word(query, factor);
    return (int32_t)(word << 8 | word >> 24);
}

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256 own_avx2(const code_limits *by, __m256 limit, const float *numbers) {
#pragma clang fp contract(off)
    if (by->order == LIMIT_PLAIN) return limit;
    const __m256 number = _mm256_loadu_ps(numbers), factor = _mm256_set1_ps(by->factor);
    __m256 own, shift;
    if (by->order == LIMIT_BIASED) {
        shift = _mm256_mul_ps(number, factor);
        own = _mm256_sub_ps(limit, shift);
    } else if (by->order == LIMIT_SQUARED) {
        shift = _mm256_mul_ps(_mm256_mul_ps(number, number), factor);
        own = _mm256_add_ps(limit, shift);
    } else {
        own = shift = _mm256_mul_ps(limit, number);
    }
    const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), shift);
    return _mm256_sub_ps(own, _mm256_mul_ps(size, _mm256_set1_ps(by->margin)));
}

AVX2 static inline uint32_t above_avx2(const scan *scan, size_t block, float limit, __m256i low, __m256i high) {
    const float *scales = scan->by.scales + block * CODE_BLOCK_ROWS;
    const float *shifts = scan->by.shifts + block * CODE_BLOCK_ROWS;
    const __m256 limits = _mm256_set1_ps(limit);
    const __m256 scaled_low = _mm256_mul_ps(_mm256_cvtepi32_ps(low), _mm256_loadu_ps(scales));
    const __m256 scaled_high = _mm256_mul_ps(_mm256_cvtepi32_ps(high), _mm256_loadu_ps(scales + 8));
    const __m256 own_low = own_avx2(&scan->by, limits, shifts);
    const __m256 own_high = own_avx2(&scan->by, limits, shifts + 8);
    const int above_low = _mm256_movemask_ps(_mm256_cmp_ps(scaled_low, own_low, _CMP_NLE_UQ));
    const int above_high = _mm256_movemask_ps(_mm256_cmp_ps(scaled_high, own_high, _CMP_NLE_UQ));
    return (uint32_t)above_low | (uint32_t)above_high << 8;
}

/// vpmaddubsw adds two products of bytes in 16 bits. Four bits times a code are far from saturating it.
AVX2 static size_t list_avx2(const scan *scan, uint32_t *blocks) {
    const __m256i ones = _mm256_set1_epi16(1), mask = _mm256_set1_epi8(15);
    const __m256i first = _mm256_set1_epi32(-120 * scan->query_sum);
    size_t count = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        const __m256i *four = (const __m256i *)(scan->upper + block * scan->block_bytes);
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t factor = 0; factor < scan->factors; factor += 8, four += 2) {
            const __m256i word = _mm256_set1_epi32(turned_word(scan->query, factor));
            const __m256i next = _mm256_set1_epi32(query_word(scan->query, factor + 4));
            for (int half = 0; half < 2; half++) {
                const __m256i bytes = _mm256_load_si256(four + half);
                const __m256i low = _mm256_and_si256(bytes, mask);
                const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
                const __m256i pairs = _mm256_add_epi16(
                    _mm256_maddubs_epi16(low, word), _mm256_maddubs_epi16(high, next));
                sums[half] = _mm256_add_epi32(sums[half], _mm256_madd_epi16(pairs, ones));
            }
        }
        const __m256i low = _mm256_add_epi32(_mm256_slli_epi32(sums[0], 4), first);
        const __m256i high = _mm256_add_epi32(_mm256_slli_epi32(sums[1], 4), first);
        blocks[count] = (uint32_t)block;
        count += above_avx2(scan, block, scan->by.coarse_limits[block], low, high) != 0;
    }
    return count;
}

/// 255 · 127 twice would saturate vpmaddubsw; |row| · ±query is at most 2 · 127 · 127 = 32,258 and does not.
AVX2 static inline __m256i products_avx2(__m256i sum, __m256i stored, __m256i word) {
    const __m256i code = _mm256_xor_si256(stored, _mm256_set1_epi8((char)0x80));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(code), _mm256_sign_epi8(word, code));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

AVX2 static inline void products_avx2_of(const scan *scan, size_t block, __m256i *sums) {
    const __m256i low_mask = _mm256_set1_epi8(15), high_mask = _mm256_set1_epi8((char)0xf0);
    const __m256i *uppers = (const __m256i *)(scan->upper + block * scan->block_bytes);
    const __m256i *lowers = (const __m256i *)(scan->lower + block * scan->block_bytes);
    sums[0] = sums[1] = _mm256_setzero_si256();
    for (size_t factor = 0; factor < scan->factors; factor += 8, uppers += 2, lowers += 2) {
        const __m256i word = _mm256_set1_epi32(query_word(scan->query, factor));
        const __m256i next = _mm256_set1_epi32(query_word(scan->query, factor + 4));
        for (int half = 0; half < 2; half++) {
            const __m256i upper = _mm256_load_si256(uppers + half);
            const __m256i lower = _mm256_load_si256(lowers + half);
            const __m256i mixed = _mm256_or_si256(
                _mm256_and_si256(lower, high_mask), _mm256_and_si256(upper, low_mask));
            const __m256i first =
                _mm256_or_si256(_mm256_srli_epi32(mixed, 4), _mm256_slli_epi32(mixed, 28));
            const __m256i second = _mm256_or_si256(
                _mm256_and_si256(upper, high_mask), _mm256_and_si256(lower, low_mask));
            sums[half] = products_avx2(products_avx2(sums[half], first, word), second, next);
        }
    }
}

AVX2 static size_t open_avx2(const scan *scan, size_t opened, code_room found) {
    size_t count = 0;
    for (size_t place = 0; place < opened; place++) {
        const size_t block = found.blocks[place];
        prefetch_lower(scan, found.blocks, place, opened);
        __m256i sums[2];
        products_avx2_of(scan, block, sums);
        const uint32_t above = above_avx2(scan, block, scan->by.limits[block], sums[0], sums[1]);
        if (above == 0) continue;
        int32_t products[CODE_BLOCK_ROWS];
        _mm256_storeu_si256((__m256i *)products, sums[0]);
        _mm256_storeu_si256((__m256i *)products + 1, sums[1]);
        count = append(found, count, block, above, products);
    }
    return count;
}

AVX2 static code_counts count_avx2(
    const scan *scan, const standing_terms *terms, const standing_columns *columns, code_room found) {
    code_counts counts = {0};
    int32_t products[CODE_BLOCK_ROWS];
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        __m256i sums[2];
        products_avx2_of(scan, block, sums);
        _mm256_storeu_si256((__m256i *)products, sums[0]);
        _mm256_storeu_si256((__m256i *)products + 1, sums[1]);
        count_block(scan, terms, columns, block, products, &counts, found);
    }
    return counts;
}

#define AVX512 __attribute__((target("avx512f,avx512vl,avx512vnni,popcnt")))

AVX512 static inline __attribute__((always_inline)) __m512 scaled_avx512(
    const scan *scan, size_t block, __m512i sum) {
    const __m512 scales = _mm512_loadu_ps(scan->by.scales + block * CODE_BLOCK_ROWS);
    return _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scales);
}

AVX512 static inline __attribute__((always_inline)) __m512 shifts_avx512(const scan *scan, size_t block) {
    return _mm512_loadu_ps(scan->by.shifts + block * CODE_BLOCK_ROWS);
}

AVX512 static inline __attribute__((always_inline)) __mmask16 above_avx512(
    const scan *scan, limit_order order, float limit, __m512 scaled, __m512 number) {
#pragma clang fp contract(off)
    __m512 own = _mm512_set1_ps(limit);
    if (order != LIMIT_PLAIN) {
        const __m512 factor = _mm512_set1_ps(scan->by.factor);
        __m512 shift;
        if (order == LIMIT_BIASED) {
            shift = _mm512_mul_ps(number, factor);
            own = _mm512_sub_ps(own, shift);
        } else if (order == LIMIT_SQUARED) {
            shift = _mm512_mul_ps(_mm512_mul_ps(number, number), factor);
            own = _mm512_add_ps(own, shift);
        } else {
            own = shift = _mm512_mul_ps(own, number);
        }
        own = _mm512_sub_ps(own, _mm512_mul_ps(_mm512_abs_ps(shift), _mm512_set1_ps(scan->by.margin)));
    }
    return _mm512_cmp_ps_mask(scaled, own, _CMP_NLE_UQ);
}

AVX512 static inline __m512i word_of(const scan *scan, const __m512i *words, size_t number) {
    return words ? words[number] : _mm512_set1_epi32(query_word(scan->query, 4 * number));
}

AVX512 static inline __m512i turned_word_of(const scan *scan, const __m512i *words, size_t number) {
    return words ? _mm512_rol_epi32(words[number], 8)
                 : _mm512_set1_epi32(turned_word(scan->query, 4 * number));
}

/// Of the blocks listed, with their scaled products in `found`, those that the rows' own numbers do not rule out. These
/// numbers are read only where the block's let one pass, and asked for ahead: memory is what a pass waits for.
AVX512 static inline __attribute__((always_inline)) size_t refine_avx512(
    const scan *scan, limit_order order, size_t listed, code_room found) {
    size_t count = 0;
    for (size_t place = 0; place < listed; place++) {
        const size_t block = found.blocks[place];
        if (place + AHEAD < listed) {
            cache_prefetch(scan->by.shifts + found.blocks[place + AHEAD] * CODE_BLOCK_ROWS, 64);
        }
        const __m512 scaled = _mm512_loadu_ps((const float *)found.products + CODE_BLOCK_ROWS * place);
        const float limit = scan->by.coarse_limits[block];
        found.blocks[count] = (uint32_t)block;
        count += above_avx512(scan, order, limit, scaled, shifts_avx512(scan, block)) != 0;
    }
    return count;
}

/// vpdpbusd multiplies unsigned by signed bytes: what is stored as it is, and what its offset adds is taken off
/// beforehand. The high halves are left sixteen times too great, so that nothing has to be shifted but the sum of the low
/// ones. `words` are the query's sixteen where it has 64 factors, and stay in registers; else null.
AVX512 static inline __attribute__((always_inline)) size_t list_avx512_of(
    const scan *scan, limit_order order, size_t groups, const __m512i *words, code_room found) {
    const __m512i low = _mm512_set1_epi8(15), high = _mm512_set1_epi8((char)0xf0);
    const __m512i first = _mm512_set1_epi32(-120 * scan->query_sum);
    size_t count = 0;
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        const __m512i *eight = (const __m512i *)(scan->upper + block * groups * 64);
        // Past the end of a page the processor does not look ahead by itself; an address behind the last does no harm.
        for (size_t group = 0; group < groups; group++) __builtin_prefetch(eight + group + PAGES_AHEAD * 64);
        __m512i lows[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        __m512i highs[2] = {first, _mm512_setzero_si512()};
#pragma clang loop unroll_count(8)
        for (size_t group = 0; group < groups; group++) {
            const __m512i bytes = _mm512_load_si512(eight + group);
            const size_t lane = group & 1;
            lows[lane] = _mm512_dpbusd_epi32(
                lows[lane], _mm512_and_si512(bytes, low), turned_word_of(scan, words, 2 * group));
            highs[lane] = _mm512_dpbusd_epi32(highs[lane], _mm512_and_si512(bytes, high), word_of(scan, words, 2 * group + 1));
        }
        const __m512i sum = _mm512_add_epi32(
            _mm512_slli_epi32(_mm512_add_epi32(lows[0], lows[1]), 4), _mm512_add_epi32(highs[0], highs[1]));
        const __m512 scaled = scaled_avx512(scan, block, sum);
        const float limit = scan->by.coarse_limits[block];
        const __m512 number = _mm512_set1_ps(scan->by.block_shifts[block]);
        _mm512_storeu_ps((float *)found.products + CODE_BLOCK_ROWS * count, scaled);
        found.blocks[count] = (uint32_t)block;
        count += above_avx512(scan, order, limit, scaled, number) != 0;
    }
    return order == LIMIT_PLAIN ? count : refine_avx512(scan, order, count, found);
}

AVX512 static inline __attribute__((always_inline)) __m512i products_avx512(
    const scan *scan, size_t groups, const __m512i *words, size_t block) {
    const __m512i high = _mm512_set1_epi8((char)0xf0);
    const __m512i first = _mm512_set1_epi32(-128 * scan->query_sum);
    const __m512i *uppers = (const __m512i *)(scan->upper + block * groups * 64);
    const __m512i *lowers = (const __m512i *)(scan->lower + block * groups * 64);
    __m512i even = first, odd = _mm512_setzero_si512();
#pragma clang loop unroll_count(8)
    for (size_t group = 0; group < groups; group++) {
        const __m512i upper = _mm512_load_si512(uppers + group), lower = _mm512_load_si512(lowers + group);
        // 0xca: the second where the first has a bit, else the third.
        const __m512i mixed = _mm512_ternarylogic_epi32(high, lower, upper, 0xca);
        const __m512i one = _mm512_ror_epi32(mixed, 4);
        const __m512i other = _mm512_ternarylogic_epi32(high, upper, lower, 0xca);
        even = _mm512_dpbusd_epi32(even, one, word_of(scan, words, 2 * group));
        odd = _mm512_dpbusd_epi32(odd, other, word_of(scan, words, 2 * group + 1));
    }
    return _mm512_add_epi32(even, odd);
}

AVX512 static inline __attribute__((always_inline)) size_t open_avx512_of(
    const scan *scan, limit_order order, size_t groups, const __m512i *words, size_t opened, code_room found) {
    const __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t count = 0;
    for (size_t place = 0; place < opened; place++) {
        const size_t block = found.blocks[place];
        prefetch_lower(scan, found.blocks, place, opened);
        const __m512i sum = products_avx512(scan, groups, words, block);
        // Without a branch: which blocks have such rows cannot be foreseen, and a wrong guess costs as much as two blocks.
        const __m512i rows =
            _mm512_add_epi32(_mm512_set1_epi32((int32_t)(block * CODE_BLOCK_ROWS)), places);
        const __mmask16 above = above_avx512(
            scan, order, scan->by.limits[block], scaled_avx512(scan, block, sum), shifts_avx512(scan, block));
        _mm512_storeu_si512(found.rows + count, _mm512_maskz_compress_epi32(above, rows));
        _mm512_storeu_si512(found.products + count, _mm512_maskz_compress_epi32(above, sum));
        count += (size_t)__builtin_popcount(above);
    }
    return count;
}

AVX512 static inline __attribute__((always_inline)) code_counts count_avx512_of(
    const scan *scan, size_t groups, const __m512i *words, const standing_terms *t,
    const standing_columns *columns, code_room found) {
    const __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512 margin = _mm512_set1_ps(t->margin), score = _mm512_set1_ps(t->score);
    code_counts counts = {0};
    for (size_t block = 0; block < scan->blocks; block++) {
        if (is_ruled_out(scan, block)) continue;
        const size_t first = block * CODE_BLOCK_ROWS;
        const __m512i sum = products_avx512(scan, groups, words, block);
        const __m512 product = _mm512_mul_ps(scaled_avx512(scan, block, sum), _mm512_set1_ps(t->query_scale));
        const __m512 length = _mm512_fmadd_ps(
            _mm512_loadu_ps(columns->norms + first), _mm512_set1_ps(t->norm_factor), _mm512_set1_ps(t->norm_margin));
        const __m512 lost = _mm512_fmadd_ps(
            _mm512_loadu_ps(columns->residuals + first), _mm512_set1_ps(t->per_residual), _mm512_set1_ps(t->constant));
        const __m512 error = _mm512_fmadd_ps(length, _mm512_set1_ps(t->per_norm), lost);
        const __m512 bias = _mm512_loadu_ps(columns->biases + first);
        const __m512 size =
            _mm512_add_ps(_mm512_add_ps(_mm512_abs_ps(product), error), _mm512_abs_ps(bias));
        const __m512 spread = _mm512_fmadd_ps(size, margin, error);
        const __m512 middle = _mm512_add_ps(product, bias);
        const __mmask16 usual = _mm512_cmp_ps_mask(
            _mm512_add_ps(_mm512_mul_ps(length, _mm512_set1_ps(t->query_norm)), _mm512_abs_ps(bias)),
            _mm512_set1_ps(t->greatest), _CMP_LT_OQ);
        const __mmask16 above = usual & _mm512_cmp_ps_mask(_mm512_sub_ps(middle, spread), score, _CMP_GT_OQ);
        const __mmask16 below = usual & _mm512_cmp_ps_mask(_mm512_add_ps(middle, spread), score, _CMP_LT_OQ);
        const __mmask16 left = (__mmask16)~excluded_rows(columns, block);
        counts.above += (size_t)__builtin_popcount(above & left);
        const __mmask16 unsure = left & (__mmask16)~(above | below);
        const __m512i rows = _mm512_add_epi32(_mm512_set1_epi32((int32_t)first), places);
        _mm512_storeu_si512(found.rows + counts.unsure, _mm512_maskz_compress_epi32(unsure, rows));
        counts.unsure += (size_t)__builtin_popcount(unsure);
    }
    return counts;
}

AVX512 static code_counts count_avx512(
    const scan *scan, const standing_terms *terms, const standing_columns *columns, code_room found) {
    if (scan->factors != 64) {
        return count_avx512_of(scan, scan->factors / 8, NULL, terms, columns, found);
    }
    __m512i words[16];
    for (size_t word = 0; word < 16; word++) words[word] = _mm512_set1_epi32(query_word(scan->query, 4 * word));
    return count_avx512_of(scan, 8, words, terms, columns, found);
}

AVX512 static inline __attribute__((always_inline)) code_findings scan_avx512_by(
    const scan *scan, limit_order order, code_room found) {
    code_findings findings = {0};
    const bool is_coarse = scan->by.coarse_limits != NULL;
    if (scan->factors == 64) {
        __m512i words[16];
        for (size_t word = 0; word < 16; word++) words[word] = _mm512_set1_epi32(query_word(scan->query, 4 * word));
        findings.opened =
            is_coarse ? list_avx512_of(scan, order, 8, words, found) : list_all(scan, found.blocks);
        findings.count = open_avx512_of(scan, order, 8, words, findings.opened, found);
    } else {
        const size_t groups = scan->factors / 8;
        findings.opened =
            is_coarse ? list_avx512_of(scan, order, groups, NULL, found) : list_all(scan, found.blocks);
        findings.count = open_avx512_of(scan, order, groups, NULL, findings.opened, found);
    }
    return findings;
}

AVX512 static code_findings scan_avx512(const scan *scan, code_room found) {
    switch (scan->by.order) {
    case LIMIT_PLAIN: return scan_avx512_by(scan, LIMIT_PLAIN, found);
    case LIMIT_BIASED: return scan_avx512_by(scan, LIMIT_BIASED, found);
    case LIMIT_SQUARED: return scan_avx512_by(scan, LIMIT_SQUARED, found);
    case LIMIT_PER_NORM: return scan_avx512_by(scan, LIMIT_PER_NORM, found);
    }
}

AVX2 static code_findings scan_avx2(const scan *scan, code_room found) {
    code_findings findings = {0};
    findings.opened = scan->by.coarse_limits ? list_avx2(scan, found.blocks) : list_all(scan, found.blocks);
    findings.count = open_avx2(scan, findings.opened, found);
    return findings;
}

#endif

static code_findings scan_portable(const scan *scan, code_room found) {
    code_findings findings = {0};
    findings.opened = scan->by.coarse_limits ? list_portable(scan, found.blocks) : list_all(scan, found.blocks);
    findings.count = open_portable(scan, findings.opened, found);
    return findings;
}

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

static code_findings scan_by(code_kernel kernel, const scan *scan, code_room found) {
#if defined(__x86_64__)
    if (kernel == CODE_KERNEL_AVX512_VNNI) return scan_avx512(scan, found);
    if (kernel == CODE_KERNEL_AVX2) return scan_avx2(scan, found);
#endif
    return scan_portable(scan, found);
}

static int32_t sum_of(const int8_t *query, size_t factors) {
    int32_t sum = 0;
    for (size_t factor = 0; factor < factors; factor++) sum += query[factor];
    return sum;
}

code_counts code_kernel_count(
    code_kernel kernel, const code_planes *codes, const int8_t *query, const code_limits *limits,
    const standing_terms *terms, const standing_columns *columns, code_room found) {
    const scan scan = {
        codes->upper, codes->lower, codes->factors, codes->blocks, query, *limits,
        8 * codes->factors, sum_of(query, codes->factors),
    };
#if defined(__x86_64__)
    if (kernel == CODE_KERNEL_AVX512_VNNI) return count_avx512(&scan, terms, columns, found);
    if (kernel == CODE_KERNEL_AVX2) return count_avx2(&scan, terms, columns, found);
#endif
    return count_portable(&scan, terms, columns, found);
}

code_findings code_kernel_scan(
    code_kernel kernel, const code_planes *codes, const int8_t *query, const code_limits *limits,
    code_room found) {
    const scan scan = {
        codes->upper, codes->lower, codes->factors, codes->blocks, query, *limits,
        8 * codes->factors, sum_of(query, codes->factors),
    };
    code_findings findings = scan_by(kernel, &scan, found);
    for (size_t block = 0; block < codes->blocks; block++) findings.skipped += is_ruled_out(&scan, block);
    return findings;
}
