#include "CKernels.h"

#include <math.h>

/// Sixteen numbers side by side, on a cache line's boundary. Nothing is fused, each unit and each input is summed in one
/// order whatever the vectors are, and square roots and quotients are exact to the last bit by IEEE 754: the same numbers
/// on every machine.
typedef float lanes __attribute__((vector_size(64), aligned(64)));
typedef int32_t masks __attribute__((vector_size(64), aligned(64)));

enum { WIDTH = 16 };

#define INLINE static inline __attribute__((always_inline))

INLINE float sum_in_order(const lanes *v) {
    float sum = (*v)[0];
    for (int lane = 1; lane < WIDTH; lane++) sum = sum + (*v)[lane];
    return sum;
}

/// `tile` vectors of units at once, which stay in registers.
INLINE void half_tile(
    const float *by_input, const float *start, const float *vector, size_t factors, size_t units, float *half,
    const size_t tile) {
#pragma clang fp contract(off)
    lanes sums[8];
    for (size_t t = 0; t < tile; t++) sums[t] = start ? ((const lanes *)start)[t] : (lanes){0};
    for (size_t k = 0; k < factors; k++) {
        const lanes *weights = (const lanes *)(by_input + k * units);
        for (size_t t = 0; t < tile; t++) sums[t] = sums[t] + vector[k] * weights[t];
    }
    for (size_t t = 0; t < tile; t++) ((lanes *)half)[t] = sums[t];
}

INLINE void half_any(
    const float *by_input, const float *start, const float *vector, size_t factors, size_t units, float *half) {
    size_t unit = 0;
    for (; unit + 7 * WIDTH <= units; unit += 7 * WIDTH) {
        half_tile(by_input + unit, start ? start + unit : 0, vector, factors, units, half + unit, 7);
    }
    for (; unit + 2 * WIDTH <= units; unit += 2 * WIDTH) {
        half_tile(by_input + unit, start ? start + unit : 0, vector, factors, units, half + unit, 2);
    }
    for (; unit < units; unit += WIDTH) {
        half_tile(by_input + unit, start ? start + unit : 0, vector, factors, units, half + unit, 1);
    }
}

INLINE void outputs_any(
    const float *user_half, const float *item_halves, const float *weights, size_t units, size_t count,
    float *outputs) {
#pragma clang fp contract(off)
    for (size_t item = 0; item < count; item++) {
        const lanes *user = (const lanes *)user_half, *own = (const lanes *)(item_halves + item * units);
        lanes sum = {0};
        for (size_t t = 0; t < units / WIDTH; t++) {
            const lanes before = user[t] + own[t];
            // NaN becomes 0.
            const lanes rectified = (lanes)((masks)before & (before > 0.0f));
            sum = sum + ((const lanes *)weights)[t] * rectified;
        }
        outputs[item] = sum_in_order(&sum);
    }
}

/// Σ over active units of scale · w_j · (row j of the weights), `tile` vectors of inputs at once.
INLINE void inputs_tile(
    const float *by_unit, const float *deltas, const uint32_t *active, size_t count, size_t inputs, float *ascent,
    const size_t tile) {
#pragma clang fp contract(off)
    lanes sums[8];
    for (size_t t = 0; t < tile; t++) sums[t] = (lanes){0};
    for (size_t place = 0; place < count; place++) {
        const float delta = deltas[place];
        const lanes *row = (const lanes *)(by_unit + active[place] * inputs);
        for (size_t t = 0; t < tile; t++) sums[t] = sums[t] + delta * row[t];
    }
    for (size_t t = 0; t < tile; t++) ((lanes *)ascent)[t] = sums[t];
}

INLINE size_t ascent_any(
    const dense_network *network, const network_pass *pass, float scale, float *deltas, uint32_t *active) {
#pragma clang fp contract(off)
    const size_t units = network->units, inputs = network->inputs;
    size_t count = 0;
    for (size_t unit = 0; unit < units; unit++) {
        const float before = pass->user_half[unit] + pass->item_half[unit];
        deltas[count] = scale * network->outputs[unit];
        active[count] = (uint32_t)unit;
        count += before > 0.0f;
    }
    size_t input = 0;
    for (; input + 8 * WIDTH <= inputs; input += 8 * WIDTH) {
        inputs_tile(network->by_unit + input, deltas, active, count, inputs, pass->ascent + input, 8);
    }
    for (; input < inputs; input += WIDTH) {
        inputs_tile(network->by_unit + input, deltas, active, count, inputs, pass->ascent + input, 1);
    }
    return count;
}

