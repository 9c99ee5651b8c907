"""What a pipeline tells of itself afterwards: the report of the last call, whatever ended it, and `sluice report`."""

import json
import re
import shutil

import pytest
from support.scripted_server import endpoints, error
from support.sluice import LOGICAL_DATE, Pipeline
from test_outage import wait_for_commit

USERS = [f"user-{number:03d}" for number in range(120)]
DATED = ("--logical-date", LOGICAL_DATE)
RUN = "under-test-20260102T030405Z"
FAILS = error(400, "BadRequestException", "Something about this user")

#: Every member, in the order in which they stand.
NAMES = [
    "run_id", "logical_date", "state", "records", "found", "absent", "failed", "endpoints", "superseded", "removed",
    "filtered", "not_numbers", "rows", "changes", "files", "requests", "retries", "throttled", "elapsed_seconds",
    "records_per_second", "resumed_from", "retried", "schema_version", "pipeline", "version", "exit_code", "error",
    "started_at", "finished_at", "sinks",
]  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user))


@pytest.fixture
def pipeline(sluice, server, tmp_path):
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    return sluice.pipeline(
        "reported", server.url, tmp_path / "users.txt", batch_size=20, report={"json": "for/last.json"},
        retry={"max_attempts": 1},
    )  # fmt: skip


def report_of(pipeline):
    text = (pipeline.folder / "for/last.json").read_text()
    assert text.endswith("\n") and text.count("\n") == 1
    report = json.loads(text)
    assert list(report) == NAMES
    assert TIME.fullmatch(report["started_at"]) and TIME.fullmatch(report["finished_at"])
    assert (report["error"] is None) == (report["exit_code"] == 0)
    assert report["schema_version"] == 1 and report["pipeline"] == "under-test"
    return report


# The report of the last call -----------------------------------------------------------------------------------------


def test_every_member(sluice, pipeline):
    result = sluice.run(pipeline, *DATED).expect(0)
    report = report_of(pipeline)
    assert report == result.summary
    assert (report["run_id"], report["state"], report["error"]) == (RUN, "complete", None)
    assert report["files"] is None and report["resumed_from"] is None and report["retried"] is None
    assert set(report["changes"]) == {"added", "changed", "unchanged", "removed"}
    [sink] = report["sinks"]
    assert sink == {
        "name": "sqlite", "type": "sqlite", "target": str(pipeline.database), "mode": "merge", "next_ordinal": 120,
        "state": "complete", "refused": 0,
    }  # fmt: skip
    assert report["started_at"] <= report["finished_at"] and report["records_per_second"] > 0
    # Done already: the run's own times.
    again = sluice.run(pipeline, *DATED).expect(0).summary
    assert (again["started_at"], again["requests"]) == (report["started_at"], 0)


def stopped_by_a_brake(sluice, pipeline, server):
    pipeline.document["limits"] = {"max_failed": 3}
    server.answer = lambda request: FAILS
    sluice.run(pipeline.write()).expect(76)
    return {"state": "interrupted", "records": 0}


def refused_by_the_service(sluice, pipeline, server):
    server.answer = lambda request: error(403, "AccessDeniedException", "User is not authorized")
    sluice.run(pipeline).expect(77)
    return {"state": "interrupted", "records": 0}


def not_writable(sluice, pipeline, server):
    pipeline.document["sinks"][0]["path"] = "/proc/no/such/folder.sqlite"
    sluice.run(pipeline.write()).expect(73)
    return {"run_id": None, "state": "not begun"}


def without_input(sluice, pipeline, server):
    pipeline.document["source"]["users"]["path"] = "nowhere.txt"
    sluice.run(pipeline.write()).expect(66)
    return {"state": "interrupted"}


def wrong_elsewhere(sluice, pipeline, server):
    pipeline.document["bach_size"] = 3
    pipeline.document["sinks"][0]["url"] = "${NOT_SET}"
    sluice.run(pipeline.write()).expect(78)
    return {"run_id": None, "state": "not begun", "records": None, "sinks": []}


def stopped(sluice, pipeline, server):
    def slowly(request):
        answer = endpoints(request.user)
        answer.delay = 0.05
        return answer

    server.answer = slowly
    pipeline.document["source"]["concurrency"] = 4
    process = sluice.start_run(pipeline.write())
    wait_for_commit(process, pipeline)
    process.send(15)
    process.wait().expect(75)
    return {"state": "interrupted"}


ENDINGS = {
    76: stopped_by_a_brake, 77: refused_by_the_service, 73: not_writable, 66: without_input,
    78: wrong_elsewhere, 75: stopped,
}  # fmt: skip


