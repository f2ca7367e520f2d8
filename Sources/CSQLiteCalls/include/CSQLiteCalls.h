#pragma once

/// A call to SQLite that Swift cannot make, for it takes any number of arguments.

struct sqlite3;

/// Whether a connection, the last one to be closed, leaves the write-ahead log as it is instead of folding it in.
/// Returns what SQLite says.
int sqlite_keep_log_at_close(struct sqlite3 *_Nonnull connection, int keeps);
