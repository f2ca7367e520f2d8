#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A disk that fails, for tests: a layer below SQLite (sqlite.org/vfs.html) that passes every call on to the real one, but for
/// those on files under a path for which faults are wanted. In C because SQLite calls it through tables of functions.

enum {
    DISK_FAULT_READ = 1,
    DISK_FAULT_WRITE = 2,
    DISK_FAULT_FULL = 4,
    /// Half is written, and no room for the rest.
    DISK_FAULT_SHORT_WRITE = 8,
    DISK_FAULT_SYNC = 16,
    DISK_FAULT_TRUNCATE = 32,
    /// Takes two milliseconds, and succeeds.
    DISK_FAULT_SLOW = 64,
};

/// Puts the layer below all files of SQLite's that this process opens from now on. More than once does no harm.
void disk_faults_install(void);

/// Has calls on files whose path begins with `prefix` fail, each by the seed and its number; for files that are open, too. One
/// seed gives one sequence. 0 per mille ends it. At most 1,024 prefixes.
///
/// Returns a number for `disk_faults_hits`, or -1.
int disk_faults_set(const char *_Nonnull prefix, int kinds, uint64_t seed, int per_mille);

/// How many calls have failed, or were slow.
long disk_faults_hits(int number);

#ifdef __cplusplus
}
#endif
