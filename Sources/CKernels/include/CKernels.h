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

/// As a limit: the block is passed over, and its codes are not read.
enum { CODE_LIMIT_SKIP = INT32_MAX };

typedef enum {
    CODE_KERNEL_PORTABLE,
    CODE_KERNEL_AVX2,
    CODE_KERNEL_AVX512_VNNI,
} code_kernel;

/// Whether this machine can run the variant.
bool code_kernel_is_supported(code_kernel kernel);

/// Looks for the first block of `start ..< end` in which a row's product with the query exceeds the block's limit.
///
/// `codes` is all blocks, on a 64-byte boundary; `query` has `factors` codes (a multiple of 4, at most 65,536),
/// neither offset nor interleaved; `limits` has a number for each block. Returns the block, with its 16 products in
/// `products`, or `end`.
size_t code_kernel_next(
    code_kernel kernel, const uint8_t *_Nonnull codes, size_t factors, const int8_t *_Nonnull query,
    const int32_t *_Nonnull limits, size_t start, size_t end, int32_t *_Nonnull products);
