#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Inner products of 8-bit codes, and what goes before them, in C because Swift compiles for the oldest machine of its
/// architecture: it has no way to say "these instructions, where this machine has them", and SSE2 knows no product of
/// bytes. The variants give the same numbers; the machine decides at run time which are there.
///
/// Layout of the codes: a code c of -127 ... 127 is stored as the byte c + 128, whose upper four bits are in one plane and
/// whose lower four are in another. Both have blocks of 16 rows. In a block eight factors of row 0 stand first, in four
/// bytes; then the same eight of row 1, and so on to row 15 (64 bytes), then the next eight factors: 8 × factors bytes in
/// all. So a vector register adds up 16 rows side by side, and nothing is summed across it. Of the eight factors
///
///     byte k of the upper plane has factor 4 + k in its high half, and factor k - 1 (of k = 0 factor 3) in its low half;
///     byte k of the lower plane has factor k in its high half, and factor 4 + k in its low half:
///
/// taking the high halves from one and the low halves from the other gives factors 4 ... 7 whole, and the other way round
/// factors 0 ... 3, once the four bytes are rotated by four bits.
///
/// The upper plane alone is a coarse code: 16 · (upper bits) - 120, which is c or up to 8 less or 7 more. A pass that
/// rules most blocks out by it reads half the memory.

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

/// The codes of `blocks` blocks, each plane on a 64-byte boundary.
typedef struct {
    const uint8_t *_Nonnull upper;
    const uint8_t *_Nonnull lower;
    /// A multiple of 8, at most 65,536.
    size_t factors;
    size_t blocks;
} code_planes;

/// Where a pass writes rows, counted from the first block's first one, and their products with the query. Room for
/// every row and 16 more: a block's are written whole, and those that do not count are written over. `blocks` has room
/// for as many numbers as there are blocks.
typedef struct {
    int32_t *_Nonnull rows;
    int32_t *_Nonnull products;
    uint32_t *_Nonnull blocks;
} code_room;

/// What a pass found.
typedef struct {
    /// Rows.
    size_t count;
    /// Blocks whose codes were not read.
    size_t skipped;
    /// Blocks whose both planes were read.
    size_t opened;
} code_findings;

/// How a row's own number goes into what its product has to exceed; ScoreBounds.swift says why.
typedef enum {
    /// The block's limit.
    LIMIT_PLAIN,
    /// The limit less factor · bias.
    LIMIT_BIASED,
    /// The limit and factor · norm².
    LIMIT_SQUARED,
    /// The limit times the norm.
    LIMIT_PER_NORM,
} limit_order;

/// What rows are held against.
typedef struct {
    limit_order order;
    /// A number for each row.
    const float *_Nonnull scales;
    /// A bias or a norm for each row, as the order has need of them.
    const float *_Nonnull shifts;
    /// For each block the number that stands for all of its rows: the greatest bias, or the least norm.
    const float *_Nonnull block_shifts;
    float factor;
    /// The share of what comes of `shifts` by which it is lowered, for the rounding of this arithmetic.
    float margin;
    /// A number for each block; the codes of one whose limit is infinite are not read.
    const float *_Nonnull limits;
    /// The same for the coarse codes: the lower plane is read only of blocks that have a row whose coarse product, times
    /// its scale, exceeds it. Absent, it is read of all.
    const float *_Nullable coarse_limits;
} code_limits;

/// Finds the rows whose product with the query, as a float and times the row's scale, exceeds what the limits say, or for
/// which that is no number.
///
/// `query` has a code for each factor, neither offset nor interleaved; `found` gets the rows ascending.
code_findings code_kernel_scan(
    code_kernel kernel, const code_planes *_Nonnull codes, const int8_t *_Nonnull query,
    const code_limits *_Nonnull limits, code_room found);

/// What decides on which side of `score` a row's score lies: it is off product · scale · query_scale + bias by at most
/// per_residual · residual + per_norm · length + constant, where length = norm · norm_factor + norm_margin, as long as
/// length · query_norm + |bias| is below `greatest`. `margin` is the share of all magnitudes that covers this arithmetic's
/// own rounding.
typedef struct {
    float score, margin, greatest;
    float query_scale, query_norm;
    float per_residual, per_norm, constant;
    float norm_factor, norm_margin;
} standing_terms;

/// A number for each row, and a bit for each that does not count; rows past the last word do.
typedef struct {
    const float *_Nonnull residuals, *_Nonnull norms, *_Nonnull biases;
    const uint64_t *_Nonnull excluded;
    size_t excluded_words;
} standing_columns;

typedef struct {
    /// Rows that surely score more.
    size_t above;
    /// Rows of which the codes do not tell.
    size_t unsure;
} code_counts;

