#include "CKernels.h"
#include <string.h>

uint64_t checksum_bytes(uint64_t sum, const void *bytes, size_t count) {
    const char *next = bytes;
    for (; count >= 8; next += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        sum = checksum_word(sum, word);
    }
    if (count == 0) return sum;
    uint64_t word = 0;
    memcpy(&word, next, count);
    return checksum_word(sum, word);
}
