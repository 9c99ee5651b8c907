#pragma once
#include <sqlite3.h>

// A macro that casts an integer to a function pointer, which Swift doesn't import.
static inline sqlite3_destructor_type sluice_sqlite_static(void) { return SQLITE_STATIC; }
// Variadic or untyped calls, which Swift doesn't import or can't spell: true where the file was moved or deleted.
static inline int sluice_sqlite_has_moved(sqlite3 *database) {
    int moved = 0;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}
static inline sqlite3_destructor_type sluice_sqlite_transient(void) { return SQLITE_TRANSIENT; }
// True where a name in double quotes that names nothing is an error, and not a text, in this connection's queries.
static inline int sluice_sqlite_refuse_quoted_texts(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0) == SQLITE_OK;
}
// errno of the last system call that failed on one of the files; 0 where there was none.
static inline int sluice_sqlite_last_errno_of(sqlite3 *database, int pointer) {
    sqlite3_file *file = (sqlite3_file *)0;
    int number = 0;
    if (!database || sqlite3_file_control(database, "main", pointer, &file) != SQLITE_OK || !file || !file->pMethods) return 0;
    return file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK ? number : 0;
}
// The same for the database and its journal or write-ahead log. SQLite takes EIO from a read for a damaged file.
static inline int sluice_sqlite_last_errno(sqlite3 *database) {
    int number = sluice_sqlite_last_errno_of(database, SQLITE_FCNTL_FILE_POINTER);
    return number ? number : sluice_sqlite_last_errno_of(database, SQLITE_FCNTL_JOURNAL_POINTER);
}
