"""Whose a store is and how it is written: what doesn't fit is refused before anybody is asked for, and changes nothing."""

import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.content import Store
from support.kills import NDJSONPlace, SQLitePlace
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE

OTHER_DATE = "2026-02-03T00:00:00Z"


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user, count=2))


@pytest.fixture
def pipeline(sluice, server, tmp_path):
    """Writes a pipeline into a place."""
    (tmp_path / "users.txt").write_text("".join(f"user-{number:03d}\n" for number in range(60)))

    def write(place, name="under-test", **settings):
        return sluice.pipeline(
            name, server.url, tmp_path / "users.txt", pipeline=name, batch_size=20, sinks=[place.sink], **settings
        )

    return write


def place_of(kind, tmp_path, **options):
    sink, mode = kind.split()
    return {"sqlite": SQLitePlace, "ndjson": NDJSONPlace}[sink](tmp_path / sink, mode, **options)


def refused(sluice, server, pipeline, place, *words):
    """78, with these words; nobody is asked for, and what is there stays."""
    before = place.content()
    server.asked.clear()
    result = sluice.run(pipeline, "--logical-date", OTHER_DATE).expect(78)
    for word in words:
        assert re.search(word, result.message), f"{word!r} isn't said in:\n{result.message}"
    assert not server.asked
    assert place.content() == before


def test_ndjson_has_no_merge(sluice, server, pipeline, tmp_path):
    written = pipeline(place_of("ndjson append", tmp_path))
    written.file.write_text(
        f"pipeline: under-test\n"
        f"source: {json.dumps(written.document['source'])}\n"
        f"sinks:\n"
        f"  - type: ndjson\n"
        f"    path: out/endpoints\n"
        f"    mode: merge\n"
    )
    result = sluice.run(written).expect(78)
    assert re.search(r"pipeline\.yaml:6:11: error: ", result.message), result.err
    for word in ("append", "replace", "merge", "key"):
        assert word in result.message
    assert not (written.folder / "out").exists() and not server.asked


MODES = [
    (sink, before, after)
    for sink, modes in (("sqlite", ("merge", "append", "replace")), ("ndjson", ("append", "replace")))
    for before in modes
    for after in modes
    if before != after
]


@pytest.mark.parametrize(("sink", "before", "after"), MODES, ids=map(" ".join, MODES))
def test_another_mode(sluice, server, pipeline, tmp_path, sink, before, after):
    place = place_of(f"{sink} {before}", tmp_path)
    sluice.run(pipeline(place), "--logical-date", LOGICAL_DATE).expect(0)
    changed = pipeline(place_of(f"{sink} {after}", tmp_path))
    refused(sluice, server, changed, place, before, after)
    # With the old mode it goes on.
    sluice.run(pipeline(place), "--logical-date", OTHER_DATE).expect(0)


@pytest.mark.parametrize("sink", ["sqlite", "ndjson"])
@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_another_pipeline(sluice, server, pipeline, tmp_path, sink, mode):
    """What is merged or appended to may be shared; what is replaced is one pipeline's alone."""
    if (sink, mode) == ("ndjson", "merge"):
        return
    place = place_of(f"{sink} {mode}", tmp_path)
    sluice.run(pipeline(place, "first"), "--logical-date", LOGICAL_DATE).expect(0)
    other = pipeline(place, "second")
    if mode == "replace":
        refused(sluice, server, other, place, "first", "second")
    else:
        sluice.run(other, "--logical-date", OTHER_DATE).expect(0)
        sluice.run(pipeline(place, "first"), "--logical-date", OTHER_DATE).expect(0)
        if sink == "sqlite":
            store = Store(place.database)
            assert store.value("SELECT count(*) FROM sluice_checkpoints") == 2
            assert store.count("users") == (60 if mode == "merge" else 180)
        else:
            place.content()
            assert len(list((place.folder / "runs").iterdir())) == 3
    if mode != "replace":
        changed = pipeline(place_of(f"{sink} replace", tmp_path), "third")
        refused(sluice, server, changed, place, mode, "replace")


