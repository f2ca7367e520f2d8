#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Inner products of 8-bit codes, in C because Swift compiles for the oldest machine of its architecture: it has no
/// way to say "these instructions, where this machine has them", and SSE2 knows no product of bytes. The variants give
/// the same integers; the machine decides at run time which are there.
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

/// A row, counted from the first block's first one, and its product with the query.
typedef struct {
    int32_t row;
    int32_t product;
} code_product;

/// Finds the rows whose product with the query, as a float and times the row's scale, exceeds their block's limit.
///
/// `codes` is `blocks` blocks, on a 64-byte boundary; `query` has `factors` codes (a multiple of 4, at most 65,536),
/// neither offset nor interleaved; `scales` has 16 for each block, or the same 16 for all if `scale_stride` is 0
/// instead of 16; `limits` has a number for each block, and the codes of one whose limit is infinite are not read;
/// `found` has room for every row. Returns how many were found, ascending.
size_t code_kernel_scan(
    code_kernel kernel, const uint8_t *_Nonnull codes, size_t factors, const int8_t *_Nonnull query,
    const float *_Nonnull scales, size_t scale_stride, const float *_Nonnull limits, size_t blocks,
    code_product *_Nonnull found);
