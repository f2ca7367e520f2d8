#define _GNU_SOURCE
#include "simulated_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, REGIONS_MAX = 64, LOCKS = 8, FILES_MAX = 16, NAME_BYTES = 64 };

typedef struct {
    unsigned char *data;
    int64_t count;
    int64_t capacity;
} bytes;

/// Written and not synced: bytes at an offset, or a new length (`data` is NULL).
typedef struct {
    int64_t offset;
    int64_t count;
    unsigned char *data;
} change;

typedef struct connection connection;

typedef struct {
    char name[NAME_BYTES];
    /// There for who opens it.
    int exists;
    /// There after a power cut: deletions are durable at once, creations with the first sync.
    int is_durable;
    bytes now;
    bytes durable;
    change *changes;
    int64_t change_count;
    int64_t change_capacity;
    /// Locks of the database file (sqlite.org/lockingv3.html).
    int shared;
    connection *reserved;
    connection *pending;
    connection *exclusive;
    /// The shared memory of its write-ahead log: gone with the last connection that uses it.
    void *regions[REGIONS_MAX];
    int region_count;
    int region_users;
    int region_shared[LOCKS];
    connection *region_exclusive[LOCKS];
} file;

typedef struct disk {
    int64_t id;
    struct disk *next;
    file *files[FILES_MAX];
    int file_count;
    int open_count;
    int is_released;
    int is_stopped;
    int omits_syncs;
    int64_t steps;
    simulated_disk_fault fault;
    int64_t fault_at;
    int64_t fault_count;
    int failed;
    int64_t hold_at;
    int is_held;
    int is_woken;
} disk;

struct connection {
    sqlite3_file base;
    disk *disk;
    file *file;
    /// Of a temporary file, which is no disk's.
    bytes own;
    int lock;
    int uses_regions;
    int shared_regions;
    int exclusive_regions;
};

// One lock for all disks: a simulation has few threads, and a step is short.
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t registered = PTHREAD_ONCE_INIT;
static disk *disks = NULL;
static int64_t next_id = 1;
static sqlite3_vfs *system_vfs = NULL;

// MARK: - Bytes

static int reach(bytes *to, int64_t count) {
    if (count > to->capacity) {
        int64_t capacity = to->capacity * 2 > count ? to->capacity * 2 : count;
        unsigned char *data = realloc(to->data, (size_t)capacity);
        if (data == NULL) return SQLITE_NOMEM;
        to->data = data;
        to->capacity = capacity;
    }
    if (count > to->count) {
        memset(to->data + to->count, 0, (size_t)(count - to->count));
        to->count = count;
    }
    return SQLITE_OK;
}

static int put(bytes *to, int64_t offset, const unsigned char *data, int64_t count) {
    int code = reach(to, offset + count);
    if (code == SQLITE_OK && count > 0) memcpy(to->data + offset, data, (size_t)count);
    return code;
}

static void copy(bytes *to, const bytes *from) {
    to->count = 0;
    if (put(to, 0, from->data, from->count) != SQLITE_OK) abort();
}

static void empty(bytes *of) {
    free(of->data);
    memset(of, 0, sizeof *of);
}

static void apply(bytes *to, const change *what) {
    if (what->data != NULL) {
        if (put(to, what->offset, what->data, what->count) != SQLITE_OK) abort();
    } else if (what->offset < to->count) {
        to->count = what->offset;
    } else if (reach(to, what->offset) != SQLITE_OK) {
        abort();
    }
}

static void forget_changes(file *of) {
    for (int64_t index = 0; index < of->change_count; index++) free(of->changes[index].data);
    of->change_count = 0;
}

static int note(file *of, int64_t offset, const void *data, int64_t count) {
    if (of->change_count == of->change_capacity) {
        int64_t capacity = of->change_capacity * 2 + 16;
        change *changes = realloc(of->changes, (size_t)capacity * sizeof(change));
        if (changes == NULL) return SQLITE_NOMEM;
        of->changes = changes;
        of->change_capacity = capacity;
    }
    change one = {offset, count, NULL};
    if (data != NULL) {
        one.data = malloc((size_t)(count > 0 ? count : 1));
        if (one.data == NULL) return SQLITE_NOMEM;
        memcpy(one.data, data, (size_t)count);
    }
    of->changes[of->change_count++] = one;
    apply(&of->now, &of->changes[of->change_count - 1]);
    return SQLITE_OK;
}

