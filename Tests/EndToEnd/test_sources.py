"""The same IDs from every reader give the same output, data files to the byte; and what is kept aside of an input."""

import sqlite3
from contextlib import closing

import pytest
from support.content import Store
from support.ndjson import Folder, same_bytes
from support.postgres import free_port
from support.readers import Input, file_input, files, identities, postgres_input, sqlite_input, whitespace_list
from support.sluice import LOGICAL_DATE

RUN = "under-test-20260102T030405Z"


def exported(sluice, number, server, given):
    """The data of all files that a run from this reader publishes."""
    pipeline = sluice.pipeline(
        f"reader-{number}", server.url, given.options, batch_size=500, limits={"max_absent": "100%"},
        sinks=[{"type": "ndjson", "path": "out", "mode": "append"}],
    )  # fmt: skip
    result = given.run(sluice, pipeline, "--logical-date", LOGICAL_DATE)
    assert result.code == 0, f"{given.name}: exit {result.code}\n{result.err}"
    run = Folder(pipeline.folder / "out").runs[RUN]
    run.check()
    return run, result.summary


def the_same_from_all(sluice, synthetic, tmp_path, postgres, dice, count):
    ids, known = identities(count)
    plain, _ = identities(count, plain=True)
    server = synthetic(users=known)
    inputs = files(tmp_path / "input", ids, dice)
    inputs += [sqlite_input(tmp_path / "input", ids, dice), postgres_input(postgres(), ids, dice)]
    baseline, summary = exported(sluice, "baseline", server, inputs[0])
    assert (summary["records"], summary["failed"]) == (count, 0) and summary["found"] > known // 2
    assert [row[1] for row in baseline.rows("users", append=True)] == ids
    wrong = []
    text = "".join(f"{identity}\n" for identity in plain)
    plain_lines = file_input(tmp_path, "plain lines", "plain.txt", text.encode())
    plain_baseline, _ = exported(sluice, "plain", server, plain_lines)
    pairs = [(given, baseline) for given in inputs[1:]]
    pairs.append((whitespace_list(tmp_path, plain, dice), plain_baseline))
    for number, (given, right) in enumerate(pairs):
        try:
            run, _ = exported(sluice, number, server, given)
        except AssertionError as error:
            wrong.append(str(error))
            continue
        difference = same_bytes(run.data(), right.data())
        if difference:
            wrong.append(f"{given.name}: {difference}")
    assert not wrong, "\n".join(wrong)
    print(f"{len(pairs) + 2} runs over {count} IDs")


@pytest.mark.limit(180)
def test_the_same_from_all(sluice, synthetic, tmp_path, postgres, dice):
    the_same_from_all(sluice, synthetic, tmp_path, postgres, dice, 5_000)


@pytest.mark.soak
@pytest.mark.limit(1800)
def test_the_same_hundred_thousand_from_all(sluice, synthetic, tmp_path, postgres, dice):
    the_same_from_all(sluice, synthetic, tmp_path, postgres, dice, 100_000)


@pytest.mark.parametrize("form", ["lines", "csv", "ndjson"])
def test_distinct(sluice, synthetic, tmp_path, dice, form):
    """Of repeats the first one counts; without the option each is a record."""
    ids, known = identities(600)
    dice.shuffle(ids)
    server = synthetic(users=known)
    repeated = list(ids)
    for identity in dice.choices(ids, k=400):
        repeated.insert(dice.randrange(repeated.index(identity) + 1, len(repeated) + 1), identity)
    given = next(each for each in files(tmp_path / "input", repeated, dice) if each.name == form)
    for distinct, right in [(True, ids), (False, repeated)]:
        pipeline = sluice.pipeline(
            f"distinct-{distinct}", server.url, {**given.options, "distinct": distinct}, batch_size=50,
            limits={"max_absent": "100%"}, sinks=[{"type": "ndjson", "path": "out", "mode": "append"}],
        )  # fmt: skip
        summary = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0).summary
        run = Folder(pipeline.folder / "out").runs[RUN]
        assert summary["records"] == len(right)
        rows = run.rows("users", append=True)
        assert [row[1] for row in rows] == right
        assert [row[4] for row in rows] == list(range(len(right)))


def test_a_separator_that_is_ambiguous_is_the_headers(sluice, synthetic, tmp_path):
    """The header alone tells: what stands in the rows isn't counted."""
    server = synthetic(users=10)
    given = file_input(
        tmp_path, "", "users.csv", b"name;user_id\n\"a,b,c,d\";user-000001\nx,y,z;user-000002\n", column="user_id"
    )
    pipeline = sluice.pipeline("found", server.url, given.options)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert Store(pipeline.database).query("SELECT user_id FROM users ORDER BY 1") == [("user-000001",), ("user-000002",)]


def test_an_input_of_nobody(sluice, synthetic, tmp_path, postgres, dice):
    """A query without rows, and standard input without a byte, are an empty input like any other."""
    server = synthetic(users=10)
    (tmp_path / "nothing").write_bytes(b"")
    nobody = "SELECT id FROM people WHERE 1 = 0"
    somebody = ["a"] * 10
    inputs = [sqlite_input(tmp_path / "db", somebody, dice, nobody), postgres_input(postgres(), somebody, dice, nobody)]
    inputs.append(Input("", {"type": "file", "path": "-", "format": "lines"}, tmp_path / "nothing"))
    for number, given in enumerate(inputs):
        pipeline = sluice.pipeline(f"nobody-{number}", server.url, given.options)
        assert "min_records" in given.run(sluice, pipeline).expect(76).message
        summary = given.run(sluice, pipeline, "--accept", "empty").expect(0).summary
        assert summary["records"] == 0


