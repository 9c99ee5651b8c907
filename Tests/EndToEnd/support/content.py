"""Reads what a pipeline left in SQLite, with Python's own sqlite3, and compares two of them."""

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

ENDPOINT_COLUMNS = (
    "application_id endpoint_id user_id address channel_type cohort_id creation_date effective_date endpoint_status "
    "opt_out request_id demographic_app_version demographic_locale demographic_make demographic_model "
    "demographic_model_version demographic_platform demographic_platform_version demographic_timezone location_city "
    "location_country location_latitude location_longitude location_postal_code location_region extra ordinal run_id "
    "logical_date"
).split()
#: What an SQL store keeps beside them in `merge`.
MERGE_COLUMNS = ["changed_at"]

#: Each table's columns, in their order.
TABLES = {
    "users": "application_id user_id status endpoint_count ordinal run_id logical_date".split(),
    "endpoints": ENDPOINT_COLUMNS,
    "endpoint_attributes": "application_id endpoint_id name position value".split(),
    "endpoint_metrics": "application_id endpoint_id name value".split(),
    "endpoint_user_attributes": "application_id endpoint_id user_id name position value".split(),
    "failures": (
        "run_id shard ordinal source_file line user_id raw status code message request_id attempts logical_date"
    ).split(),
}

#: What a failure's diagnostics are: these may differ between two runs over the same answers.
DIAGNOSTICS = {"status", "message", "request_id", "attempts"}


class Store:
    """A SQLite file that a pipeline has written, opened for reading."""

    def __init__(self, path):
        self.path = Path(path)

    def query(self, sql, *parameters):
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def value(self, sql, *parameters):
        return self.query(sql, *parameters)[0][0]

    def count(self, table):
        return self.value(f"SELECT count(*) FROM {table}")

    def columns(self, table):
        return [row[1] for row in self.query(f"PRAGMA table_info({table})")]

    def failures(self, *columns):
        return self.query(f"SELECT {', '.join(columns)} FROM failures ORDER BY ordinal")

    @property
    def consumed(self):
        return self.value("SELECT consumed FROM sluice_checkpoints")

    @property
    def next_ordinal(self):
        return self.value("SELECT next_ordinal FROM sluice_checkpoints")

    @property
    def run_states(self):
        return [row[0] for row in self.query("SELECT state FROM sluice_runs ORDER BY started_at, run_id")]

    def rows(self, table, without=()):
        """All rows of a table in the order of their values, without some columns and without failures' diagnostics."""
        left_out = set(without) | (DIAGNOSTICS if table == "failures" else set())
        columns = [column for column in TABLES[table] if column not in left_out]
        text = ", ".join(columns)
        return self.query(f"SELECT {text} FROM {table} ORDER BY {text}")

    def account(self):
        """What the store says of its runs and its checkpoint, without times and without what was learned of rates."""
        runs = [
            (pipeline, shard, run, state, date, json.loads(counts))
            for pipeline, shard, run, state, date, counts in self.query(
                "SELECT pipeline, shard, run_id, state, logical_date, counts FROM sluice_runs ORDER BY run_id"
            )
        ]
        checkpoints = [
            (*row[:5], json.loads(row[5]), json.loads(row[6]), json.loads(row[7]), *row[8:])
            for row in self.query(
                "SELECT pipeline, shard, run_id, next_ordinal, input_ended, position, parked, counts, input_hash "
                "FROM sluice_checkpoints"
            )
        ]
        return {"runs": runs, "checkpoints": checkpoints}

    def check(self):
        """Integrity, and that the file is whole by itself."""
        assert self.value("PRAGMA integrity_check") == "ok"


def same_content(left, right, without=()):
    """Fails, with a few of the rows that differ, unless two stores hold the same rows in every table."""
    for table in TABLES:
        one, other = left.rows(table, without), right.rows(table, without)
        if one == other:
            continue
        only_left, only_right = sorted(set(one) - set(other), key=repr), sorted(set(other) - set(one), key=repr)
        raise AssertionError(
            f"{table} differs: {len(one)} and {len(other)} rows; {len(only_left)} only in {left.path}, such as\n"
            f"  {only_left[:3]}\n{len(only_right)} only in {right.path}, such as\n  {only_right[:3]}"
        )


def same_run(left, right):
    """As `same_content`, and the same account of runs and checkpoint."""
    same_content(left, right)
    assert left.account() == right.account()


def snapshot(path, folder):
    """A copy of a store whose writer was killed, so that looking at it leaves the original as the crash left it."""
    copy = Path(tempfile.mkdtemp(dir=folder)) / Path(path).name
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    # One writing connection brings the log into the file.
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return Store(copy)
