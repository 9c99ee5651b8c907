"""What must stand in the tables, worked out in Python from the server's `--outcomes` and `--archive` files."""

import csv
import json
import sys
from pathlib import Path

from support.content import TABLES
from support.sluice import APPLICATION

sys.path.insert(0, str(Path(__file__).parents[2] / "FlatteningTests" / "Oracle"))
import flatten as oracle  # noqa: E402


def outcomes(path):
    """(user, status, number of endpoints) in input order, from the file that `sluice serve --outcomes` writes."""
    with open(path, newline="") as lines:
        rows = csv.DictReader(lines)
        return [(row["user_id"], row["status"], int(row["endpoint_count"])) for row in rows]


def tables(server, run_id, logical_date):
    """All rows of a run over the server's users, by table, in the columns' order."""
    oracle.RUN, oracle.DATE = run_id, logical_date
    result = {table: [] for table in TABLES}
    with open(server.archive, encoding="utf-8", newline="\n") as archive:
        for ordinal, (user, status, count) in enumerate(outcomes(server.outcomes)):
            oracle.ORDINAL = ordinal
            result["users"].append([APPLICATION, user, status, count, ordinal, run_id, logical_date])
            flattening = oracle.Flattening(append=False)
            # The archive holds the users' endpoints in the users' order.
            for _ in range(count):
                flattening.endpoint(oracle.parse(next(archive)), user, APPLICATION)
            for table, rows in flattening.tables.items():
                result[table] += rows
        assert archive.read() == "", "the archive holds endpoints of nobody"
    return result


def compare(store, server, run_id, logical_date):
    """Fails at the first row that isn't as the oracle says; returns how many rows there were, and with `extra`."""
    want = tables(server, run_id, logical_date)
    keys = {"users": 2, "endpoints": 2, "endpoint_attributes": 4, "endpoint_metrics": 3, "endpoint_user_attributes": 5}
    column = TABLES["endpoints"].index("extra")
    for table, length in keys.items():
        rows = [list(row) for row in store.query(f"SELECT {', '.join(TABLES[table])} FROM {table}")]
        if table == "endpoints":
            for row in rows:
                row[column] = json.loads(row[column], parse_int=oracle.Number, parse_float=oracle.Number)
        rows.sort(key=lambda row: tuple(row[:length]))
        expected = sorted(want[table], key=lambda row: tuple(row[:length]))
        for row, right in zip(rows, expected, strict=False):
            assert row == right, f"{table}:\n  stored   {row}\n  expected {right}"
        assert len(rows) == len(expected), f"{table}: {len(rows)} rows, {len(expected)} expected"
    assert store.count("failures") == len(want["failures"]) == 0
    return sum(map(len, want.values())), sum(row[column] != {} for row in want["endpoints"])