// MARK: - Disks. All of what follows holds `guard`, but for what the header declares.

static disk *find(int64_t id) {
    for (disk *each = disks; each != NULL; each = each->next)
        if (each->id == id) return each;
    return NULL;
}

static disk *make(void) {
    disk *made = calloc(1, sizeof *made);
    if (made == NULL) abort();
    made->id = next_id++;
    made->hold_at = -1;
    made->next = disks;
    disks = made;
    return made;
}

static void free_if_unused(disk *of) {
    if (!of->is_released || of->open_count > 0) return;
    for (disk **place = &disks; *place != NULL; place = &(*place)->next) {
        if (*place != of) continue;
        *place = of->next;
        break;
    }
    for (int index = 0; index < of->file_count; index++) {
        file *each = of->files[index];
        empty(&each->now);
        empty(&each->durable);
        forget_changes(each);
        free(each->changes);
        for (int region = 0; region < each->region_count; region++) free(each->regions[region]);
        free(each);
    }
    free(of);
}

static file *find_file(disk *of, const char *name) {
    for (int index = 0; index < of->file_count; index++)
        if (strcmp(of->files[index]->name, name) == 0) return of->files[index];
    return NULL;
}

static file *make_file(disk *of, const char *name) {
    if (of->file_count == FILES_MAX || strlen(name) >= NAME_BYTES) return NULL;
    file *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    strcpy(made->name, name);
    of->files[of->file_count++] = made;
    return made;
}

/// `/7/state.sqlite` is `state.sqlite` of disk 7.
static disk *resolve(const char *path, const char **name) {
    if (path == NULL || path[0] != '/') return NULL;
    char *end = NULL;
    int64_t id = strtoll(path + 1, &end, 10);
    if (end == NULL || *end != '/') return NULL;
    *name = end + 1;
    return find(id);
}

typedef enum { WRITES, SYNCS, OTHER } kind;

/// Counts a step, waits where it is held, and says what becomes of it.
static simulated_disk_fault step(disk *of, kind what) {
    if (of->hold_at >= 0 && of->steps >= of->hold_at && !of->is_stopped) {
        of->is_held = 1;
        pthread_cond_broadcast(&changed);
        while (of->is_held) pthread_cond_wait(&changed, &guard);
    }
    if (of->is_stopped) return SIMULATED_DISK_STOPS;
    int64_t number = of->steps++;
    if (of->fault == SIMULATED_DISK_SOUND || number < of->fault_at || of->fault_count == 0)
        return SIMULATED_DISK_SOUND;
    if (of->fault == SIMULATED_DISK_FULL && what != WRITES) return SIMULATED_DISK_SOUND;
    if (of->fault == SIMULATED_DISK_SYNC_LOST && what != SYNCS) return SIMULATED_DISK_SOUND;
    of->fault_count--;
    of->failed = 1;
    if (of->fault == SIMULATED_DISK_STOPS || of->fault == SIMULATED_DISK_STOPS_WITHIN) of->is_stopped = 1;
    return of->fault;
}

static uint64_t draw(uint64_t *seed) {
    // SplitMix64.
    uint64_t word = (*seed += 0x9E3779B97F4A7C15ULL);
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    return word ^ (word >> 31);
}

/// What the disk has of unsynced changes after a power cut: none, the first ones, or any of them, the last perhaps torn.
static void lose(bytes *image, const file *of, uint64_t *seed) {
    uint64_t way = draw(seed) % 4;
    if (way == 0) return;
    int64_t first = of->change_count == 0 ? 0 : (int64_t)(draw(seed) % (uint64_t)(of->change_count + 1));
    for (int64_t index = 0; index < of->change_count; index++) {
        const change *each = &of->changes[index];
        if (way == 1 && index > first) return;
        if (way >= 2 && draw(seed) % 2 == 0) continue;
        int tears = each->data != NULL && (way == 3 || (way == 1 && index == first));
        if (!tears) {
            apply(image, each);
            continue;
        }
        for (int64_t start = 0; start < each->count; start += SECTOR) {
            int64_t count = each->count - start < SECTOR ? each->count - start : SECTOR;
            if (draw(seed) % 2 == 0) continue;
            change part = {each->offset + start, count, each->data + start};
            apply(image, &part);
        }
    }
}

