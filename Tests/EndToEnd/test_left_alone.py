"""A pipeline that nobody watches: stopped while it waits for something, started too often, moved in mid-run."""

import json
import os
import shutil
import signal
import sqlite3
import time
from contextlib import ExitStack

import pytest
from support.ndjson import Folder
from support.postgres import ROLE
from support.postgres_proxy import PostgresProxy
from support.scripted_server import Answer, endpoints, error
from support.sluice import LOGICAL_DATE, Pipeline
from support.stores import moment, next_ordinal, places, same_rows, sinks

USERS = [f"user-{number:03d}" for number in range(300)]
DATED = ("--logical-date", LOGICAL_DATE)
NEXT = ("--logical-date", "2026-02-02")


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"{user}\n" for user in USERS))
    return path


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user))


def events(text):
    """The lines of a log for machines by their event; every line is an object."""
    result = {}
    for line in text.splitlines():
        one = json.loads(line)
        result.setdefault(one.get("event"), []).append(one)
    return result


# SIGTERM -------------------------------------------------------------------------------------------------------------

WAITS = [
    "the server hangs", "a long Retry-After", "the service is away", "503 all the time", "a locked database",
    "silent standard input", "Postgres is away", "Postgres waits for a lock", "Postgres hangs",
]  # fmt: skip


@pytest.mark.limit(60)
@pytest.mark.parametrize("wait", WAITS)
def test_a_stop_ends_every_wait(sluice, scripted, postgres, tmp_path, users, wait):
    """Within 10 s of SIGTERM it has ended, resumable, whatever it waited for; then it goes on."""
    server, reader = scripted(lambda request: endpoints(request.user)), users
    stores = places("postgres merge" if "Postgres" in wait else "sqlite merge", tmp_path, postgres)
    broken = {
        "the server hangs": Answer(delay=300),
        "a long Retry-After": Answer(429, b"{}", {"Retry-After": "300"}),
        "503 all the time": error(503, "ServiceUnavailableException", "No"),
        "the service is away": Answer(reset=True),
    }.get(wait)
    if wait == "silent standard input":
        reader = {"type": "file", "path": "-", "format": "lines"}
    pipeline = sluice.pipeline("waiting", server.url, reader, batch_size=50, concurrency=8, sinks=sinks(stores))
    with ExitStack() as stack:
        stdin = None
        if broken:
            served = [0]

            def answer(request):
                served[0] += 1
                return broken if served[0] > 120 else endpoints(request.user)

            server.answer = answer
        elif wait == "silent standard input":
            stdin, held = os.pipe()
            stack.callback(os.close, held)
        else:
            # Something is there already, so that the next run meets it in the middle of its work.
            sluice.run(pipeline, *DATED).expect(0)
            if wait == "a locked database":
                # For as long as `busy_timeout` says: 5 s.
                locker = sqlite3.connect(stores[0].database, isolation_level=None)
                stack.callback(locker.close)
            elif wait == "Postgres is away":
                stack.callback(postgres.cluster.start)
            elif wait == "Postgres hangs":
                stack.callback(postgres.cluster.thaw)
            server.answer = lambda request: Answer(
                body=endpoints(request.user).body, delay=0.05 if len(server.asked) else 0
            )
        process = sluice.start_run(
            pipeline, *(NEXT if wait.startswith("Postgres") or "locked" in wait else DATED), "--log-format",
            "json", stdin=stdin,
        )  # fmt: skip
        if stdin is not None:
            os.close(stdin)
        if wait == "a locked database":
            hold_while_it_runs(locker)
        elif wait == "Postgres is away":
            time.sleep(0.6)
            postgres.cluster.stop()
        elif wait == "Postgres hangs":
            time.sleep(0.6)
            postgres.cluster.freeze()
        elif wait == "Postgres waits for a lock":
            session = stack.enter_context(stores[0].database.session())
            session.ask("BEGIN", f"SET search_path TO {stores[0].store.schema}", "LOCK TABLE users, endpoints")
        time.sleep(1.5)
        assert process.poll() is None, f"it doesn't wait: exit {process.poll().code}\n{process.poll().err}"
        process.send(signal.SIGTERM)
        sent = time.monotonic()
        result = process.wait(12)
        took = time.monotonic() - sent
    assert took < 10, f"{took:.1f} s"
    result.expect(75)
    said = events(result.err)
    assert [line["exit_code"] for line in said["end"]] == [result.code]

    server.answer = lambda request: endpoints(request.user)
    again = pipeline
    if wait == "silent standard input":
        with open(users, "rb") as file:
            sluice.start_run(again, *DATED, stdin=file).wait().expect(0)
    else:
        sluice.run(again, *DATED).expect(0)
    assert next_ordinal(stores[0]) == len(USERS)


def hold_while_it_runs(locker):
    """Takes the only writer's place once the second run has committed something."""
    deadline = time.monotonic() + 20
    locker.execute("PRAGMA busy_timeout = 20")
    while True:
        assert time.monotonic() < deadline
        time.sleep(0.005)
        try:
            run, ordinal = locker.execute("SELECT run_id, next_ordinal FROM sluice_checkpoints").fetchone()
            if run.endswith("20260202T000000Z") and ordinal >= 50:
                locker.execute("BEGIN IMMEDIATE")
                return
        except sqlite3.OperationalError:
            pass


