#include "CSQLiteCalls.h"
#include <sqlite3.h>

int sqlite_keep_log_at_close(struct sqlite3 *connection, int keeps) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps, (int *)0);
}
