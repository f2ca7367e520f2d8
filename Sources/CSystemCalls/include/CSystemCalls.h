#pragma once
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Calls to the system that Swift cannot make, for their macros and structures are hidden from it.

/// Whether something keeps the time of day: 1, 0, or -1 where that cannot be asked.
int system_clock_is_kept(void);

/// Sends `length` bytes (at least one) over a connected Unix socket, and with them a copy of `descriptor` where it is not
/// negative. Returns the bytes sent, or -1 with `errno` set.
ssize_t system_send_descriptor(int socket, const void *_Nonnull bytes, size_t length, int descriptor);

/// Receives up to `length` bytes, and at most one descriptor, closed on exec: -1 where none came. Returns the bytes
/// received, 0 at the end, or -1 with `errno` set.
ssize_t system_receive_descriptor(int socket, void *_Nonnull bytes, size_t length, int *_Nonnull descriptor);

#ifdef __cplusplus
}
#endif
