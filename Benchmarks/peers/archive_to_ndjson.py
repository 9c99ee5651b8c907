"""Flattens an archive into gzipped NDJSON, a file for each table, with gzip and json of Python's own library.

    archive_to_ndjson.py ARCHIVE FOLDER RUN LOGICAL_DATE
"""

import gzip
import json
import sys
from pathlib import Path

from endpoint_rows import Flattening, tables

BATCH = 10_000


def main():
    archive, folder, run_id, logical_date = sys.argv[1:]
    columns = tables(with_run=True)
    flattening = Flattening(run_id, logical_date, with_run=True)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    files = {table: gzip.open(Path(folder) / f"{table}.ndjson.gz", "wb", compresslevel=6) for table in columns}

    def write():
        for table, rows in flattening.rows.items():
            names = columns[table]
            files[table].write("".join(encode(dict(zip(names, row))) + "\n" for row in rows).encode())
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
