"""Flattens an archive into CSV, a file for each table, which psql and the sqlite3 shell then import; no time counts it.

    archive_to_csv.py ARCHIVE FOLDER RUN LOGICAL_DATE merge|append
"""

import csv
import gzip
import json
import sys
from pathlib import Path

from endpoint_rows import Flattening, tables

BATCH = 10_000


def main():
    archive, folder, run_id, logical_date, mode = sys.argv[1:]
    flattening = Flattening(run_id, logical_date, with_run=mode == "append")
    files = {table: open(Path(folder) / f"{table}.csv", "w", encoding="utf-8", newline="") for table in tables(True)}
    writers = {table: csv.writer(file, lineterminator="\n") for table, file in files.items()}

    def write():
        for table, rows in flattening.rows.items():
            writers[table].writerows(rows)
        flattening.clear()

    with gzip.open(archive, "rb") as lines:
        for ordinal, line in enumerate(lines):
            flattening.add(json.loads(line), ordinal)
            if ordinal % BATCH == BATCH - 1:
                write()
    write()
    for file in files.values():
        file.close()


main()