// MARK: - The VFS's files

static int is_fault(simulated_disk_fault fault) { return fault != SIMULATED_DISK_SOUND; }

static int unlock_regions(connection *of) {
    file *held = of->file;
    for (int index = 0; index < LOCKS; index++) {
        if (of->shared_regions & (1 << index)) held->region_shared[index]--;
        if (held->region_exclusive[index] == of) held->region_exclusive[index] = NULL;
    }
    of->shared_regions = of->exclusive_regions = 0;
    return SQLITE_OK;
}

static int unmap_regions(connection *of) {
    if (!of->uses_regions) return SQLITE_OK;
    unlock_regions(of);
    of->uses_regions = 0;
    if (--of->file->region_users > 0) return SQLITE_OK;
    for (int region = 0; region < of->file->region_count; region++) free(of->file->regions[region]);
    of->file->region_count = 0;
    return SQLITE_OK;
}

static int unlock_file(connection *of, int level) {
    file *held = of->file;
    if (of->lock <= level) return SQLITE_OK;
    if (held->reserved == of) held->reserved = NULL;
    if (held->pending == of) held->pending = NULL;
    if (held->exclusive == of) held->exclusive = NULL;
    if (level == SQLITE_LOCK_NONE && of->lock >= SQLITE_LOCK_SHARED) held->shared--;
    of->lock = level;
    return SQLITE_OK;
}

