"""Others read while a `replace` is under way: the old content or the new one, never a mixture, never nothing. And every
reader of gzip reads what is published."""

import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing

import duckdb
import pytest
from support.content import TABLES, Store
from support.ndjson import Folder
from support.sluice import LOGICAL_DATE

ROUNDS = 6
DATA = [table for table in TABLES if table != "failures"]


class Poll:
    """Looks again and again on a thread of its own; what it saw is kept in order, with what went wrong."""

    def __init__(self, look):
        self.look, self.seen, self.error, self.looks = look, [], None, 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join(30)

    def work(self):
        try:
            while not self.is_over.is_set():
                found = self.look()
                self.looks += 1
                if not self.seen or self.seen[-1] != found:
                    self.seen.append(found)
        except Exception as error:
            self.error = error

    def check(self, contents):
        """Saw these contents, in this order, and nothing else."""
        if self.error:
            raise AssertionError(f"a reader was disturbed after {self.looks} looks: {self.error!r}") from self.error
        assert self.looks >= 3 * len(contents), f"only {self.looks} looks"
        places = [contents.index(found) if found in contents else found for found in self.seen]
        assert places == sorted(set(places), key=str), f"seen: {places}"
        assert places[0] == 0 and places[-1] == len(contents) - 1
        print(f"{self.looks} looks saw {len(places)} of {len(contents)} contents")


@pytest.fixture
def runs(synthetic):
    """Each run has users of its own, so that no content is like another one."""
    return [synthetic(users=400 + 100 * (number % 2), seed=number + 1) for number in range(ROUNDS)]


def rounds(sluice, runs, sink):
    """A function that makes the next run."""
    pipelines = [
        sluice.pipeline(
            f"round-{number}", server.url, server.ids, batch_size=100, limits={"max_removed": "100%"}, sinks=[sink]
        )
        for number, server in enumerate(runs)
    ]
    dates = iter(range(1, len(runs) + 1))

    def proceed():
        day = next(dates)
        return sluice.run(pipelines[day - 1], "--logical-date", f"2026-01-{day:02d}").expect(0).summary

    return proceed


#: What the user has made of the tables, and of the view.
VIEWS = {
    "mine": "SELECT user_id, count(*) AS number FROM endpoints JOIN endpoint_attributes "
    "USING (application_id, endpoint_id) GROUP BY user_id",
    '"of the view"': "SELECT count(*) AS number FROM user_attributes",
}


@pytest.mark.limit(120)
@pytest.mark.parametrize("connects", ["once", "each time"])
def test_readers_of_sqlite(sluice, runs, tmp_path, connects):
    path = tmp_path / "out" / "endpoints.sqlite"
    proceed = rounds(sluice, runs, {"type": "sqlite", "path": str(path), "mode": "replace"})
    proceed()
    with closing(sqlite3.connect(path)) as connection:
        for name, query in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {query}")

    def connected():
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20, isolation_level=None, check_same_thread=False)

    def found(connection):
        connection.execute("BEGIN")
        try:
            # Statement by statement: only a snapshot holds them together.
            result = [connection.execute("SELECT DISTINCT run_id FROM endpoints").fetchall()]
            result += [connection.execute(f"SELECT count(*) FROM {table}").fetchall() for table in DATA]
            time.sleep(0.002)
            result += [connection.execute(f"SELECT count(*), sum(number) FROM {name}").fetchall() for name in VIEWS]
            return [*result, connection.execute("SELECT DISTINCT run_id FROM users").fetchall()]
        finally:
            connection.execute("COMMIT")

    def found_anew():
        with closing(connected()) as connection:
            return found(connection)

    held = connected()
    contents = [found_anew()]
    with Poll((lambda: found(held)) if connects == "once" else found_anew) as poll:
        for _ in runs[1:]:
            proceed()
            contents.append(found_anew())
            assert len(contents[-1][0]) == 1 and contents[-1][0] == contents[-1][-1], "one run's rows"
            time.sleep(0.05)
    held.close()
    poll.check(contents)
    store = Store(path)
    store.check()
    assert store.query("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY 1") == [
        ("mine",), ("of the view",), ("user_attributes",),
    ]  # fmt: skip
    tables = {name for (name,) in store.query("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {*TABLES, "sluice_runs", "sluice_checkpoints", "sluice_tables", "sluice_format"}


@pytest.mark.limit(120)
def test_readers_of_current(sluice, runs, tmp_path):
    out = tmp_path / "out"
    proceed = rounds(sluice, runs, {"type": "ndjson", "path": str(out), "mode": "replace", "max_file_size": "16KB"})
    proceed()

    def look():
        run = Folder(out).current
        assert run, "there is always a current run"
        run.check()
        manifest = run.manifest
        return manifest["run"]["run_id"], tuple((file["path"], file["rows"], file["sha256"]) for file in run.files)

    contents = [look()]
    with Poll(look) as poll:
        for _ in runs[1:]:
            proceed()
            contents.append(look())
            # The run before the current one stays for those who are at it, and no older one.
            assert list(Folder(out).runs) == [content[0] for content in contents[-2:]]
    poll.check(contents)


@pytest.mark.limit(60)
@pytest.mark.parametrize("mode", ["append", "replace"])
def test_everybody_can_read_the_files(sluice, synthetic, tmp_path, mode):
    """gzip, zcat, Python's gzip and DuckDB: as many rows as the manifest says, in every file of every run."""
    out = tmp_path / "out"
    server = synthetic(users=2000)
    sink = {"type": "ndjson", "path": str(out), "mode": mode, "max_file_size": "64KB"}
    pipeline = sluice.pipeline("read", server.url, server.ids, batch_size=100, sinks=[sink])
    summaries = [
        sluice.run(pipeline, "--logical-date", date).expect(0).summary for date in (LOGICAL_DATE, "2026-02-03T00:00:00Z")
    ]
    runs = Folder(out).runs
    assert list(runs) == [summary["run_id"] for summary in summaries]
    number = 0
    for summary, run in zip(summaries, runs.values(), strict=True):
        # Python's gzip, the hashes and the keys.
        run.check()
        rows = {table: len(run.rows(table, append=mode == "append")) for table in run.tables}
        assert rows == {table: sum(f["rows"] for f in run.files if f["table"] == table) for table in TABLES}
        assert rows == summary["rows"], "the summary says the same"
        assert len(run.paths("endpoints")) > 2
        for file in run.files:
            path = run.folder / file["path"]
            subprocess.run(["gzip", "-t", path], check=True)
            lines = subprocess.run(f"zcat '{path}' | wc -l", shell=True, check=True, capture_output=True).stdout
            assert int(lines) == file["rows"]
            if file["rows"]:
                counted = ask_duckdb(f"SELECT count(*) FROM read_json('{path}', format='newline_delimited')")
                assert counted == [(file["rows"],)]
            number += 1
        # A whole table at once, types as a loader makes them out.
        [found] = ask_duckdb(
            f"SELECT count(*), count(DISTINCT user_id), typeof(max(effective_date)), typeof(max(location_latitude)), "
            f"min(run_id) FROM read_json('{run.folder}/endpoints/*.ndjson.gz')"
        )
        types = ("TIMESTAMP WITH TIME ZONE", "DOUBLE")
        assert found[0] == rows["endpoints"] and found[2:] == (*types, summary["run_id"]), found
    assert shutil.which("zcat")
    print(f"{number} files read by gzip, zcat, Python and DuckDB")


def ask_duckdb(query):
    with closing(duckdb.connect()) as connection:
        return connection.execute(query).fetchall()
