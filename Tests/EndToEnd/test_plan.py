"""`sluice plan`: what a run would do, in words, figures and statements; and nothing of it is done."""

import json
import sqlite3

import pytest
from support.sluice import LOGICAL_DATE


def plan(sluice, pipeline, *arguments, code=0):
    return json.loads(sluice("plan", pipeline.file, "--output", "json", *arguments).expect(code).out)


def listing(folder):
    """Every path with its time; SQLite's index of a log that is in use aside, which every reader of it touches."""
    return {str(path): path.lstat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.suffix != ".sqlite-shm"}


def test_begin_go_on_and_nothing_to_do(sluice, synthetic):
    server = synthetic(users=2500)
    pipeline = sluice.pipeline("planned", server.url, server.ids, batch_size=100)
    before = listing(pipeline.folder)
    first = plan(sluice, pipeline, "--logical-date", LOGICAL_DATE)
    assert listing(pipeline.folder) == before
    assert (first["action"], first["run_id"]) == ("begin", "under-test-20260102T030405Z")
    assert first["input"] == {"records": 2500, "is_exact": True}
    assert first["allowed_rate"] == 20000 and first["seconds"] == 0
    assert any(step.startswith('CREATE TABLE "endpoints"') for step in first["sinks"][0]["steps"])
    # The statements make what a run makes.
    killed = {"SLUICE_FAILPOINT": "sqlite.commit.before#8=kill"}
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE, environment=killed).code == -9
    with sqlite3.connect(pipeline.database) as store:
        made = {row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    planned = {step.split('"')[1] for step in first["sinks"][0]["steps"] if step.startswith("CREATE TABLE")}
    assert planned == made
    middle = plan(sluice, pipeline)
    assert (middle["action"], middle["run_id"]) == ("resume", first["run_id"])
    assert middle["consumed"] == middle["next_ordinal"] == 700 and middle["sinks"][0]["steps"] == []
    summary = sluice.run(pipeline).expect(0).summary
    assert summary["resumed_from"] == middle["next_ordinal"]
    assert plan(sluice, pipeline, "--logical-date", LOGICAL_DATE)["action"] == "nothing"
    assert plan(sluice, pipeline, "--logical-date", LOGICAL_DATE, "--fresh")["action"] == "begin"


@pytest.mark.parametrize("place", ["sqlite.commit.before#4", "ndjson.commit.after-data-fsync#4", "ndjson.complete.after-manifest"])
def test_a_run_into_files_goes_on(sluice, synthetic, place):
    """Its record is as of its beginning: the checkpoint file tells how far it is."""
    server = synthetic(users=500)
    sinks = [{"type": "ndjson", "path": "out/files"}, {"type": "sqlite", "path": "out/a.sqlite"}]
    pipeline = sluice.pipeline("files", server.url, server.ids, batch_size=50, sinks=sinks)
    assert sluice.run(pipeline, environment={"SLUICE_FAILPOINT": f"{place}=kill"}).code == -9
    before = listing(pipeline.folder)
    document = plan(sluice, pipeline)
    sluice("check", pipeline.file).expect(0)
    assert listing(pipeline.folder) == before
    assert document["action"] == "resume" and document["consumed"] == document["next_ordinal"] > 0
    summary = sluice.run(pipeline).expect(0).summary
    assert summary["resumed_from"] == document["next_ordinal"] and summary["run_id"] == document["run_id"]


def test_the_words(sluice, synthetic):
    server = synthetic(users=1200)
    pipeline = sluice.pipeline(
        "words", server.url, server.ids, rate_limit={"requests_per_second": 10}, limits={"max_failed": "2%", "min_records": 5}
    )
    result = sluice("plan", pipeline.file).expect(0)
    assert "would begin" in result.out.splitlines()[0]
    assert "input       1,200 IDs" in result.out and "2 min at 10 calls a second" in result.out
    assert "stops beyond 24 (2 %) failed" in result.out and "fewer than 5 records" in " ".join(result.out.split())
    assert "exactly once" in result.out and "CREATE" not in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines() if "sink '" not in line)
    assert sluice("run", pipeline.file, "--dry-run").expect(0).out.splitlines()[1:] == result.out.splitlines()[1:]
    # Somebody who may create tables can do it beforehand: then there is nothing left to make.
    statements = sluice("plan", pipeline.file, "--ddl").expect(0).out.split("\n\n", 1)[1]
    pipeline.database.parent.mkdir()
    with sqlite3.connect(pipeline.database) as store:
        store.executescript(statements)
    assert plan(sluice, pipeline)["sinks"][0]["steps"] == []
    sluice.run(pipeline, "--limit", "20").expect(0)


def test_another_configuration_in_the_middle_of_a_run(sluice, synthetic):
    server = synthetic(users=300)
    pipeline = sluice.pipeline("changed", server.url, server.ids, batch_size=50)
    killed = {"SLUICE_FAILPOINT": "sqlite.commit.before#4=kill"}
    assert sluice.run(pipeline, environment=killed).code == -9
    pipeline.document["batch_size"] = 60
    pipeline.write()
    result = sluice("plan", pipeline.file).expect(78)
    assert "a run would end at once" in result.out and "--fresh" in result.err
    assert sluice.run(pipeline).code == 78
    assert plan(sluice, pipeline, "--fresh")["action"] == "begin"


def test_what_an_earlier_run_has_learned(sluice, synthetic):
    server = synthetic(users=300, rate=80, burst=5)
    pipeline = sluice.pipeline(
        "learned", server.url, server.ids, batch_size=50, rate_limit={"requests_per_second": 1000, "burst": 50}
    )
    killed = {"SLUICE_FAILPOINT": "sqlite.commit.before#5=kill"}
    assert sluice.run(pipeline, environment=killed).code == -9
    document = plan(sluice, pipeline)
    assert document["allowed_rate"] == 1000 and 20 < document["learned_rate"] < 200, document
    assert "an earlier run found" in " ".join(sluice("plan", pipeline.file).expect(0).out.split())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_lists_of_databases_are_counted(sluice, synthetic, postgres, tmp_path, kind):
    server = synthetic(users=40)
    ids = server.ids.read_text().split()
    if kind == "sqlite":
        with sqlite3.connect(tmp_path / "people.sqlite") as people:
            people.execute("CREATE TABLE people (id TEXT)")
            people.executemany("INSERT INTO people VALUES (?)", [(one,) for one in ids + ids + [None, None]])
        reader = {"type": "sqlite", "path": str(tmp_path / "people.sqlite"), "query": "SELECT id FROM people"}
    else:
        database = postgres()
        values = ", ".join(f"('{one}')" for one in ids + ids)
        database.psql(f"CREATE TABLE people (id text); INSERT INTO people VALUES {values}, (NULL), (NULL); GRANT SELECT ON people TO PUBLIC")
        reader = {"type": "postgres", "url": database.url(), "query": "SELECT id FROM people;"}
    pipeline = sluice.pipeline("counted", server.url, reader)
    assert plan(sluice, pipeline)["input"] == {"records": 41, "is_exact": True}
    assert sluice.run(pipeline).expect(65).summary["records"] == 41
    result = sluice("check", pipeline.file).expect(0)
    assert "the first 1" not in result.out and "without a usable ID: 2 MissingField" in result.out