INLINE void sum_any(
    const dense_network *network, const network_pass *pass, float scale, const network_sums *sums) {
#pragma clang fp contract(off)
    const size_t vectors = network->inputs / WIDTH;
    const lanes *input = (const lanes *)pass->input;
    for (size_t unit = 0; unit < network->units; unit++) {
        const float before = pass->user_half[unit] + pass->item_half[unit];
        if (!(before > 0.0f)) continue;
        const float delta = scale * network->outputs[unit];
        lanes *row = (lanes *)(sums->by_unit + unit * network->inputs);
        for (size_t t = 0; t < vectors; t++) row[t] = row[t] + delta * input[t];
        sums->biases[unit] = sums->biases[unit] + delta;
        sums->outputs[unit] = sums->outputs[unit] + scale * before;
    }
}

INLINE bool adam_any(
    const adam_terms *terms, const float *values, const float *sums, float *first, float *second, float *updated,
    size_t count) {
#pragma clang fp contract(off)
    lanes squares = {0};
    for (size_t t = 0; t < count / WIDTH; t++) {
        const lanes value = ((const lanes *)values)[t];
        const lanes ascent = ((const lanes *)sums)[t] * terms->share - terms->decay * value;
        const lanes mean = ((lanes *)first)[t] * terms->first_decay + ascent * (1.0f - terms->first_decay);
        const lanes square =
            ((lanes *)second)[t] * terms->second_decay + ascent * ascent * (1.0f - terms->second_decay);
        const lanes scaled = square * terms->second_correction;
        lanes root;
        for (int lane = 0; lane < WIDTH; lane++) root[lane] = __builtin_sqrtf(scaled[lane]);
        const lanes next = value + terms->rate * (mean * terms->first_correction) / (root + terms->epsilon);
        ((lanes *)first)[t] = mean;
        ((lanes *)second)[t] = square;
        ((lanes *)updated)[t] = next;
        squares = squares + next * next + square;
    }
    return isfinite(sum_in_order(&squares));
}

#if defined(__x86_64__)

#define VARIANTS(NAME, TARGET)                                                                                       \
    __attribute__((target(TARGET))) static void half_##NAME(                                                         \
        const float *by_input, const float *start, const float *vector, size_t factors, size_t units, float *half) { \
        half_any(by_input, start, vector, factors, units, half);                                                     \
    }                                                                                                                \
    __attribute__((target(TARGET))) static void outputs_##NAME(                                                      \
        const float *user_half, const float *item_halves, const float *weights, size_t units, size_t count,          \
        float *outputs) {                                                                                            \
        outputs_any(user_half, item_halves, weights, units, count, outputs);                                         \
    }                                                                                                                \
    __attribute__((target(TARGET))) static size_t ascent_##NAME(                                                     \
        const dense_network *network, const network_pass *pass, float scale, float *deltas, uint32_t *active) {      \
        return ascent_any(network, pass, scale, deltas, active);                                                     \
    }                                                                                                                \
    __attribute__((target(TARGET))) static void sum_##NAME(                                                          \
        const dense_network *network, const network_pass *pass, float scale, const network_sums *sums) {             \
        sum_any(network, pass, scale, sums);                                                                         \
    }                                                                                                                \
    __attribute__((target(TARGET))) static bool adam_##NAME(                                                         \
        const adam_terms *terms, const float *values, const float *sums, float *first, float *second,                \
        float *updated, size_t count) {                                                                              \
        return adam_any(terms, values, sums, first, second, updated, count);                                         \
    }

VARIANTS(avx2, "avx2")
VARIANTS(avx512, "avx512f,avx512vl,avx512dq")

#define BY_MACHINE(FUNCTION, ...)                                                                                    \
    if (__builtin_cpu_supports("avx512vl")) return FUNCTION##_avx512(__VA_ARGS__);                                   \
    if (__builtin_cpu_supports("avx2")) return FUNCTION##_avx2(__VA_ARGS__);                                         \
    return FUNCTION##_any(__VA_ARGS__)

#else

#define BY_MACHINE(FUNCTION, ...) return FUNCTION##_any(__VA_ARGS__)

#endif

void network_half(
    const float *by_input, const float *start, const float *vector, size_t factors, size_t units, float *half) {
    BY_MACHINE(half, by_input, start, vector, factors, units, half);
}

void network_outputs(
    const float *user_half, const float *item_halves, const float *weights, size_t units, size_t count,
    float *outputs) {
    BY_MACHINE(outputs, user_half, item_halves, weights, units, count, outputs);
}

size_t network_ascent(
    const dense_network *network, const network_pass *pass, float scale, float *deltas, uint32_t *active) {
    BY_MACHINE(ascent, network, pass, scale, deltas, active);
}

void network_sum(
    const dense_network *network, const network_pass *pass, float scale, const network_sums *sums) {
    BY_MACHINE(sum, network, pass, scale, sums);
}

bool network_adam(
    const adam_terms *terms, const float *values, const float *sums, float *first, float *second, float *updated,
    size_t count) {
    BY_MACHINE(adam, terms, values, sums, first, second, updated, count);
}
