#include "CKernels.h"

#include <math.h>

/// Eight numbers, as a row of a factor table has them. Nothing is fused, and sums are taken in the order in which the
/// Swift rules take them: the same numbers on every machine, and by either.
typedef float lanes __attribute__((vector_size(32), aligned(32)));

#define INLINE static inline __attribute__((always_inline))

INLINE float sum_in_order(const lanes *v) {
    return (((((((*v)[0] + (*v)[1]) + (*v)[2]) + (*v)[3]) + (*v)[4]) + (*v)[5]) + (*v)[6]) + (*v)[7];
}

INLINE float product_of(const size_t count, const lanes *user, const lanes *item) {
#pragma clang fp contract(off)
    lanes sum = {0};
    for (size_t lane = 0; lane < count; lane++) sum = sum + user[lane] * item[lane];
    return sum_in_order(&sum);
}

INLINE bool is_allowed(const rating_terms *terms, const lanes *squares, float bias) {
    return sum_in_order(squares) <= terms->norm_max * terms->norm_max && fabsf(bias) <= terms->norm_max;
}

/// `room` takes the new vectors until it is known whether they are allowed.
INLINE bool step_by(
    const rating_terms *terms, const size_t count, float error, const rating_rows *rows, lanes *restrict room) {
#pragma clang fp contract(off)
    lanes *restrict user = (lanes *)rows->user, *restrict item = (lanes *)rows->item;
    lanes user_squares = {0}, item_squares = {0};
    for (size_t lane = 0; lane < count; lane++) {
        const lanes p = user[lane], q = item[lane];
        const lanes new_p = p + terms->user_rate * (error * q - terms->user_decay * p);
        const lanes new_q = q + terms->item_rate * (error * p - terms->item_decay * q);
        user_squares = user_squares + new_p * new_p;
        item_squares = item_squares + new_q * new_q;
        room[lane] = new_p;
        room[count + lane] = new_q;
    }
    const float user_bias = *rows->user_bias, item_bias = *rows->item_bias;
    const float new_user_bias = user_bias + terms->user_bias_rate * (error - terms->bias_decay * user_bias);
    const float new_item_bias = item_bias + terms->item_bias_rate * (error - terms->bias_decay * item_bias);
    if (!is_allowed(terms, &user_squares, new_user_bias) || !is_allowed(terms, &item_squares, new_item_bias)) {
        return false;
    }
    for (size_t lane = 0; lane < count; lane++) {
        user[lane] = room[lane];
        item[lane] = room[count + lane];
    }
    *rows->user_bias = new_user_bias;
    *rows->item_bias = new_item_bias;
    return true;
}

INLINE bool replay_by(
    const rating_terms *terms, const size_t count, float rating, const rating_rows *rows, lanes *restrict room) {
#pragma clang fp contract(off)
    lanes *restrict user = (lanes *)rows->user;
    const lanes *item = (const lanes *)rows->item;
    const float user_bias = *rows->user_bias;
    const float error = rating - (user_bias + *rows->item_bias + product_of(count, user, item));
    lanes squares = {0};
    for (size_t lane = 0; lane < count; lane++) {
        const lanes p = user[lane], q = item[lane];
        const lanes new_p = p + terms->user_rate * (error * q - terms->user_decay * p);
        squares = squares + new_p * new_p;
        room[lane] = new_p;
    }
    const float new_bias = user_bias + terms->user_bias_rate * (error - terms->bias_decay * user_bias);
    if (!is_allowed(terms, &squares, new_bias)) return false;
    for (size_t lane = 0; lane < count; lane++) user[lane] = room[lane];
    *rows->user_bias = new_bias;
    return true;
}

// A variant of its own for 64 factors, whose new vectors stay in registers.

INLINE float product_any(const float *user, const float *item, size_t factors) {
    if (factors == 64) return product_of(8, (const lanes *)user, (const lanes *)item);
    return product_of(factors / 8, (const lanes *)user, (const lanes *)item);
}

INLINE bool step_any(const rating_terms *terms, size_t factors, float error, const rating_rows *rows) {
    lanes room[2 * 8];
    if (factors == 64) return step_by(terms, 8, error, rows, room);
    return step_by(terms, factors / 8, error, rows, (lanes *)rows->room);
}

INLINE bool replay_any(const rating_terms *terms, size_t factors, float rating, const rating_rows *rows) {
    lanes room[8];
    if (factors == 64) return replay_by(terms, 8, rating, rows, room);
    return replay_by(terms, factors / 8, rating, rows, (lanes *)rows->room);
}

#if defined(__x86_64__)

// Two sets of variants by one text. AVX-512 has twice the registers.
#define VARIANTS(NAME, TARGET)                                                                                       \
    __attribute__((target(TARGET))) static float product_##NAME(                                                     \
        const float *user, const float *item, size_t factors) {                                                      \
        return product_any(user, item, factors);                                                                     \
    }                                                                                                                \
    __attribute__((target(TARGET))) static bool step_##NAME(                                                         \
        const rating_terms *terms, size_t factors, float error, const rating_rows *rows) {                           \
        return step_any(terms, factors, error, rows);                                                                \
    }                                                                                                                \
    __attribute__((target(TARGET))) static bool replay_##NAME(                                                       \
        const rating_terms *terms, size_t factors, float rating, const rating_rows *rows) {                          \
        return replay_any(terms, factors, rating, rows);                                                             \
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

float row_product(const float *user, const float *item, size_t factors) {
    BY_MACHINE(product, user, item, factors);
}

bool rating_step(const rating_terms *terms, size_t factors, float error, const rating_rows *rows) {
    BY_MACHINE(step, terms, factors, error, rows);
}

bool rating_replay(const rating_terms *terms, size_t factors, float rating, const rating_rows *rows) {
    BY_MACHINE(replay, terms, factors, rating, rows);
}
