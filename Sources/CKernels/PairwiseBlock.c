#include "CKernels.h"

#include <math.h>

/// Eight numbers, as a row of a factor table has them. Nothing is fused, and sums are taken in the order in which the
/// Swift rules take them: the same numbers on every machine, and by either.
typedef float lanes __attribute__((vector_size(32), aligned(32)));

#define INLINE static inline __attribute__((always_inline))

INLINE float sum_in_order(const lanes *v) {
    return (((((((*v)[0] + (*v)[1]) + (*v)[2]) + (*v)[3]) + (*v)[4]) + (*v)[5]) + (*v)[6]) + (*v)[7];
}

/// The same but for rounding, and sooner.
INLINE float sum_by_halves(const lanes *v) {
    return (((*v)[0] + (*v)[4]) + ((*v)[2] + (*v)[6])) + (((*v)[1] + (*v)[5]) + ((*v)[3] + (*v)[7]));
}

/// What a step makes of the rows, besides their new vectors.
typedef struct {
    lanes user_squares, positive_squares, negative_squares;
    float user_bias, positive_bias, negative_bias;
} step_outcome;

INLINE bool is_within(const pairwise_terms *terms, const lanes *squares, float bias) {
    return sum_in_order(squares) <= terms->norm_max * terms->norm_max && fabsf(bias) <= terms->norm_max;
}

/// Whether all three rows are within the bound. As a rule the three norms together are, by more than any rounding; only
/// else each is worked out by itself. No for NaN.
INLINE bool is_allowed(const pairwise_terms *terms, const step_outcome *outcome) {
    const lanes squares = outcome->user_squares + outcome->positive_squares + outcome->negative_squares;
    const float bias_max = terms->norm_max, squares_max = terms->norm_max * terms->norm_max * 0.999f;
    const bool is_surely = (sum_by_halves(&squares) <= squares_max) & (fabsf(outcome->user_bias) <= bias_max)
                           & (fabsf(outcome->positive_bias) <= bias_max)
                           & (fabsf(outcome->negative_bias) <= bias_max);
    if (__builtin_expect(is_surely, 1)) return true;
    return is_within(terms, &outcome->user_squares, outcome->user_bias)
           && is_within(terms, &outcome->positive_squares, outcome->positive_bias)
           && is_within(terms, &outcome->negative_squares, outcome->negative_bias);
}

/// One step along p·(qi − qj) + bi − bj, scaled by `g`; see PairwiseStep.swift. `room` takes the new vectors until it
/// is known whether they are allowed.
INLINE bool step_by(
    const pairwise_terms *terms, const size_t count, float g, const pairwise_rows *rows, lanes *restrict negative,
    float *restrict negative_bias, lanes *restrict room) {
#pragma clang fp contract(off)
    lanes *restrict user = (lanes *)rows->user, *restrict positive = (lanes *)rows->positive;
    step_outcome outcome = {.user_bias = rows->user_bias};
    for (size_t lane = 0; lane < count; lane++) {
        const lanes p = user[lane], qi = positive[lane], qj = negative[lane];
        const lanes new_p = p + terms->user_rate * (g * (qi - qj) - terms->user_decay * p);
        const lanes new_qi = qi + terms->item_rate * (g * p - terms->item_decay * qi);
        const lanes new_qj = qj - terms->item_rate * (g * p + terms->item_decay * qj);
        outcome.user_squares = outcome.user_squares + new_p * new_p;
        outcome.positive_squares = outcome.positive_squares + new_qi * new_qi;
        outcome.negative_squares = outcome.negative_squares + new_qj * new_qj;
        room[lane] = new_p;
        room[count + lane] = new_qi;
        room[2 * count + lane] = new_qj;
    }
    const float bi = *rows->positive_bias, bj = *negative_bias;
    outcome.positive_bias = bi + terms->bias_rate * (g - terms->bias_decay * bi);
    outcome.negative_bias = bj - terms->bias_rate * (g + terms->bias_decay * bj);
    if (__builtin_expect(!is_allowed(terms, &outcome), 0)) return false;
    for (size_t lane = 0; lane < count; lane++) {
        user[lane] = room[lane];
        positive[lane] = room[count + lane];
        negative[lane] = room[2 * count + lane];
    }
    *rows->positive_bias = outcome.positive_bias;
    *negative_bias = outcome.negative_bias;
    return true;
}

/// By how much the positive stands above the negative.
INLINE float difference(
    const size_t count, const pairwise_rows *rows, const lanes *negative, float negative_bias) {
#pragma clang fp contract(off)
    const lanes *user = (const lanes *)rows->user, *positive = (const lanes *)rows->positive;
    lanes sum = {0};
    for (size_t lane = 0; lane < count; lane++) sum = sum + user[lane] * (positive[lane] - negative[lane]);
    return sum_in_order(&sum) + *rows->positive_bias - negative_bias;
}

INLINE size_t block_by(
    const pairwise_terms *terms, const size_t count, const pairwise_rows *rows, const row_table *table,
    const pairwise_negatives *negatives, lanes *restrict room) {
    size_t applied = 0;
    for (size_t place = 0; place < negatives->count; place++) {
        const size_t row = (size_t)negatives->rows[place];
        lanes *negative = (lanes *)table->vectors + row * count;
        float *bias = table->biases + row;
        const float g = terms->weight / (1 + expf(difference(count, rows, negative, *bias)));
        const bool is_applied = step_by(terms, count, g, rows, negative, bias, room);
        negatives->is_applied[place] = is_applied;
        applied += is_applied;
    }
    return applied;
}

