-- Ready CSV into the keyed tables of an SQLite database, by the sqlite3 shell: one transaction, durable.
-- The tables are there; the CSV files are in the shell's folder.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
BEGIN IMMEDIATE;
.import --csv endpoints.csv endpoints
.import --csv endpoint_attributes.csv endpoint_attributes
.import --csv endpoint_metrics.csv endpoint_metrics
.import --csv endpoint_user_attributes.csv endpoint_user_attributes
COMMIT;
-- One file again, as the program leaves it.
PRAGMA journal_mode = DELETE;