@pytest.mark.limit(60)
@pytest.mark.parametrize("answers", [True, False])
def test_a_stop_ends_a_copy_that_nobody_takes(sluice, scripted, postgres, tmp_path, answers):
    """More rows than the network holds are under way; the server takes no more, and can be asked to give up, or can't."""

    def answer(request):
        body = json.loads(endpoints(request.user).body)
        body["Item"][0]["Attributes"]["Interests"] = ["x" * 100_000]
        return Answer(body=json.dumps(body).encode())

    server = scripted(answer)
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    database = postgres()

    def pipeline(port):
        sinks = [database.sink(url=database.url(port=port))]
        return sluice.pipeline("waiting", server.url, tmp_path / "users.txt", batch_size=300, sinks=sinks)

    copied = [0]

    def cut(kind, body, number):
        # In the middle of the long one: what stands in front of it fits into the network's buffers.
        copied[0] += len(body) if kind == "d" else 0
        return "stall" if copied[0] > 2_000_000 else None

    proxy = PostgresProxy(postgres.cluster.port, cut)
    with ExitStack() as stack:
        stack.callback(proxy.stop)
        process = sluice.start_run(pipeline(proxy.port), *DATED)
        deadline = time.monotonic() + 30
        while not proxy.cuts:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        if not answers:
            stack.callback(postgres.cluster.thaw)
            postgres.cluster.freeze()
        # Until all that lies in between is full.
        time.sleep(1)
        process.send(signal.SIGTERM)
        sent = time.monotonic()
        result = process.wait(12).expect(75)
        assert time.monotonic() - sent < 10
        assert "stopped" in result.message
    assert sluice.run(pipeline(postgres.cluster.port), *DATED).expect(0).summary["found"] == len(USERS)


@pytest.mark.limit(60)
@pytest.mark.parametrize("place", ["sink", "reader"])
def test_a_stop_ends_connecting(sluice, server, postgres, tmp_path, users, place):
    """A server that takes connections and says nothing, with more patience than a supervisor has."""
    database = postgres()
    url = database.url(connect_timeout=60)
    database.psql("CREATE TABLE people AS SELECT 'user-' || n AS id FROM generate_series(100, 199) n", user=ROLE)
    options = {"sinks": [database.sink(url=url)]} if place == "sink" else {}
    reader = users if place == "sink" else {"type": "postgres", "url": url, "query": "SELECT id FROM people"}
    pipeline = sluice.pipeline("connecting", server.url, reader, **options)
    with ExitStack() as stack:
        stack.callback(postgres.cluster.thaw)
        postgres.cluster.freeze()
        process = sluice.start_run(pipeline, *DATED)
        time.sleep(1.5)
        assert process.poll() is None
        process.send(signal.SIGTERM)
        sent = time.monotonic()
        result = process.wait(12).expect(75)
        assert time.monotonic() - sent < 10
        assert "stopped" in result.message
    assert sluice.run(pipeline, *DATED).expect(0).summary["found"] == (len(USERS) if place == "sink" else 100)


@pytest.mark.limit(60)
def test_a_stop_ends_a_retry_that_waits_for_a_lock(sluice, scripted, postgres, users):
    """In front of its first call, where it reads the failures."""
    refused = error(400, "BadRequestException", "No")
    server = scripted(lambda request: refused if request.user == USERS[7] else endpoints(request.user))
    database = postgres()
    pipeline = sluice.pipeline("locked", server.url, users, sinks=[database.sink()])
    sluice.run(pipeline, *DATED).expect(65)
    server.answer = lambda request: endpoints(request.user)
    with database.session() as session:
        session.ask("BEGIN", f"LOCK TABLE {database.store().schema}.failures")
        process = sluice.start("retry", pipeline.file, "--output", "json")
        time.sleep(1.5)
        assert process.poll() is None, process.poll().err
        process.send(signal.SIGTERM)
        sent = time.monotonic()
        result = process.wait(12).expect(75)
        assert time.monotonic() - sent < 10
        assert "stopped" in result.message
    assert sluice("retry", pipeline.file, "--output", "json").expect(0).summary["failed"] == 0


# Too often -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite append + ndjson append", "postgres replace"])
def test_a_cron_that_overlaps(sluice, scripted, postgres, tmp_path, users, kinds):
    """Started every moment, with a date of its own each: one works, the others say so, and each date is done once."""

    def slowly(request):
        answer = endpoints(request.user)
        answer.delay = 0.05
        return answer

    server = scripted(slowly)
    stores = places(kinds, tmp_path, postgres)
    pipeline = sluice.pipeline(
        "often", server.url, users, batch_size=50, concurrency=16, sinks=sinks(stores), limits={"max_removed": "100%"}
    )  # fmt: skip
    processes = []
    for number in range(8):
        processes.append(sluice.start_run(pipeline, *DATED, "--log-format", "json"))
        time.sleep(0.25 if number % 2 else 0)
    results = [process.wait(60) for process in processes]
    codes = [result.code for result in results]
    assert set(codes) <= {0, 75} and 0 in codes, [result.err for result in results]
    for result in results:
        said = events(result.err)
        assert [line["exit_code"] for line in said["end"]] == [result.code]
        assert len(said["start"]) == 1 and said["start"][0]["command"] == "run"
    # Who came when it was done had nothing to do.
    assert sum(result.summary["requests"] for result in results if result.code == 0) == len(USERS)
    assert set(server.asked.values()) == {1}
    for place in stores:
        assert next_ordinal(place) in (len(USERS), 0)
        place.content()