INLINE bool step_of(
    const pairwise_terms *terms, const size_t count, const pairwise_rows *rows, const row_table *table, intptr_t row,
    lanes *restrict room) {
    lanes *negative = (lanes *)table->vectors + (size_t)row * count;
    return step_by(terms, count, terms->weight, rows, negative, table->biases + row, room);
}

/// The place of the first row whose score exceeds the limit.
INLINE size_t first_of(
    const size_t count, const lanes *user, float limit, const row_table *table, const intptr_t *rows, size_t number) {
#pragma clang fp contract(off)
    for (size_t place = 0; place < number; place++) {
        const lanes *row = (const lanes *)table->vectors + (size_t)rows[place] * count;
        lanes sum = {0};
        for (size_t lane = 0; lane < count; lane++) sum = sum + user[lane] * row[lane];
        if (table->biases[rows[place]] + sum_in_order(&sum) > limit) return place;
    }
    return number;
}

INLINE void scores_of(
    const size_t count, const lanes *user, const row_table *table, const intptr_t *rows, size_t number,
    float *scores) {
#pragma clang fp contract(off)
    for (size_t place = 0; place < number; place++) {
        const lanes *row = (const lanes *)table->vectors + (size_t)rows[place] * count;
        lanes sum = {0};
        for (size_t lane = 0; lane < count; lane++) sum = sum + user[lane] * row[lane];
        scores[place] = table->biases[rows[place]] + sum_in_order(&sum);
    }
}

// A variant of its own for 64 factors, whose new vectors stay in registers.

INLINE size_t block_any(
    const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table,
    const pairwise_negatives *negatives) {
    lanes room[3 * 8];
    if (factors == 64) return block_by(terms, 8, rows, table, negatives, room);
    return block_by(terms, factors / 8, rows, table, negatives, (lanes *)rows->room);
}

INLINE bool step_any(
    const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table, intptr_t row) {
    lanes room[3 * 8];
    if (factors == 64) return step_of(terms, 8, rows, table, row, room);
    return step_of(terms, factors / 8, rows, table, row, (lanes *)rows->room);
}

INLINE size_t first_any(
    const float *user, size_t factors, float limit, const row_table *table, const intptr_t *rows, size_t number) {
    if (factors == 64) return first_of(8, (const lanes *)user, limit, table, rows, number);
    return first_of(factors / 8, (const lanes *)user, limit, table, rows, number);
}

INLINE void scores_any(
    const float *user, size_t factors, const row_table *table, const intptr_t *rows, size_t number, float *scores) {
    if (factors == 64) return scores_of(8, (const lanes *)user, table, rows, number, scores);
    scores_of(factors / 8, (const lanes *)user, table, rows, number, scores);
}

#if defined(__x86_64__)

// Two sets of variants by one text. AVX-512 has twice the registers.
#define VARIANTS(NAME, TARGET)                                                                                       \
    __attribute__((target(TARGET))) static size_t block_##NAME(                                                      \
        const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table,              \
        const pairwise_negatives *negatives) {                                                                       \
        return block_any(terms, factors, rows, table, negatives);                                                    \
    }                                                                                                                \
    __attribute__((target(TARGET))) static bool step_##NAME(                                                         \
        const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table,              \
        intptr_t row) {                                                                                              \
        return step_any(terms, factors, rows, table, row);                                                           \
    }                                                                                                                \
    __attribute__((target(TARGET))) static size_t first_##NAME(                                                      \
        const float *user, size_t factors, float limit, const row_table *table, const intptr_t *rows,                \
        size_t number) {                                                                                             \
        return first_any(user, factors, limit, table, rows, number);                                                 \
    }                                                                                                                \
    __attribute__((target(TARGET))) static void scores_##NAME(                                                       \
        const float *user, size_t factors, const row_table *table, const intptr_t *rows, size_t number,              \
        float *scores) {                                                                                             \
        scores_any(user, factors, table, rows, number, scores);                                                      \
    }

VARIANTS(avx2, "avx2")
VARIANTS(avx512, "avx512f,avx512vl")

#define BY_MACHINE(FUNCTION, ...)                                                                                    \
    if (__builtin_cpu_supports("avx512vl")) return FUNCTION##_avx512(__VA_ARGS__);                                   \
    if (__builtin_cpu_supports("avx2")) return FUNCTION##_avx2(__VA_ARGS__);                                         \
    return FUNCTION##_any(__VA_ARGS__)

#else

#define BY_MACHINE(FUNCTION, ...) return FUNCTION##_any(__VA_ARGS__)

#endif

size_t pairwise_block(
    const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table,
    const pairwise_negatives *negatives) {
    BY_MACHINE(block, terms, factors, rows, table, negatives);
}

bool pairwise_step(
    const pairwise_terms *terms, size_t factors, const pairwise_rows *rows, const row_table *table, intptr_t row) {
    BY_MACHINE(step, terms, factors, rows, table, row);
}

size_t first_row_above(
    const float *user, size_t factors, float limit, const row_table *table, const intptr_t *rows, size_t number) {
    BY_MACHINE(first, user, factors, limit, table, rows, number);
}

void row_scores(
    const float *user, size_t factors, const row_table *table, const intptr_t *rows, size_t number, float *scores) {
    BY_MACHINE(scores, user, factors, table, rows, number, scores);
}
