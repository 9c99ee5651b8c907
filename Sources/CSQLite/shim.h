#pragma once
#include <sqlite3.h>

// A macro that casts an integer to a function pointer, which Swift doesn't import.
static inline sqlite3_destructor_type sluice_sqlite_static(void) { return SQLITE_STATIC; }
static inline sqlite3_destructor_type sluice_sqlite_transient(void) { return SQLITE_TRANSIENT; }
