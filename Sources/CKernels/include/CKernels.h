#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Inner products of 8-bit codes, and what goes before them, in C because Swift compiles for the oldest machine of its
/// architecture: it has no way to say "these instructions, where this machine has them", and SSE2 knows no product of
/// bytes. The variants give the same numbers; the machine decides at run time which are there.
///
/// Layout of the codes: blocks of 16 rows. In a block four factors of row 0 stand first, then the same four of row 1,
/// and so on to row 15 (64 bytes), then the next four factors: 16 × factors bytes in all. So a vector register adds up
/// 16 rows side by side, and nothing is summed across it. A code c of -127 ... 127 is stored as c + 128.

enum { CODE_BLOCK_ROWS = 16 };

/// Asks for `bytes` from `start` on to be brought into the cache, which changes nothing but the time that they take
/// when they are used. Swift has no word for it.
static inline void cache_prefetch(const void *_Nonnull start, size_t bytes) {
    const char *line = (const char *)((uintptr_t)start & ~(uintptr_t)63);
    for (; line < (const char *)start + bytes; line += 64) __builtin_prefetch(line);
}

typedef enum {
    CODE_KERNEL_PORTABLE,
    CODE_KERNEL_AVX2,
    CODE_KERNEL_AVX512_VNNI,
} code_kernel;

/// Whether this machine can run the variant.
bool code_kernel_is_supported(code_kernel kernel);

/// Where a pass writes rows, counted from the first block's first one, and their products with the query. Room for
/// every row and 16 more: a block's are written whole, and those that do not count are written over.
typedef struct {
    int32_t *_Nonnull rows;
    int32_t *_Nonnull products;
} code_room;

/// What a pass found.
typedef struct {
    /// Rows.
    size_t count;
    /// Blocks whose codes were not read.
    size_t skipped;
} code_findings;

/// Finds the rows whose product with the query, as a float and times the row's scale, exceeds their block's limit.
///
/// `codes` is `blocks` blocks, on a 64-byte boundary; `query` has `factors` codes (a multiple of 4, at most 65,536),
/// neither offset nor interleaved; `scales` has 16 for each block, or the same 16 for all if `scale_stride` is 0
/// instead of 16; `limits` has a number for each block, and the codes of one whose limit is infinite are not read;
/// `found` gets the rows ascending.
code_findings code_kernel_scan(
    code_kernel kernel, const uint8_t *_Nonnull codes, size_t factors, const int8_t *_Nonnull query,
    const float *_Nonnull scales, size_t scale_stride, const float *_Nonnull limits, size_t blocks,
    code_room found);

/// How a block's limit is worked out from its bounds; ScoreBounds.swift says why.
typedef enum {
    /// Of d alone.
    LIMIT_PLAIN,
    /// `shifts` are the greatest biases.
    LIMIT_BIASED,
    /// `shifts` are the least norms, which are squared and multiplied by `square`.
    LIMIT_SQUARED,
    /// Of rows scaled to norm 1, whose products are compared unscaled.
    LIMIT_UNSCALED,
} limit_order;

/// What is the same for all blocks. `target` is what d plus the shift has to be at most, and `size` the magnitude of
/// what went into it; d is off by at most per_residual · residual + per_norm · length + constant, and at most
/// query_norm · length + constant, where length = norm · norm_factor + norm_margin. `margin` is the share of all
/// magnitudes that covers this arithmetic's own rounding.
typedef struct {
    float target, size, square, margin;
    float per_residual, per_norm, constant;
    float query_norm, norm_factor, norm_margin;
    float query_scale, inverse_query_scale;
} limit_terms;

/// A number for each block, as the order has need of them.
typedef struct {
    const float *_Nonnull residuals, *_Nonnull norms, *_Nonnull shifts, *_Nonnull scales;
} block_columns;

/// Writes the limits of `blocks` blocks, for `code_kernel_scan`. All kernels give the same.
void block_limits(
    code_kernel kernel, limit_order order, const limit_terms *_Nonnull terms,
    const block_columns *_Nonnull columns, float *_Nonnull limits, size_t blocks);

/// The number of bits that are set in `count` words.
size_t bit_count(const uint64_t *_Nonnull words, size_t count);

/// What a block of pairwise steps has in common: rates η, decays λ, the bound on norms and biases, and the event's
/// weight. PairwiseStep.swift says what a step is, and does the same with schedules and a row at a time.
typedef struct {
    float item_rate, user_rate, bias_rate;
    float item_decay, user_decay, bias_decay;
    float norm_max, weight;
} pairwise_terms;

/// The two rows of an event, and room for three vectors. All on 32-byte boundaries, none lying in another.
typedef struct {
    float *_Nonnull user;
    float *_Nonnull positive;
    float *_Nonnull positive_bias;
    float *_Nonnull room;
    float user_bias;
} pairwise_rows;

/// Row-major vectors on 32-byte boundaries, and a bias a row.
typedef struct {
    float *_Nonnull vectors;
    float *_Nonnull biases;
} row_table;

/// `count` rows of a table, by their numbers. The event's positive is not among them; one may come twice.
typedef struct {
    const intptr_t *_Nonnull rows;
    size_t count;
    /// What became of each.
    bool *_Nonnull is_applied;
} pairwise_negatives;

/// Learns an event by Bayesian personalised ranking against one negative after the other, each from what the last one
/// left: the numbers that as many single steps give, in a call, and with whatever vectors this machine has.
///
/// `factors` is a multiple of 8. Returns how many were applied; of the others nothing is changed.
size_t pairwise_block(
    const pairwise_terms *_Nonnull terms, size_t factors, const pairwise_rows *_Nonnull rows,
    const row_table *_Nonnull table, const pairwise_negatives *_Nonnull negatives);

/// One step against the row `row`, whose gradient is scaled by `terms->weight` alone. False if it was not applied, and
/// nothing is changed.
bool pairwise_step(
    const pairwise_terms *_Nonnull terms, size_t factors, const pairwise_rows *_Nonnull rows,
    const row_table *_Nonnull table, intptr_t row);

/// The place in `rows` of the first one whose bias and product with `user` add up to more than `limit`; `number`, how
/// many there are, where none does. NaN does not.
size_t first_row_above(
    const float *_Nonnull user, size_t factors, float limit, const row_table *_Nonnull table,
    const intptr_t *_Nonnull rows, size_t number);