def test_nulls_and_numbers(sluice, synthetic, tmp_path, postgres, dice):
    """All NULLs are one failure; integers and UUIDs become text; IDs that can't be are failures of their own."""
    server = synthetic(users=10)
    database = postgres()
    uuid = "6e1f8e5c-0000-4000-8000-00000000000a"
    parts = ["SELECT 17 AS id", "SELECT NULL", "SELECT NULL", "SELECT ''", "SELECT '..'"]
    lite = " UNION ALL ".join([*parts, f"SELECT '{uuid}'"])
    texts = [part.replace("17", "17::bigint::text") for part in parts]
    post = " UNION ALL ".join([*texts, f"SELECT '{uuid}'::uuid::text"])
    given = sqlite_input(tmp_path / "db", ["x"] * 10, dice, lite), postgres_input(database, ["x"] * 10, dice, post)
    contents = []
    for number, each in enumerate(given):
        pipeline = sluice.pipeline(f"odd-{number}", server.url, each.options, limits={"max_absent": "100%"})
        summary = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(65).summary
        assert (summary["records"], summary["failed"]) == (5, 3)
        store = Store(pipeline.database)
        contents.append((
            store.query("SELECT user_id, ordinal FROM users ORDER BY 2"),
            store.query("SELECT ordinal, code FROM failures ORDER BY 1"),
        ))  # fmt: skip
    assert contents[0] == contents[1]
    users, failures = contents[0]
    assert [user for user, _ in users] == ["17", uuid]
    print(failures)
    assert sorted(code for _, code in failures) == ["EmptyUserId", "InvalidUserId", "MissingField"]


# What goes wrong -----------------------------------------------------------------------------------------------------


def refused(sluice, synthetic, tmp_path, options, code, *words):
    server = synthetic(users=10)
    pipeline = sluice.pipeline("refused", server.url, options)
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(code)
    for word in words:
        assert word in result.message, result.message
    return pipeline, result


def test_a_column_that_is_not_there(sluice, synthetic, tmp_path):
    given = file_input(tmp_path, "", "users.csv", b"id;city;Plz\nuser-000001;Kiel;1\n", column="user_id")
    refused(sluice, synthetic, tmp_path, given.options, 78, "user_id", "id", "city", "Plz")


def test_a_database_that_is_not_there(sluice, synthetic, tmp_path):
    options = {"type": "sqlite", "path": str(tmp_path / "nowhere.sqlite"), "query": "SELECT 1"}
    refused(sluice, synthetic, tmp_path, options, 66, "nowhere.sqlite")
    assert not (tmp_path / "nowhere.sqlite").exists(), "reading makes no file"


def test_a_file_that_is_no_database(sluice, synthetic, tmp_path):
    (tmp_path / "users.sqlite").write_bytes(b"user-000001\n" * 1000)
    options = {"type": "sqlite", "path": str(tmp_path / "users.sqlite"), "query": "SELECT 1"}
    refused(sluice, synthetic, tmp_path, options, 66, "users.sqlite", "SQLite")


WRONG_QUERIES = {
    "two columns": ("SELECT id, name FROM people", "id, name"),
    "an update": ("UPDATE people SET name = 'x'", "SELECT"),
    "a removal": ("DELETE FROM people", "SELECT"),
    "two statements": ("SELECT id FROM people; DROP TABLE people", "SELECT"),
    "no table": ("SELECT id FROM persons", "people"),
    "no column": ("SELECT user_id FROM people", "people (id, name)"),
    "no SQL": ("pepole", "SELECT"),
}


@pytest.mark.parametrize("what", WRONG_QUERIES)
def test_a_query_of_sqlite_that_is_wrong(sluice, synthetic, tmp_path, dice, what):
    query, word = WRONG_QUERIES[what]
    given = sqlite_input(tmp_path / "db", ["user-000001"] * 20, dice, query)
    pipeline, _ = refused(sluice, synthetic, tmp_path, given.options, 78, word)
    assert Store(given.options["path"]).count("people") == 22, "nothing was changed"
    assert not list(pipeline.folder.rglob("*.spool*"))


@pytest.mark.parametrize("what", WRONG_QUERIES)
def test_a_query_of_postgres_that_is_wrong(sluice, synthetic, tmp_path, postgres, dice, what):
    query, word = WRONG_QUERIES[what]
    database = postgres()
    given = postgres_input(database, ["user-000001"] * 20, dice, query)
    refused(sluice, synthetic, tmp_path, given.options, 78, word.split(" (")[0])
    assert database.psql("SELECT count(*) FROM people").strip() == "22", "nothing was changed"


def test_a_database_that_is_locked(sluice, synthetic, tmp_path, dice):
    server = synthetic(users=10)
    given = sqlite_input(tmp_path / "db", [f"user-{number:06d}" for number in range(10)], dice)
    pipeline = sluice.pipeline("locked", server.url, {**given.options, "busy_timeout": "200ms"})
    with closing(sqlite3.connect(given.options["path"], isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(75)
        assert "people.sqlite" in result.message and "lock" in result.message
        connection.execute("COMMIT")
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0).summary["records"] == 10


@pytest.mark.soak
def test_a_server_that_is_not_there(sluice, synthetic, tmp_path):
    options = {"type": "postgres", "url": f"postgresql://etl:secret@127.0.0.1:{free_port()}/db", "query": "SELECT 'a'"}
    _, result = refused(sluice, synthetic, tmp_path, options, 69)
    assert "secret" not in result.err


def test_a_password_that_is_wrong(sluice, synthetic, tmp_path, postgres):
    options = {"type": "postgres", "url": postgres().url(password="not-this-one"), "query": "SELECT 'a'"}
    _, result = refused(sluice, synthetic, tmp_path, options, 77)
    assert "not-this-one" not in result.err
