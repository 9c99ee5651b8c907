"""`sluice check`: everything that a run needs is opened, each part has its line, and nothing is written."""

import json
import os
import sqlite3

import pytest
from support.scripted_server import Answer
from support.terminal import Terminal


def listing(folder):
    """Every path below a folder with its time."""
    return {str(path): path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def findings(result):
    """(verdict, part, message) of each line of text, hints left out."""
    lines = [line for line in result.out.splitlines() if not line.lstrip().startswith("→")]
    found = []
    for line in lines:
        verdict, rest = line[:5].strip(), line[7:]
        part, message = rest.split("  ", 1)
        found.append((verdict, part, message.strip()))
    return found


def messages(result, part):
    return [(verdict, message) for verdict, owner, message in findings(result) if owner == part]


@pytest.fixture
def server(synthetic):
    return synthetic(users=50)


def test_all_is_well_and_nothing_is_written(sluice, server, tmp_path):
    pipeline = sluice.pipeline(
        "well", server.url, server.ids, sinks=[{"type": "sqlite", "path": "out/a.sqlite"}, {"type": "ndjson", "path": "out/n"}]
    )
    before = listing(pipeline.folder)
    result = sluice("check", pipeline.file).expect(0)
    assert listing(pipeline.folder) == before
    assert {verdict for verdict, _, _ in findings(result)} == {"ok"}, result.out
    assert [part for _, part, _ in findings(result)][:4] == ["state", "users", "credentials", "one call"]
    assert messages(result, "users") == [("ok", "50 IDs")]
    (_, origin), = messages(result, "credentials")
    assert origin.startswith("from the environment") and f"127.0.0.1:{server.port}" in origin
    assert messages(result, "sink 'sqlite'")[0] == ("ok", "the database will be made")
    assert messages(result, "sink 'ndjson'")[0] == ("ok", "the folder will be made")
    assert result.elapsed < 10
    # After a run the places are there, and fit.
    sluice.run(pipeline).expect(0)
    before = listing(pipeline.folder)
    result = sluice("check", pipeline.file, "--output", "json").expect(0)
    assert listing(pipeline.folder) == before
    document = json.loads(result.out)
    assert document["exit_code"] == 0 and {finding["verdict"] for finding in document["findings"]} == {"ok"}
    assert "the tables fit" in [finding["message"] for finding in document["findings"]]


def test_doubts_about_a_list(sluice, server, tmp_path):
    users = tmp_path / "users.csv"
    users.write_text("user_id\nu1\nu1\n\"\"\n u2\n")
    reader = {"type": "file", "path": str(users), "column": "1", "header": False}
    pipeline = sluice.pipeline("doubts", server.url, reader)
    result = sluice("check", pipeline.file).expect(0)
    said = messages(result, "users")
    assert ("doubt", "without a usable ID: 1 EmptyUserId") in said
    assert ("doubt", "repeated: 1 ID") in said
    assert ("doubt", "the first ID is 'user_id', which looks like the name of a column") in said
    assert ("doubt", "begin or end with white space: 1 ID") in said
    # A header that is none: the first user would be missing for ever.
    users.write_text("jane@example.com\njoe@example.com\n")
    pipeline = sluice.pipeline("eaten", server.url, {**reader, "header": True})
    result = sluice("check", pipeline.file).expect(0)
    assert [verdict for verdict, message in messages(result, "users") if "taken for a header" in message] == ["doubt"]
    assert "jane" not in result.out + result.err


def test_an_empty_list_would_be_stopped(sluice, server, tmp_path):
    (tmp_path / "none.txt").write_text("\n")
    pipeline = sluice.pipeline("empty", server.url, tmp_path / "none.txt")
    result = sluice("check", pipeline.file).expect(76)
    assert messages(result, "users")[0][0] == "FAIL" and "min_records is 1" in result.out
    assert messages(result, "one call") == [("doubt", "not tried: no user's ID is at hand")]


@pytest.mark.parametrize(
    ("break_it", "code", "part", "words"),
    [
        ("list", 66, "users", "users.txt"),
        ("credentials", 77, "credentials", "there are no AWS credentials"),
        ("application", 77, "one call", "knows no application"),
        ("sink", 78, "sink 'sqlite'", "exists and differs"),
        ("folder", 73, "sink 'sqlite'", "is a file, not a folder"),
    ],
)
def test_a_failure_is_the_one_that_a_run_ends_with(sluice, scripted, tmp_path, break_it, code, part, words):
    def answer(request):
        if break_it == "application":
            return Answer(404, json.dumps({"Message": "Resource not found"}).encode(), {"X-Amzn-ErrorType": "NotFoundException"})
        return Answer(body=b'{"Item":[]}')

    server = scripted(answer)
    (tmp_path / "users.txt").write_text("u1\n")
    pipeline = sluice.pipeline("broken", server.url, tmp_path / "users.txt")
    environment = {}
    if break_it == "list":
        (tmp_path / "users.txt").unlink()
    if break_it == "credentials":
        environment = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    if break_it == "application":
        server = scripted(lambda request: Answer(404, b'{"Message":"Application not found"}', {"X-Amzn-ErrorType": "NotFoundException"}))
        pipeline = sluice.pipeline("broken", server.url, tmp_path / "users.txt")
    if break_it == "sink":
        pipeline.database.parent.mkdir()
        database = sqlite3.connect(pipeline.database)
        database.execute("CREATE TABLE users (user_id INTEGER PRIMARY KEY)")
        database.commit()
        database.close()
    if break_it == "folder":
        pipeline.database.parent.write_text("a file")
    before = listing(pipeline.folder)
    result = sluice("check", pipeline.file, environment=environment).expect(code)
    assert listing(pipeline.folder) == before
    failed = [(owner, message) for verdict, owner, message in findings(result) if verdict == "FAIL"]
    assert len(failed) == 1 and failed[0][0] == part and words in result.out, result.out
    assert sluice.run(pipeline, environment=environment).code == code


def test_an_archive(sluice, tmp_path):
    (tmp_path / "in").mkdir()
    endpoint = {"Id": "e1", "ChannelType": "EMAIL", "Address": "a@b.c", "User": {"UserId": "u1"}, "EffectiveDate": "2026-01-02T03:04:05.678Z"}
    (tmp_path / "in" / "a.ndjson").write_text(json.dumps(endpoint) + "\n{broken\n")
    (tmp_path / "in" / "_SUCCESS").write_text("")
    pipeline = sluice.pipeline(
        "archive", "http://127.0.0.1:1", tmp_path / "none",
        source={"type": "archive", "path": str(tmp_path / "in"), "application_id": "app"},
        transforms=[{"type": "mask", "paths": ["Address", "Attributes.e-mail"], "with": "redact"}],
    )  # fmt: skip
    result = sluice("check", pipeline.file).expect(0)
    said = messages(result, "archive")
    assert said[0][1].startswith("1 file and 1 left out, ")
    assert ("doubt", "of all 2 records 1 can't be read: 1 MalformedRecord") in said
    assert ("doubt", "no transform met 'Attributes.e-mail' in the first 1 endpoint") in said


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_long_lines_on_a_terminal(sluice, server, tmp_path, columns):
    """What is found goes on below itself; on a pipe it stays a line each."""
    (tmp_path / "users.txt").write_text("u1\n")
    pipeline = sluice.pipeline("wide", server.url, tmp_path / "users.txt")
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    piped = sluice("check", pipeline.file, environment=without).expect(77).out
    failure = next(line for line in piped.splitlines() if line.startswith("FAIL"))
    assert len(failure) > 120 and "AWS_WEB_IDENTITY_TOKEN_FILE" in failure
    screen = Terminal([sluice.binary, "check", pipeline.file], sluice.environment(**without), columns)
    try:
        assert screen.end() == 77
        lines = screen.bytes.decode().replace("\r\n", "\n").splitlines()
    finally:
        screen.close()
    assert max(map(len, lines)) <= columns, lines
    # A path that is wider than the terminal is cut as well.
    assert "".join("".join(lines).split()) == "".join(piped.split())


def test_a_database(sluice, server, postgres, tmp_path):
    database = postgres()
    pipeline = sluice.pipeline(
        "warehouse", server.url, server.ids, sinks=[{"type": "postgres", "url": database.url(), "schema": "pinpoint"}]
    )
    result = sluice("check", pipeline.file).expect(0)
    assert messages(result, "sink 'postgres'")[0][1].startswith("PostgreSQL ")
    assert database.psql("SELECT 1 FROM pg_namespace WHERE nspname = 'pinpoint'") == ""
    # A role that may not make the schema is told before the run.
    role = f"reader_{os.getpid()}"
    database.psql(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        other = sluice.pipeline(
            "refused", server.url, server.ids,
            sinks=[{"type": "postgres", "url": database.url(user=role, password="x"), "schema": "pinpoint"}],
        )  # fmt: skip
        result = sluice("check", other.file).expect(77)
        assert f"role '{role}' may not create the schema 'pinpoint'" in result.out
        assert sluice.run(other).code == 77
    finally:
        database.psql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_run_that_is_under_way(sluice, synthetic, tmp_path):
    server = synthetic(users=500, latency="200ms")
    pipeline = sluice.pipeline("busy", server.url, server.ids, concurrency=1)
    run = sluice.start_run(pipeline)
    while not pipeline.database.exists() or not list(pipeline.database.parent.glob("*.lock")):
        assert run.poll() is None, run.result.err
    result = sluice("check", pipeline.file).expect(0)
    assert "a run of this pipeline is under way there" in result.out
    run.kill()
