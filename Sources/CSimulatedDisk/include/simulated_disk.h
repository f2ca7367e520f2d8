// Disks in memory, behind an SQLite VFS named "freshet-simulated": what is written is there for who reads, and on the
// disk only once it is synced. A power cut loses, tears and re-orders what is not.
//
// A file of disk 7 is opened as `file:/7/state.sqlite?vfs=freshet-simulated`. In C, because a VFS is a table of C
// functions over structures that SQLite allocates.
#ifndef FRESHET_SIMULATED_DISK_H
#define FRESHET_SIMULATED_DISK_H

#include <stdint.h>

/// What goes wrong at a step: a write, a truncation, a sync, a deletion.
typedef enum {
    SIMULATED_DISK_SOUND = 0,
    /// The step fails, and half of what was to be written is.
    SIMULATED_DISK_IO_ERROR = 1,
    /// There is no room: of a write, and of nothing else.
    SIMULATED_DISK_FULL = 2,
    /// A sync fails, and what it was to make durable never is, unless it is written again.
    SIMULATED_DISK_SYNC_LOST = 3,
    /// The machine stops before the step: nothing is written any more.
    SIMULATED_DISK_STOPS = 4,
    /// The machine stops in the middle of the step.
    SIMULATED_DISK_STOPS_WITHIN = 5,
} simulated_disk_fault;

/// What a stop leaves.
typedef enum {
    /// All that was written: the process ended, the system went on.
    SIMULATED_DISK_PROCESS_ENDS = 0,
    /// What was synced, and of the rest whatever the seed says, in any order and in part.
    SIMULATED_DISK_POWER_FAILS = 1,
} simulated_disk_end;

/// Makes an empty disk. Never 0.
int64_t simulated_disk_create(void);

/// A disk as this one would be found after it stopped; this one is stopped by it. 0 where there is no such disk.
int64_t simulated_disk_crash(int64_t disk, simulated_disk_end end, uint64_t seed);

/// No one asks for it any more; it goes when its last file is closed.
void simulated_disk_release(int64_t disk);

/// Steps since it was made.
int64_t simulated_disk_steps(int64_t disk);

/// From `after` steps on, `count` steps of its kind fail so. One fault at a time: the last one said.
void simulated_disk_plan(int64_t disk, simulated_disk_fault fault, int64_t after, int64_t count);

/// Whether the planned fault has happened at least once.
int simulated_disk_failed(int64_t disk);

/// Whether it is stopped.
int simulated_disk_stopped(int64_t disk);

/// From now on a sync says that all is well and does nothing: a planted bug.
void simulated_disk_omit_syncs(int64_t disk);

/// The step after `after` others waits until it is let go.
void simulated_disk_hold(int64_t disk, int64_t after);

/// Waits until a step is held, for up to so many milliseconds, or until `simulated_disk_wake`. Whether one is.
int simulated_disk_wait_held(int64_t disk, int64_t milliseconds);

/// Ends `simulated_disk_wait_held`, now or once.
void simulated_disk_wake(int64_t disk);

/// Lets the held step go on, and holds no other.
void simulated_disk_let_go(int64_t disk);

/// Whether the bytes stand in any of its files, as they are read now.
int simulated_disk_holds(int64_t disk, const void *bytes, int64_t count);

/// Bytes of all its files.
int64_t simulated_disk_bytes(int64_t disk);

/// Runs SQL on a file of the disk, as a planted bug does. 0 where that went well.
int simulated_disk_execute(int64_t disk, const char *file, const char *sql);

#endif