static int vfs_close(sqlite3_file *base) {
    connection *of = (connection *)base;
    if (of->file == NULL) {
        empty(&of->own);
        return SQLITE_OK;
    }
    pthread_mutex_lock(&guard);
    unmap_regions(of);
    unlock_file(of, SQLITE_LOCK_NONE);
    of->disk->open_count--;
    free_if_unused(of->disk);
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *base, void *into, int count, sqlite3_int64 offset) {
    connection *of = (connection *)base;
    pthread_mutex_lock(&guard);
    const bytes *from = of->file == NULL ? &of->own : &of->file->now;
    int64_t there = from->count > offset ? from->count - offset : 0;
    if (there > count) there = count;
    if (there > 0) memcpy(into, from->data + offset, (size_t)there);
    pthread_mutex_unlock(&guard);
    if (there == count) return SQLITE_OK;
    memset((char *)into + there, 0, (size_t)(count - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *from, int count, sqlite3_int64 offset) {
    connection *of = (connection *)base;
    if (of->file == NULL) return put(&of->own, offset, from, count);
    pthread_mutex_lock(&guard);
    int code = SQLITE_OK;
    switch (step(of->disk, WRITES)) {
    case SIMULATED_DISK_SOUND:
    case SIMULATED_DISK_SYNC_LOST:
        code = note(of->file, offset, from, count);
        break;
    case SIMULATED_DISK_FULL:
        code = SQLITE_FULL;
        break;
    case SIMULATED_DISK_IO_ERROR:
    case SIMULATED_DISK_STOPS_WITHIN:
        note(of->file, offset, from, count / 2);
        code = SQLITE_IOERR_WRITE;
        break;
    case SIMULATED_DISK_STOPS:
        code = SQLITE_IOERR_WRITE;
        break;
    }
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 count) {
    connection *of = (connection *)base;
    if (of->file == NULL) {
        if (count < of->own.count) of->own.count = count;
        return SQLITE_OK;
    }
    pthread_mutex_lock(&guard);
    int code = is_fault(step(of->disk, OTHER)) ? SQLITE_IOERR_TRUNCATE : note(of->file, count, NULL, 0);
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_sync(sqlite3_file *base, int flags) {
    (void)flags;
    connection *of = (connection *)base;
    if (of->file == NULL) return SQLITE_OK;
    pthread_mutex_lock(&guard);
    int code = SQLITE_OK;
    switch (step(of->disk, SYNCS)) {
    case SIMULATED_DISK_SOUND:
    case SIMULATED_DISK_FULL:
        if (of->disk->omits_syncs) break;
        // One by one: what an earlier sync has lost stays lost.
        for (int64_t index = 0; index < of->file->change_count; index++)
            apply(&of->file->durable, &of->file->changes[index]);
        of->file->is_durable = of->file->exists;
        forget_changes(of->file);
        break;
    case SIMULATED_DISK_SYNC_LOST:
        forget_changes(of->file);
        code = SQLITE_IOERR_FSYNC;
        break;
    case SIMULATED_DISK_IO_ERROR:
    case SIMULATED_DISK_STOPS:
    case SIMULATED_DISK_STOPS_WITHIN:
        code = SQLITE_IOERR_FSYNC;
        break;
    }
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *count) {
    connection *of = (connection *)base;
    pthread_mutex_lock(&guard);
    *count = of->file == NULL ? of->own.count : of->file->now.count;
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static int lock_file(connection *of, int level) {
    file *held = of->file;
    if (of->lock >= level) return SQLITE_OK;
    if (of->lock == SQLITE_LOCK_NONE) {
        if (held->exclusive != NULL || held->pending != NULL) return SQLITE_BUSY;
        held->shared++;
        of->lock = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
    if (held->reserved != NULL && held->reserved != of) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_RESERVED) {
        held->reserved = of;
        of->lock = level;
        return SQLITE_OK;
    }
    if (held->pending != NULL && held->pending != of) return SQLITE_BUSY;
    held->pending = of;
    of->lock = SQLITE_LOCK_PENDING;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (held->shared > 1) return SQLITE_BUSY;
        held->exclusive = of;
        of->lock = level;
    }
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *base, int level) {
    connection *of = (connection *)base;
    if (of->file == NULL) return SQLITE_OK;
    pthread_mutex_lock(&guard);
    int code = lock_file(of, level);
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_unlock(sqlite3_file *base, int level) {
    connection *of = (connection *)base;
    if (of->file == NULL) return SQLITE_OK;
    pthread_mutex_lock(&guard);
    unlock_file(of, level);
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static int vfs_check_reserved(sqlite3_file *base, int *result) {
    connection *of = (connection *)base;
    pthread_mutex_lock(&guard);
    *result = of->file != NULL && of->file->reserved != NULL;
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *base, int operation, void *argument) {
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *base) {
    (void)base;
    return 4096;
}

/// As the system's own file systems say of themselves.
static int vfs_characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int vfs_map(sqlite3_file *base, int region, int count, int extend, void volatile **result) {
    connection *of = (connection *)base;
    *result = NULL;
    if (of->file == NULL || region >= REGIONS_MAX) return SQLITE_IOERR_SHMMAP;
    pthread_mutex_lock(&guard);
    file *held = of->file;
    if (!of->uses_regions) {
        of->uses_regions = 1;
        held->region_users++;
    }
    int code = SQLITE_OK;
    while (extend && held->region_count <= region) {
        void *made = calloc(1, (size_t)count);
        if (made == NULL) {
            code = SQLITE_NOMEM;
            break;
        }
        held->regions[held->region_count++] = made;
    }
    if (code == SQLITE_OK && region < held->region_count) *result = held->regions[region];
    pthread_mutex_unlock(&guard);
    return code;
}

static int lock_regions(connection *of, int first, int count, int flags) {
    file *held = of->file;
    for (int index = first; index < first + count; index++) {
        int bit = 1 << index;
        int others = held->region_shared[index] - ((of->shared_regions & bit) != 0);
        int is_taken = held->region_exclusive[index] != NULL && held->region_exclusive[index] != of;
        if (flags & SQLITE_SHM_LOCK && (is_taken || (flags & SQLITE_SHM_EXCLUSIVE && others > 0)))
            return SQLITE_BUSY;
    }
    for (int index = first; index < first + count; index++) {
        int bit = 1 << index;
        if (flags & SQLITE_SHM_EXCLUSIVE) {
            held->region_exclusive[index] = flags & SQLITE_SHM_LOCK ? of : NULL;
        } else if (flags & SQLITE_SHM_LOCK) {
            if (!(of->shared_regions & bit)) held->region_shared[index]++;
            of->shared_regions |= bit;
        } else {
            if (of->shared_regions & bit) held->region_shared[index]--;
            of->shared_regions &= ~bit;
        }
    }
    return SQLITE_OK;
}

static int vfs_shm_lock(sqlite3_file *base, int first, int count, int flags) {
    connection *of = (connection *)base;
    pthread_mutex_lock(&guard);
    int code = lock_regions(of, first, count, flags);
    pthread_mutex_unlock(&guard);
    return code;
}

static void vfs_barrier(sqlite3_file *base) {
    (void)base;
    pthread_mutex_lock(&guard);
    pthread_mutex_unlock(&guard);
}

static int vfs_unmap(sqlite3_file *base, int deletes) {
    (void)deletes;
    connection *of = (connection *)base;
    if (of->file == NULL) return SQLITE_OK;
    pthread_mutex_lock(&guard);
    unmap_regions(of);
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_characteristics,
    .xShmMap = vfs_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_barrier,
    .xShmUnmap = vfs_unmap,
};

// MARK: - The VFS

static int vfs_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags) {
    (void)vfs;
    connection *of = (connection *)base;
    memset(of, 0, sizeof *of);
    if (out_flags != NULL) *out_flags = flags;
    if (path == NULL) {
        of->base.pMethods = &methods;
        return SQLITE_OK;
    }
    pthread_mutex_lock(&guard);
    const char *name = NULL;
    disk *on = resolve(path, &name);
    file *found = on == NULL ? NULL : find_file(on, name);
    if (on != NULL && (found == NULL || !found->exists) && flags & SQLITE_OPEN_CREATE && !on->is_stopped) {
        if (found == NULL) found = make_file(on, name);
        if (found != NULL) found->exists = 1;
    }
    int code = SQLITE_CANTOPEN;
    if (found != NULL && found->exists) {
        of->base.pMethods = &methods;
        of->disk = on;
        of->file = found;
        on->open_count++;
        code = SQLITE_OK;
    }
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs) {
    (void)vfs, (void)syncs;
    pthread_mutex_lock(&guard);
    const char *name = NULL;
    disk *on = resolve(path, &name);
    file *found = on == NULL ? NULL : find_file(on, name);
    int code = SQLITE_IOERR_DELETE_NOENT;
    if (found != NULL && found->exists) {
        code = is_fault(step(on, OTHER)) ? SQLITE_IOERR_DELETE : SQLITE_OK;
        if (code == SQLITE_OK) {
            found->exists = found->is_durable = 0;
            found->now.count = found->durable.count = 0;
            forget_changes(found);
        }
    }
    pthread_mutex_unlock(&guard);
    return code;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    (void)vfs, (void)flags;
    pthread_mutex_lock(&guard);
    const char *name = NULL;
    disk *on = resolve(path, &name);
    file *found = on == NULL ? NULL : find_file(on, name);
    *result = found != NULL && found->exists;
    pthread_mutex_unlock(&guard);
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *path, int count, char *result) {
    (void)vfs;
    return snprintf(result, (size_t)count, "%s", path) < count ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int count, char *into) {
    (void)vfs;
    return system_vfs->xRandomness(system_vfs, count, into);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return system_vfs->xSleep(system_vfs, microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *result) {
    (void)vfs;
    return system_vfs->xCurrentTime(system_vfs, result);
}

static int vfs_last_error(sqlite3_vfs *vfs, int count, char *into) {
    (void)vfs, (void)count, (void)into;
    return 0;
}

static sqlite3_vfs simulated = {
    .iVersion = 1,
    .szOsFile = sizeof(connection),
    .mxPathname = 256,
    .zName = "freshet-simulated",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_path,
    .xRandomness = vfs_random,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xGetLastError = vfs_last_error,
};

static void register_vfs(void) {
    system_vfs = sqlite3_vfs_find(NULL);
    if (system_vfs == NULL || sqlite3_vfs_register(&simulated, 0) != SQLITE_OK) abort();
}

// MARK: - For who simulates

int64_t simulated_disk_create(void) {
    pthread_once(&registered, register_vfs);
    pthread_mutex_lock(&guard);
    int64_t id = make()->id;
    pthread_mutex_unlock(&guard);
    return id;
}

int64_t simulated_disk_crash(int64_t id, simulated_disk_end end, uint64_t seed) {
    pthread_mutex_lock(&guard);
    disk *old = find(id);
    int64_t result = 0;
    if (old != NULL) {
        old->is_stopped = 1;
        old->is_held = 0;
        old->hold_at = -1;
        pthread_cond_broadcast(&changed);
        disk *found = make();
        for (int index = 0; index < old->file_count; index++) {
            file *each = old->files[index];
            int survives = end == SIMULATED_DISK_PROCESS_ENDS ? each->exists
                                                              : each->exists && (each->is_durable || draw(&seed) % 2);
            if (!survives) continue;
            file *again = make_file(found, each->name);
            if (again == NULL) abort();
            again->exists = again->is_durable = 1;
            if (end == SIMULATED_DISK_PROCESS_ENDS) {
                copy(&again->now, &each->now);
            } else {
                copy(&again->now, &each->durable);
                lose(&again->now, each, &seed);
            }
            copy(&again->durable, &again->now);
        }
        result = found->id;
    }
    pthread_mutex_unlock(&guard);
    return result;
}

#define WITH_DISK(id, statement)              \
    do {                                      \
        pthread_mutex_lock(&guard);           \
        disk *of = find(id);                  \
        if (of != NULL) {                     \
            statement;                        \
        }                                     \
        pthread_mutex_unlock(&guard);         \
    } while (0)

void simulated_disk_release(int64_t id) {
    WITH_DISK(id, of->is_released = 1; of->is_stopped = 1; of->is_held = 0; of->hold_at = -1;
              pthread_cond_broadcast(&changed); free_if_unused(of));
}

int64_t simulated_disk_steps(int64_t id) {
    int64_t result = 0;
    WITH_DISK(id, result = of->steps);
    return result;
}

void simulated_disk_plan(int64_t id, simulated_disk_fault fault, int64_t after, int64_t count) {
    WITH_DISK(id, of->fault = fault; of->fault_at = of->steps + after; of->fault_count = count; of->failed = 0);
}

int simulated_disk_failed(int64_t id) {
    int result = 0;
    WITH_DISK(id, result = of->failed);
    return result;
}

int simulated_disk_stopped(int64_t id) {
    int result = 1;
    WITH_DISK(id, result = of->is_stopped);
    return result;
}

void simulated_disk_omit_syncs(int64_t id) { WITH_DISK(id, of->omits_syncs = 1); }

void simulated_disk_hold(int64_t id, int64_t after) {
    WITH_DISK(id, of->hold_at = of->steps + after; of->is_woken = 0);
}

int simulated_disk_wait_held(int64_t id, int64_t milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t nanoseconds = until.tv_nsec + milliseconds % 1000 * 1000000;
    until.tv_sec += milliseconds / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    int result = 0;
    pthread_mutex_lock(&guard);
    while (1) {
        disk *of = find(id);
        if (of == NULL || of->is_held || of->is_woken) {
            result = of != NULL && of->is_held;
            break;
        }
        if (pthread_cond_timedwait(&changed, &guard, &until) != 0) break;
    }
    pthread_mutex_unlock(&guard);
    return result;
}

void simulated_disk_wake(int64_t id) { WITH_DISK(id, of->is_woken = 1; pthread_cond_broadcast(&changed)); }

void simulated_disk_let_go(int64_t id) {
    WITH_DISK(id, of->is_held = 0; of->hold_at = -1; pthread_cond_broadcast(&changed));
}

int simulated_disk_holds(int64_t id, const void *sought, int64_t count) {
    int result = 0;
    WITH_DISK(id, for (int index = 0; index < of->file_count && !result; index++) {
        file *each = of->files[index];
        if (each->exists && each->now.count > 0)
            result = memmem(each->now.data, (size_t)each->now.count, sought, (size_t)count) != NULL;
    });
    return result;
}

int64_t simulated_disk_bytes(int64_t id) {
    int64_t result = 0;
    WITH_DISK(id, for (int index = 0; index < of->file_count; index++) {
        if (of->files[index]->exists) result += of->files[index]->now.count;
    });
    return result;
}

int simulated_disk_execute(int64_t id, const char *file, const char *sql) {
    char path[256];
    snprintf(path, sizeof path, "file:/%lld/%s?vfs=freshet-simulated", (long long)id, file);
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI;
    int code = sqlite3_open_v2(path, &database, flags, NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    sqlite3_close(database);
    return code;
}