/// Counts the rows that score more than `terms->score`; `found.rows` gets those that have to be looked at. Blocks whose
/// limit is infinite are passed over; of `limits` the scales and the limits count.
code_counts code_kernel_count(
    code_kernel kernel, const code_planes *_Nonnull codes, const int8_t *_Nonnull query,
    const code_limits *_Nonnull limits, const standing_terms *_Nonnull terms,
    const standing_columns *_Nonnull columns, code_room found);

/// Asks the system for large pages, where it has them: `bytes` from `start` on, which are read from end to end or at
/// random. Changes nothing but times.
void memory_prefer_large_pages(void *_Nonnull start, size_t bytes);

/// `bytes` of zeros on a large page's boundary, of which only what is touched takes memory. NULL where there is no room for
/// their addresses.
void *_Nullable memory_map(size_t bytes);

/// The same block grown to `more` bytes, zero beyond `bytes`, perhaps at another address: pages move as they are, so that
/// old and new are never there at once. NULL where there is no room, and then nothing has changed.
void *_Nullable memory_map_more(void *_Nonnull start, size_t bytes, size_t more);

void memory_unmap(void *_Nonnull start, size_t bytes);

/// Whole pages between `start` and `start + bytes`, which are zero when they are next looked at. Of a mapped block alone.
void memory_give_back(void *_Nonnull start, size_t bytes);

/// Tells the C library's allocator to keep little of what was freed. Once, before other threads begin.
void memory_limit_arenas(void);

/// Bytes that the C library has of the system and keeps free, of all its arenas; some of them may have been given back in
/// place. Takes a millisecond where many small blocks are free.
size_t memory_heap_free(void);

/// Has the C library's allocator give back what it can.
void memory_trim(void);

/// What is the same for all blocks. `target` is what d plus the row's shift has to be at most, and `size` the magnitude of
/// what went into it; d is off by at most per_residual · residual + per_norm · length + constant, and at most
/// query_norm · length + constant, where length = norm · norm_factor + norm_margin. `margin` is the share of all
/// magnitudes that covers this arithmetic's own rounding.
typedef struct {
    float target, size, square, margin;
    float per_residual, per_norm, constant;
    float query_norm, norm_factor, norm_margin;
    float inverse_query_scale;
} limit_terms;

/// A number for each block: the greatest residuals and norms, and for `LIMIT_BIASED` the greatest biases, for
/// `LIMIT_SQUARED` the least norms.
typedef struct {
    const float *_Nonnull residuals, *_Nonnull norms, *_Nonnull shifts;
} block_columns;

/// Writes the limits of `blocks` blocks, for `code_kernel_scan`: without the rows' shifts, but infinite where the block's
/// bounds rule it out whatever its codes. Of `LIMIT_PER_NORM` they are for rows scaled to norm 1. All kernels give the
/// same.
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

/// Of each row its bias and its product with `user`.
void row_scores(
    const float *_Nonnull user, size_t factors, const row_table *_Nonnull table, const intptr_t *_Nonnull rows,
    size_t number, float *_Nonnull scores);

/// The place in `rows` of the first one whose bias and product with `user` add up to more than `limit`; `number`, how
/// many there are, where none does. NaN does not.
size_t first_row_above(
    const float *_Nonnull user, size_t factors, float limit, const row_table *_Nonnull table,
    const intptr_t *_Nonnull rows, size_t number);

/// Rates η and decays λ of a step towards a rating, and the bound on norms and biases.
typedef struct {
    float user_rate, item_rate, user_bias_rate, item_bias_rate;
    float user_decay, item_decay, bias_decay;
    float norm_max;
} rating_terms;

/// The rows of a rating, and room for two vectors. All on 32-byte boundaries, none lying in another.
typedef struct {
    float *_Nonnull user, *_Nonnull user_bias;
    float *_Nonnull item, *_Nonnull item_bias;
    float *_Nonnull room;
} rating_rows;

/// Inner product, summed as `Row.dot` sums.
float row_product(const float *_Nonnull user, const float *_Nonnull item, size_t factors);

/// A step of user and item by the error of what was predicted. BiasedSGD.swift says what it is, and does the same with
/// schedules: the same numbers, with whatever vectors this machine has. False if it was not applied, and nothing is changed.
///
/// `factors` is a multiple of 8.
bool rating_step(
    const rating_terms *_Nonnull terms, size_t factors, float error, const rating_rows *_Nonnull rows);

/// A step of the user alone towards the rating, whose mean is taken off; of the item nothing is changed.
bool rating_replay(
    const rating_terms *_Nonnull terms, size_t factors, float rating, const rating_rows *_Nonnull rows);