def change(place, *statements):
    with closing(sqlite3.connect(place.database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_columns_that_are_missing(sluice, server, pipeline, tmp_path, mode):
    """An older table is given the columns it lacks, or refused by their names; other columns of the user's stay."""
    place = place_of(f"sqlite {mode}", tmp_path)
    written = pipeline(place)
    sluice.run(written, "--logical-date", LOGICAL_DATE).expect(0)
    change(
        place,
        "ALTER TABLE endpoints DROP COLUMN opt_out",
        "ALTER TABLE endpoints DROP COLUMN location_latitude",
        "ALTER TABLE users ADD COLUMN note TEXT DEFAULT 'mine'",
    )
    cautious = pipeline(place, on_new_columns="refuse")
    refused(sluice, server, cautious, place, "opt_out", "location_latitude", "endpoints", "on_new_columns")

    server.answer = lambda request: endpoints(request.user, count=2)
    sluice.run(pipeline(place), "--logical-date", OTHER_DATE).expect(0)
    store = Store(place.database)
    types = {row[1]: row[2] for row in store.query("PRAGMA table_info(endpoints)")}
    assert types["opt_out"] == "TEXT" and types["location_latitude"] == "REAL"
    assert store.count("endpoints") == (240 if mode == "append" else 120)
    assert "note" in store.columns("users"), "the user's own column is left alone"
    sluice.run(pipeline(place, on_new_columns="refuse"), "--logical-date", "2026-03-03T00:00:00Z").expect(0)


def test_a_key_column_that_is_missing(sluice, server, pipeline, tmp_path):
    """A key can't be added to: such a table is another one's."""
    place = place_of("sqlite merge", tmp_path)
    place.folder.mkdir()
    change(place, "CREATE TABLE users (user_id TEXT PRIMARY KEY, name TEXT)", "INSERT INTO users VALUES ('a', 'b')")
    result = sluice.run(pipeline(place)).expect(78)
    assert "users" in result.message and "application_id" in result.message
    assert not server.asked
    assert Store(place.database).query("SELECT * FROM users") == [("a", "b")]


@pytest.mark.limit(60)
@pytest.mark.parametrize("kind", ["sqlite merge", "sqlite append", "sqlite replace", "ndjson append", "ndjson replace"])
def test_two_runs_at_once(sluice, server, pipeline, tmp_path, kind):
    """The second one says who is at work and ends with 75; the lock dies with its process."""
    place = place_of(kind, tmp_path)
    written = pipeline(place)
    sink = kind.split()[0]
    step = {"sqlite": "sqlite.commit.before", "ndjson": "ndjson.commit.after-data-fsync"}[sink]
    first = sluice.start_run(written, environment={"SLUICE_FAILPOINT": f"{step}#2=hang"})
    deadline = time.monotonic() + 20
    while len(server.asked) < 60:
        assert first.poll() is None, first.poll().err
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    server.asked.clear()
    second = sluice.run(written).expect(75)
    assert f"process {first.pid}" in second.message and "under-test" in second.message, second.err
    assert not server.asked
    first.kill()
    assert sluice.run(written).expect(0).summary["resumed_from"] == 20
    place.content()


def test_a_table_that_is_dropped_under_a_run(sluice, server, pipeline, tmp_path):
    """What an unfinished run has committed is gone: it can't go on as if it weren't. A run begun anew makes it again."""
    place = place_of("sqlite merge", tmp_path)
    written = pipeline(place)
    plan = {"SLUICE_FAILPOINT": "sqlite.prepare.before-transaction#3=kill"}
    killed = sluice.run(written, "--logical-date", LOGICAL_DATE, environment=plan)
    assert killed.code == -9, killed.err
    path = Path(place.sink["path"])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT commit_number FROM sluice_checkpoints").fetchone() == (2,)
        connection.executescript("DROP TABLE endpoint_metrics")
    for _ in range(2):
        result = sluice.run(written, "--logical-date", LOGICAL_DATE).expect(78)
        assert "endpoint_metrics" in result.message and "--fresh" in result.message
    sluice.run(written, "--logical-date", LOGICAL_DATE, "--fresh").expect(0)
    assert Store(path).count("users") == 60 and Store(path).count("endpoints") == 120
    assert Store(path).count("endpoint_metrics") > 0


def test_a_deleted_record_costs_no_committed_batch(sluice, server, pipeline, tmp_path):
    place = place_of("ndjson append", tmp_path)
    written = pipeline(place)
    plan = {"SLUICE_FAILPOINT": "ndjson.prepare.before-write#3=kill"}
    assert sluice.run(written, "--logical-date", LOGICAL_DATE, environment=plan).code == -9
    records = list((Path(place.sink["path"]) / ".sluice" / "runs").glob("*.json"))
    assert len(records) == 1
    records[0].unlink()
    result = sluice.run(written, "--logical-date", LOGICAL_DATE).expect(0)
    assert result.summary["resumed_from"] == 40 and result.summary["records"] == 60
    assert "is made anew" in result.err
