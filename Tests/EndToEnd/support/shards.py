"""Runs a pipeline in shards, and puts together what they have published."""

from collections import Counter

from support.content import TABLES
from support.sluice import LOGICAL_DATE

RUN = "under-test-20260102T030405Z"
DATED = ("--logical-date", LOGICAL_DATE)
NDJSON = [{"type": "ndjson", "path": "out", "mode": "append"}]
#: What tells the shards apart in a table that all of them write.
SHARD = TABLES["failures"].index("shard")
#: Words about a place that isn't the rows' own.
DIAGNOSTICS = [TABLES["failures"].index(name) for name in ("message", "status", "request_id", "attempts")]


def run_shards(sluice, pipeline, count, *arguments):
    """Runs all shards; their summaries."""
    return [
        sluice.run(pipeline, "--shard", f"{index}/{count}", *arguments).expect(0).summary for index in range(count)
    ]


def rows_of(run):
    return {table: [comparable(table, row) for row in run.rows(table, append=True)] for table in run.tables}


def comparable(table, row):
    if table == "failures":
        row = [cell for place, cell in enumerate(row) if place != SHARD and place not in DIAGNOSTICS]
    return repr(row)


def together(runs):
    result = Counter()
    for run in runs:
        for table, rows in rows_of(run).items():
            result.update((table, row) for row in rows)
    return result