# Moved ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["query", "standard input"])
def test_moved_with_all_kinds_of_sinks(sluice, server, postgres, tmp_path, users, reader):
    """Killed in mid-run, and gone on elsewhere with the sinks and the pipeline's file; the state directory is lost."""
    (tmp_path / "held").mkdir()
    people = tmp_path / "people.sqlite"
    with sqlite3.connect(people) as database:
        database.execute("CREATE TABLE people (id TEXT)")
        database.executemany("INSERT INTO people VALUES (?)", [(user,) for user in USERS])
    options = {"type": "file", "path": "-", "format": "lines"}
    if reader == "query":
        options = {"type": "sqlite", "path": str(people), "query": "SELECT id FROM people"}

    def start(pipeline, *arguments):
        with open(users, "rb") as file:
            return sluice.start_run(pipeline, *DATED, *arguments, stdin=file if reader != "query" else None)

    kinds = "sqlite append + postgres merge + ndjson append"
    stores, others = places(kinds, tmp_path / "held", postgres), places(kinds, tmp_path / "others", postgres)
    whole = sluice.pipeline("whole", server.url, dict(options), batch_size=20, sinks=sinks(others))
    start(whole).wait().expect(0)
    here = sluice.pipeline(
        "here", server.url, dict(options), batch_size=20, sinks=sinks(stores),
        rate_limit={"requests_per_second": 150, "burst": 10},
    )  # fmt: skip
    process = start(here)
    deadline = time.monotonic() + 30
    while stores[1].store.next_ordinal < 60:
        assert process.poll() is None and time.monotonic() < deadline, process.poll()
        time.sleep(0.02)
    process.kill()

    # The other machine: another folder for files, the same database, nothing else.
    for place in (stores[0], stores[2]):
        moved = tmp_path / "there" / place.folder.name
        shutil.copytree(place.folder, moved, symlinks=True)
        shutil.rmtree(place.folder)
        place.folder = moved
        if place is stores[0]:
            place.database = moved / place.database.name
            for path in moved.glob("*-shm"):
                path.unlink()
    shutil.rmtree(here.folder)
    there = Pipeline(tmp_path / "machine", {**here.document, "sinks": sinks(stores)})
    there.folder.mkdir()
    server.asked.clear()
    result = start(there.write()).wait().expect(0)
    assert 40 <= result.summary["resumed_from"] < 300
    assert len(server.asked) <= len(USERS) - result.summary["resumed_from"]
    for place, other in zip(stores, others, strict=True):
        same_rows(place, other)
        place.content()
    assert Folder(stores[2].folder).current.data() == Folder(others[2].folder).current.data(), "to the byte"


# The report ----------------------------------------------------------------------------------------------------------


def test_the_report_of_runs_that_end_otherwise(sluice, server, tmp_path, users, postgres):
    """A run that was stopped leaves its report too; of two runs in one call the last one's stays."""
    stores = places("sqlite merge", tmp_path, postgres)
    pipeline = sluice.pipeline(
        "reported", server.url, users, batch_size=50, sinks=sinks(stores), report={"json": "last.json"},
        limits={"max_absent": 3},
    )  # fmt: skip
    report = pipeline.folder / "last.json"
    server.answer = lambda request: (
        error(404, "NotFoundException", "No such user") if request.user > "user-200" else endpoints(request.user)
    )
    result = sluice.run(pipeline, *DATED).expect(76)
    said = json.loads(report.read_text())
    assert (said["state"], said["records"], said["run_id"]) == ("interrupted", 200, "under-test-20260102T030405Z")
    assert result.summaries == [said]
    server.answer = lambda request: endpoints(request.user)
    result = sluice.run(pipeline, *NEXT).expect(0)
    assert len(result.summaries) == 2 and json.loads(report.read_text()) == result.summaries[-1]
    # A date that is done: the report says so again, and nothing changes.
    held = moment(stores[0])
    sluice.run(pipeline, *DATED).expect(0)
    assert json.loads(report.read_text())["run_id"] == "under-test-20260102T030405Z" and moment(stores[0]) == held


@pytest.mark.parametrize("value", [{"jso": "x"}, "x", {"json": ""}, {"json": ["a"]}, {"json": "-"}])
def test_no_report(sluice, server, users, value):
    pipeline = sluice.pipeline("reported", server.url, users, report=value)
    result = sluice.run(pipeline).expect(78)
    assert "report" in result.err or "jso" in result.err
    assert not server.asked
