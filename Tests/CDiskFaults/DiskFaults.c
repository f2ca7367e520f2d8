#include "CDiskFaults.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { PREFIXES_MAX = 1024, PREFIX_BYTES_MAX = 512 };

/// Never freed, so that a file that is open may keep it. The kinds are set last, and looked at first.
typedef struct {
    char prefix[PREFIX_BYTES_MAX];
    atomic_int kinds;
    atomic_int per_mille;
    _Atomic uint64_t seed;
    _Atomic uint64_t calls;
    atomic_long hits;
} fault_plan;

typedef struct {
    sqlite3_file base;
    fault_plan *plan;
    /// In the same allocation, behind this.
    sqlite3_file *real;
} faulty_file;

static fault_plan plans[PREFIXES_MAX];
static atomic_int plan_count;
static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static sqlite3_io_methods methods;

static fault_plan *plan_of(const char *path) {
    if (!path) return 0;
    int count = atomic_load(&plan_count);
    for (int index = 0; index < count; index++)
        if (strncmp(path, plans[index].prefix, strlen(plans[index].prefix)) == 0) return &plans[index];
    return 0;
}

/// Which of the wanted kinds this call meets with; 0 for none.
static int fault(faulty_file *file, int possible) {
    // Opened before there was a plan for it.
    if (!file->plan) return 0;
    int kinds = atomic_load(&file->plan->kinds) & possible;
    if (!kinds) return 0;
    uint64_t draw = atomic_fetch_add(&file->plan->calls, 1) + atomic_load(&file->plan->seed) * 0x9E3779B97F4A7C15u;
    draw = (draw ^ (draw >> 30)) * 0xBF58476D1CE4E5B9u;
    draw = (draw ^ (draw >> 27)) * 0x94D049BB133111EBu;
    draw ^= draw >> 31;
    if (draw % 1000 >= (uint64_t)atomic_load(&file->plan->per_mille)) return 0;
    int wanted = (int)((draw >> 32) % (uint64_t)__builtin_popcount(kinds));
    for (int kind = 1;; kind <<= 1) {
        if (!(kinds & kind)) continue;
        if (wanted-- > 0) continue;
        atomic_fetch_add(&file->plan->hits, 1);
        if (kind == DISK_FAULT_SLOW) usleep(2000);
        return kind;
    }
}

#define FILE_OF(file) ((faulty_file *)(file))
#define REAL(file) (FILE_OF(file)->real)

static int faulty_close(sqlite3_file *file) { return REAL(file)->pMethods->xClose(REAL(file)); }

static int faulty_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    if (fault(FILE_OF(file), DISK_FAULT_READ | DISK_FAULT_SLOW) == DISK_FAULT_READ) return SQLITE_IOERR_READ;
    return REAL(file)->pMethods->xRead(REAL(file), bytes, count, offset);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    switch (fault(
        FILE_OF(file), DISK_FAULT_WRITE | DISK_FAULT_FULL | DISK_FAULT_SHORT_WRITE | DISK_FAULT_SLOW)) {
    case DISK_FAULT_WRITE: return SQLITE_IOERR_WRITE;
    case DISK_FAULT_FULL: return SQLITE_FULL;
    case DISK_FAULT_SHORT_WRITE:
        REAL(file)->pMethods->xWrite(REAL(file), bytes, count / 2, offset);
        return SQLITE_FULL;
    default: return REAL(file)->pMethods->xWrite(REAL(file), bytes, count, offset);
    }
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size) {
    if (fault(FILE_OF(file), DISK_FAULT_TRUNCATE)) return SQLITE_IOERR_TRUNCATE;
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags) {
    if (fault(FILE_OF(file), DISK_FAULT_SYNC | DISK_FAULT_SLOW) == DISK_FAULT_SYNC) return SQLITE_IOERR_FSYNC;
    return REAL(file)->pMethods->xSync(REAL(file), flags);
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size) {
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int faulty_lock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xLock(REAL(file), level); }
static int faulty_unlock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xUnlock(REAL(file), level); }

static int faulty_check(sqlite3_file *file, int *result) {
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), result);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument) {
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static int faulty_sector(sqlite3_file *file) { return REAL(file)->pMethods->xSectorSize(REAL(file)); }

static int faulty_device(sqlite3_file *file) {
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int faulty_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
    return REAL(file)->pMethods->xShmMap(REAL(file), region, size, extend, memory);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, count, flags);
}

static void faulty_barrier(sqlite3_file *file) { REAL(file)->pMethods->xShmBarrier(REAL(file)); }

static int faulty_unmap(sqlite3_file *file, int delete) {
    return REAL(file)->pMethods->xShmUnmap(REAL(file), delete);
}

static int faulty_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    faulty_file *own = FILE_OF(file);
    own->plan = plan_of(path);
    own->real = (sqlite3_file *)&own[1];
    int code = real_vfs->xOpen(real_vfs, path, own->real, flags, out);
    // SQLite closes what has methods, also where opening failed.
    own->base.pMethods = own->real->pMethods ? &methods : 0;
    return code;
}

static void install(void) {
    real_vfs = sqlite3_vfs_find(0);
    faulty_vfs = *real_vfs;
    faulty_vfs.zName = "disk-faults";
    faulty_vfs.szOsFile = real_vfs->szOsFile + (int)sizeof(faulty_file);
    faulty_vfs.xOpen = faulty_open;
    faulty_vfs.pNext = 0;
    methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = faulty_close,
        .xRead = faulty_read,
        .xWrite = faulty_write,
        .xTruncate = faulty_truncate,
        .xSync = faulty_sync,
        .xFileSize = faulty_size,
        .xLock = faulty_lock,
        .xUnlock = faulty_unlock,
        .xCheckReservedLock = faulty_check,
        .xFileControl = faulty_control,
        .xSectorSize = faulty_sector,
        .xDeviceCharacteristics = faulty_device,
        .xShmMap = faulty_map,
        .xShmLock = faulty_shm_lock,
        .xShmBarrier = faulty_barrier,
        .xShmUnmap = faulty_unmap,
    };
    sqlite3_vfs_register(&faulty_vfs, 1);
}

void disk_faults_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

int disk_faults_set(const char *prefix, int kinds, uint64_t seed, int per_mille) {
    if (strlen(prefix) >= PREFIX_BYTES_MAX) return -1;
    pthread_mutex_lock(&plans_lock);
    int count = atomic_load(&plan_count), index = 0;
    while (index < count && strcmp(plans[index].prefix, prefix) != 0) index++;
    if (index == PREFIXES_MAX) {
        pthread_mutex_unlock(&plans_lock);
        return -1;
    }
    fault_plan *plan = &plans[index];
    if (index == count) strcpy(plan->prefix, prefix);
    atomic_store(&plan->kinds, 0);
    atomic_store(&plan->seed, seed);
    atomic_store(&plan->calls, 0);
    atomic_store(&plan->per_mille, per_mille);
    atomic_store(&plan->kinds, per_mille > 0 ? kinds : 0);
    if (index == count) atomic_store(&plan_count, count + 1);
    pthread_mutex_unlock(&plans_lock);
    return index;
}

long disk_faults_hits(int number) {
    return number >= 0 && number < atomic_load(&plan_count) ? atomic_load(&plans[number].hits) : 0;
}