@pytest.mark.parametrize("code", ENDINGS)
def test_a_failure_takes_the_place_of_yesterdays_success(sluice, pipeline, server, code):
    sluice.run(pipeline, *DATED).expect(0)
    if code == 75:
        # Which begins anew is seen at its first commit.
        pipeline.database.unlink()
    before = report_of(pipeline)
    expected = ENDINGS[code](sluice, pipeline, server)
    report = report_of(pipeline)
    assert report["exit_code"] == code and report["error"]["message"]
    assert {name: report[name] for name in expected} == expected
    assert report["run_id"] != before["run_id"] or code == 75
    assert report["finished_at"] > before["finished_at"]
    assert not any(user in json.dumps(report) for user in USERS)
    # Whatever it is, the next one takes its place again.
    sluice.run(pipeline.write()) if code == 78 else sluice.run(pipeline)
    assert report_of(pipeline)


def test_a_wrong_pipeline_makes_no_report(sluice, pipeline):
    """What else may not be written over nobody knows then: one that stands there is replaced, nothing else is made."""
    pipeline.document["bach_size"] = 3
    place = pipeline.folder / "for/last.json"
    sluice.run(pipeline.write()).expect(78)
    assert not place.parent.exists()
    place.parent.mkdir()
    for content in ("", "notes\n", '{"run_id": null, "sinks": []}'):
        place.write_text(content)
        sluice.run(pipeline.write()).expect(78)
        assert place.read_text() == content
    place.write_text('{"run_id": "x", "sinks": []}')
    sluice.run(pipeline.write()).expect(78)
    assert report_of(pipeline)["exit_code"] == 78


# sluice report -------------------------------------------------------------------------------------------------------


def test_what_the_stores_tell(sluice, pipeline, server, tmp_path):
    """From any machine: the account, the failures by code, the last runs."""
    failing = {"user-007": FAILS, "user-008": FAILS, "user-009": error(404, "NotFoundException", "User not found")}
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in [*USERS, ".", ""]))
    pipeline.document["sinks"] = [
        {"type": "sqlite", "path": str(tmp_path / "there.sqlite")},
        {"type": "ndjson", "path": str(tmp_path / "lines")},
    ]
    sluice.run(pipeline.write(), "--logical-date", "2026-01-01").expect(65)
    server.answer = lambda request: failing.get(request.user) or endpoints(request.user)
    sluice.run(pipeline, *DATED).expect(65)
    elsewhere = Pipeline(tmp_path / "elsewhere", pipeline.document)
    elsewhere.folder.mkdir()
    shutil.rmtree(pipeline.folder)
    result = sluice("report", elsewhere.write().file).expect(0)
    lines = result.out.splitlines()
    assert all(len(line) <= 80 or str(tmp_path) in line for line in lines), result.out
    # A blank line is no record.
    counts = "121 = 117 found + 1 absent + 3 failed"
    assert result.out.count(counts) == 2, result.out
    assert re.search(r"\n  failures    2 BadRequestException\n              1 InvalidUserId: the user ID is '\.' or", result.out)
    assert len(re.findall(r"\n  verdict     run under-test-20260102T030405Z: complete, but 3 of 121 failed,\n", result.out)) == 2
    runs = re.findall(r"(2026-01-0\d\S+) +(\d+) +(\d+) +\S+ \S+ +complete", result.out)
    assert runs == [("2026-01-02T03:04:05Z", "121", "3"), ("2026-01-01T00:00:00Z", "121", "1")] * 2
    assert "max_failed: 3 of 121, the limit is 1.0 %" in result.out
    assert not any(user in result.out for user in USERS) and "@example.com" not in result.out
    assert [path.name for path in elsewhere.folder.iterdir()] == ["pipeline.yaml"], "it leaves nothing there"

    said = json.loads(sluice("report", elsewhere.file, "--output", "json", "--runs", "1").expect(0).out)
    for sink in said["sinks"]:
        assert sink["standing"] == "wrong" and len(sink["runs"]) == 1
        assert [(group["code"], group["count"]) for group in sink["failures"]] == [
            ("BadRequestException", 2), ("InvalidUserId", 1)]  # fmt: skip
        assert sink["last_run"]["run_id"] == RUN and sink["last_run"]["failed"] == 3
    assert not any(user in json.dumps(said) for user in USERS)


def test_before_the_first_run_and_in_the_middle(sluice, pipeline, server):
    assert "there is no run yet" in sluice("report", pipeline.file).expect(0).out
    pipeline.document["limits"] = {"min_records": 500}
    sluice.run(pipeline.write(), *DATED).expect(76)
    said = sluice("report", pipeline.file).expect(0).out
    assert re.search(r"run under-test-20260102T030405Z: interrupted after 120 records;\n +the next run goes on there\n", said), said


def test_a_sink_that_cannot_be_looked_at(sluice, pipeline):
    pipeline.document["sinks"].append({"type": "postgres", "url": "postgresql://nobody@127.0.0.1:1/none"})
    result = sluice("report", pipeline.write().file, "--output", "json").expect(69)
    assert "postgres" in result.message
    assert [sink["standing"] for sink in json.loads(result.out)["sinks"]] == ["none", "wrong"]