/// The place of the number that comes next from `from` on, upwards and, past the greatest, on from the least. `count` is
/// above 0, and no number is there twice.
size_t next_number(const int32_t *_Nonnull numbers, size_t count, int32_t from);

/// The first place of a word, or `count` where it is not. Below 2³² words.
size_t place_of_word(const uint32_t *_Nonnull words, size_t count, uint32_t wanted);

/// The first place of the least word; of floats that are not below 0 too, whose bits are ordered as they are. `count` is
/// above 0 and below 2³².
size_t place_of_least_word(const uint32_t *_Nonnull words, size_t count);

/// A layer of rectified units over a user's and an item's vector, and what weighs them. All on 64-byte boundaries;
/// `units` and `inputs`, twice the factors, are multiples of 16. Units beyond those that are meant have weights of 0, and
/// keep them.
typedef struct {
    /// units × inputs, row-major: the user's factors first.
    const float *_Nonnull by_unit;
    const float *_Nonnull outputs;
    size_t units, inputs;
} dense_network;

/// What came of one user and item: both vectors one after the other, what each adds to the units before these are
/// rectified, and room for what the inputs are to ascend by.
typedef struct {
    const float *_Nonnull input;
    const float *_Nonnull user_half, *_Nonnull item_half;
    float *_Nonnull ascent;
} network_pass;

/// Ascents of a block of events, summed: shaped as the network.
typedef struct {
    float *_Nonnull by_unit;
    float *_Nonnull biases, *_Nonnull outputs;
} network_sums;

/// half = start + Σ_k vector_k · (row k of `by_input`, which is factors × units); without `start` from 0 on.
void network_half(
    const float *_Nonnull by_input, const float *_Nullable start, const float *_Nonnull vector, size_t factors,
    size_t units, float *_Nonnull half);

/// For each of `count` items Σ_j weights_j · max(0, user_half_j + item_half_j).
void network_outputs(
    const float *_Nonnull user_half, const float *_Nonnull item_halves, const float *_Nonnull weights, size_t units,
    size_t count, float *_Nonnull outputs);

/// pass->ascent = scale · the output's derivative by the inputs. `deltas` and `active` are room for a number a unit.
/// Returns how many units are active.
size_t network_ascent(
    const dense_network *_Nonnull network, const network_pass *_Nonnull pass, float scale, float *_Nonnull deltas,
    uint32_t *_Nonnull active);

/// Adds scale · the output's derivative by the weights to `sums`.
void network_sum(
    const dense_network *_Nonnull network, const network_pass *_Nonnull pass, float scale,
    const network_sums *_Nonnull sums);

/// A step of Adam (Kingma and Ba 2015). `share` is one over the events summed; corrections are 1 / (1 − βᵗ).
typedef struct {
    float rate, decay, share;
    float first_decay, second_decay;
    float first_correction, second_correction;
    float epsilon;
} adam_terms;

/// Moves both moments by what was summed, and gives the values that come of it; `count` is a multiple of 16. False where
/// a value or a moment is no number any more.
bool network_adam(
    const adam_terms *_Nonnull terms, const float *_Nonnull values, const float *_Nonnull sums,
    float *_Nonnull first, float *_Nonnull second, float *_Nonnull updated, size_t count);
/// One more word of a checksum. Each step can be undone, whichever of the two is known: so two texts that differ within one
/// word always have different sums, and others do but for one chance in 2^64. It finds damage; it withstands no attacker.
static inline uint64_t checksum_word(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ (sum >> 32);
}

/// The same of bytes, eight at a time, the last ones filled up with zeros: their count has to be told before. Little-endian
/// machines agree.
uint64_t checksum_bytes(uint64_t sum, const void *_Nullable bytes, size_t count);

/// Sums of rows by what the rows have: `features` + 1 sums, the last of all rows, each of `factors` numbers, the bias, and
/// seven numbers of nothing.
typedef struct {
    float *_Nonnull sums;
    /// By word: the feature that it is, or below 0.
    const int32_t *_Nonnull columns;
    int32_t features;
    /// A multiple of 8.
    size_t factors;
} row_sums;

/// Adds weight · the row, its bias behind it, to the sum of each of its words that is a feature, and to that of all.
void row_sums_add(
    const row_sums *_Nonnull to, const int32_t *_Nullable words, size_t count, const float *_Nonnull row, float bias,
    float weight);

/// row ← base + the sum of the features' rows of `weights`, in their order; all of `width` numbers.
void feature_row(
    const float *_Nonnull weights, const float *_Nonnull base, size_t width, const int32_t *_Nullable features,
    size_t count, float *_Nonnull row);
