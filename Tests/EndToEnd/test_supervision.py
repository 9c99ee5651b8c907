"""What a supervisor relies on: the report, the log as JSON, a call beside another one, a run that moves to another machine."""

import json
import shutil
import sqlite3

import pytest
from support.content import Store, same_run
from support.scripted_server import endpoints, error
from support.sluice import LOGICAL_DATE, Pipeline
from test_outage import wait_for_commit

USERS = [f"user-{number:03d}" for number in range(400)]
DATED = ("--logical-date", LOGICAL_DATE)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"{user}\n" for user in USERS))
    return path


def log_of(result):
    """Every line on standard error, which must be JSON all through."""
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    return lines


def test_the_log_as_json(sluice, scripted, users):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("logged", server.url, users, limits={"max_failed": 3}, retry={"max_attempts": 1})
    done = log_of(sluice.run(pipeline, *DATED, "--log-format", "json").expect(0))
    assert [line["event"] for line in done] == ["start", "begin", "end"]
    start, _, end = done
    assert (start["command"], start["pipeline"]) == ("run", "under-test")
    assert (end["level"], end["exit_code"], end["state"], end["records"]) == ("notice", 0, "complete", 400)
    assert end["run_id"] == "under-test-20260102T030405Z" and (end["found"], end["absent"], end["failed"]) == (400, 0, 0)

    server.answer = lambda request: error(400, "BadRequestException", "No")
    stopped = log_of(sluice.run(pipeline, "--log-format", "json").expect(76))
    ends = [line for line in stopped if line.get("event") == "end"]
    assert len(ends) == 1 and ends[0]["level"] == "error" and ends[0]["exit_code"] == 76
    assert "max_failed" in ends[0]["error"] and "--accept failed" in ends[0]["hint"]

    pipeline.document["bach_size"] = 3
    wrong = log_of(sluice.run(pipeline.write(), "--log-format", "json").expect(78))
    assert [line["exit_code"] for line in wrong] == [78] and "bach_size" in wrong[0]["error"]


def test_the_report(sluice, scripted, users):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline(
        "reported", server.url, users, report={"json": "for/others/last.json"}, retry={"max_attempts": 1}
    )  # fmt: skip
    report = pipeline.folder / "for/others/last.json"
    server.answer = lambda request: (
        error(400, "BadRequestException", "No") if request.user == USERS[7] else endpoints(request.user)
    )
    result = sluice.run(pipeline, *DATED).expect(65)
    assert report.read_text() == result.out and result.summary["failed"] == 1
    server.answer = lambda request: endpoints(request.user)
    result = sluice("retry", pipeline.file, "--output", "json").expect(0)
    assert report.read_text() == result.out and result.summary["failed"] == 0
    assert [path.name for path in report.parent.iterdir()] == ["last.json"], "nothing is left beside it"
    # A call that gets to no run leaves it alone, and a place that can't be written is told.
    pipeline.document["report"] = {"json": "/proc/nowhere/last.json"}
    assert "report" in sluice.run(pipeline.write()).expect(73).message


def test_two_at_once(sluice, scripted, users):
    def slowly(request):
        answer = endpoints(request.user)
        answer.delay = 0.05
        return answer

    server = scripted(slowly)
    pipeline = sluice.pipeline("twice", server.url, users, batch_size=20, concurrency=4)
    first = sluice.start_run(pipeline, *DATED)
    wait_for_commit(first, pipeline)
    for arguments in (["run"], ["retry"]):
        second = sluice(*arguments, pipeline.file).expect(75)
        assert f"process {first.pid} on " in second.message, "it says who holds the lock"
    first.wait().expect(0)


def test_moved_to_another_machine(sluice, scripted, users, tmp_path):
    """Only the sink's file and the configuration go along: what was kept aside of the query is made again."""
    server = scripted(lambda request: endpoints(request.user))
    database = tmp_path / "people.sqlite"
    with sqlite3.connect(database) as people:
        people.execute("CREATE TABLE people (id TEXT)")
        people.executemany("INSERT INTO people VALUES (?)", [(user,) for user in USERS])
    reader = {"type": "sqlite", "path": str(database), "query": "SELECT id FROM people"}
    whole = sluice.pipeline("whole", server.url, dict(reader), batch_size=20)
    sluice.run(whole, *DATED).expect(0)

    pipeline = sluice.pipeline(
        "here", server.url, dict(reader), batch_size=20, rate_limit={"requests_per_second": 200, "burst": 10}
    )  # fmt: skip
    process = sluice.start_run(pipeline, *DATED)
    wait_for_commit(process, pipeline, 60)
    process.kill()
    there = Pipeline(tmp_path / "there", pipeline.document)
    (there.folder / "out").mkdir(parents=True)
    for name in ("endpoints.sqlite", "endpoints.sqlite-wal"):
        shutil.copy(pipeline.folder / "out" / name, there.folder / "out" / name)
    shutil.rmtree(pipeline.folder)
    server.asked.clear()
    result = sluice.run(there.write(), *DATED).expect(0)
    assert result.summary["resumed_from"] >= 60
    assert len(server.asked) == len(USERS) - result.summary["resumed_from"], "what is committed isn't asked for again"
    same_run(Store(there.database), Store(whole.database))
