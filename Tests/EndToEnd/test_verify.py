"""`sluice verify`: whether all sinks hold the same rows of the last run, whatever their stores, modes and orders."""

import gzip
import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from support.archives import archive
from support.content import Store
from support.ndjson import Folder
from support.scripted_server import endpoints, error
from support.stores import places, sinks

DAY, NEXT = ("--logical-date", "2026-01-02"), ("--logical-date", "2026-01-03")
RUN = "under-test-20260102T000000Z"
ALL = "sqlite merge + postgres append + ndjson append"
#: Each table's key, and what may be changed of a row of it.
KEYS = {
    "users": (["application_id", "user_id"], "endpoint_count = endpoint_count + 1", "endpoint_count"),
    "endpoints": (["application_id", "endpoint_id"], "address = coalesce(address, '') || '.'", "address"),
    "endpoint_attributes": (["application_id", "endpoint_id", "name", "position"], "value = value || ' '", "value"),
    "endpoint_metrics": (["application_id", "endpoint_id", "name"], "value = coalesce(value, 0) + 0.5", "value"),
    "endpoint_user_attributes": (["application_id", "endpoint_id", "name", "position"], "value = 'x'", "value"),
    "failures": (["run_id", "shard", "ordinal"], "code = 'Other'", "code"),
}


def verify(sluice, pipeline, code, *arguments):
    """The result as JSON."""
    result = sluice("verify", pipeline.file, "--output", "json", *arguments).expect(code)
    said = json.loads(result.out)
    assert said["exit_code"] == code and said["equal"] == (code == 0), said
    return said


def differing(said):
    """{table: differences} of the tables that aren't equal."""
    return {table["name"]: table["differences"] for table in said["tables"] if not table["equal"]}


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement
        connection.commit()


def manifest(run, rows_of):
    """Rewrites a published run's files and the manifest: `rows_of(table, lines)` gives the lines of each file."""
    document = run.manifest
    for file in document["files"]:
        path = run.folder / file["path"]
        text = b"".join(rows_of(file["path"].split("/")[0], gzip.decompress(path.read_bytes()).splitlines(True)))
        data = gzip.compress(text, 1)
        path.write_bytes(data)
        file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=text.count(b"\n"))
        if "uncompressed_bytes" in file:
            file["uncompressed_bytes"] = len(text)
    (run.folder / "manifest.json").write_text(json.dumps(document))


# A hundred thousand --------------------------------------------------------------------------------------------------


@pytest.mark.limit(180)
def test_one_byte_in_a_hundred_thousand_rows(sluice, synthetic, postgres, tmp_path, dice):
    """One byte more or less in any sink is found and named; another order of the same rows is none."""
    server = synthetic(users=7300, archive=True)
    stores = places(ALL, tmp_path, postgres)
    pipeline = archive(
        sluice, "large", server.archive, batch_size=5000, sinks=sinks(stores), limits={"max_failed": "100%"}
    )  # fmt: skip
    sluice.run(pipeline, *DAY).expect(0)
    database = stores[0].database
    table = "endpoint_attributes"
    rows = Store(database).count(table)
    assert rows >= 100_000, rows
    said = verify(sluice, pipeline, 0)
    counted = next(one for one in said["tables"] if one["name"] == table)
    assert [sink["rows"] for sink in counted["sinks"]] == [rows] * 3
    assert len({sink["hash"] for sink in counted["sinks"]}) == 1

    # One byte in SQLite.
    place = dice.randrange(rows)
    key = Store(database).query(
        f"SELECT application_id, endpoint_id, name, position, value FROM {table} LIMIT 1 OFFSET {place}"
    )[0]
    where = f"endpoint_id = {quoted(key[1])} AND name = {quoted(key[2])} AND position = {key[3]}"
    change(database, f"UPDATE {table} SET value = {quoted(one_byte(key[4]))} WHERE {where}")
    found = verify(sluice, pipeline, 65)
    assert set(differing(found)) == {table}
    for difference in differing(found)[table]:
        assert {"endpoint_id": key[1], "name": key[2]}.items() <= difference["key"].items()
        assert difference["columns"] == ["value"] and "sink-0" in difference["between"]
    change(database, f"UPDATE {table} SET value = {quoted(key[4])} WHERE {where}")

    # All rows in another order, in each sink.
    for name in (table, "endpoints"):
        change(database, f"CREATE TABLE aside AS SELECT * FROM {name} ORDER BY random()")
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(f"DELETE FROM {name}")
            connection.execute(f"INSERT INTO {name} SELECT * FROM aside")
            connection.execute("DROP TABLE aside")
            connection.commit()
    stores[1].store.psql(
        f"CREATE TABLE aside AS SELECT * FROM {table} ORDER BY random(); DELETE FROM {table}; "
        f"INSERT INTO {table} SELECT * FROM aside; DROP TABLE aside"
    )

    def shuffled(_, lines):
        dice.shuffle(lines)
        return lines

    run = Folder(stores[2].folder).current
    if not overlapping(run):
        manifest(run, shuffled)
    verify(sluice, pipeline, 0)

    # One byte in Postgres, and one in a file.
    stores[1].store.psql(
        "UPDATE endpoints SET address = address || '.' WHERE endpoint_id = (SELECT max(endpoint_id) FROM endpoints "
        "WHERE address IS NOT NULL)"
    )
    found = differing(verify(sluice, pipeline, 65))
    assert set(found) == {"endpoints"} and all("sink-1" in one["between"] for one in found["endpoints"])


def overlapping(run):
    """Whether a file of endpoints has a key twice: then their order says which one counts."""
    identities = [row[1] for row in run.rows("endpoints", append=True)]
    return len(identities) != len(set(identities))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def one_byte(text):
    """The text with another first byte."""
    return chr(ord(text[0]) ^ 1) + text[1:] if text and ord(text[0]) < 128 else text + "x"


# Each table, each kind of difference ---------------------------------------------------------------------------------


@pytest.fixture
def server(scripted):
    def answer(request):
        number = int(request.user[-3:])
        if number % 10 == 3:
            return error(404, "NotFoundException", "User not found")
        if number % 50 == 7:
            return error(400, "BadRequestException", "No")
        return endpoints(request.user, count=number % 3 + 1)

    return scripted(answer)


def write(sluice, server, tmp_path, stores, users=None, name="compared", **settings):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"{user}\n" for user in users or [f"user-{number:03d}" for number in range(120)]))
    limits = {"max_removed": "100%", "accept_failed": 100}
    return sluice.pipeline(
        name, server.url, path, batch_size=50, sinks=sinks(stores), retry={"max_attempts": 1},
        **{"limits": limits, **settings},
    )  # fmt: skip


@pytest.mark.parametrize("kinds", [ALL, "postgres merge + sqlite append", "sqlite replace + ndjson replace"])
def test_equal(sluice, server, postgres, tmp_path, kinds):
    """Whatever the modes; and the tables' figures are those that others count."""
    stores = places(kinds, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    summary = sluice.run(pipeline, *DAY).expect(0).summary
    said = verify(sluice, pipeline, 0)
    assert (said["pipeline"], said["run_id"]) == ("under-test", RUN)
    assert [sink["name"] for sink in said["sinks"]] == [f"sink-{number}" for number in range(len(stores))]
    rows = {table["name"]: {sink["rows"] for sink in table["sinks"]} for table in said["tables"]}
    assert rows == {table: {count} for table, count in summary["rows"].items()}
    text = sluice("verify", pipeline.file).expect(0)
    assert text.out and "user-0" not in text.out + text.err
    # The next run is compared with itself alone.
    sluice.run(pipeline, *NEXT).expect(0)
    assert verify(sluice, pipeline, 0)["run_id"] != RUN


def test_every_difference_is_named(sluice, server, postgres, tmp_path):
    stores = places(ALL, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    database = stores[0].database
    stores[0].keep()
    for table, (key, edit, column) in KEYS.items():
        names = ", ".join(key)
        first = Store(database).query(f"SELECT {names} FROM {table} ORDER BY {names} LIMIT 1")[0]
        where = f"({names}) = (SELECT {names} FROM {table} ORDER BY {names} LIMIT 1)"
        for statement in (f"UPDATE {table} SET {edit} WHERE {where}", f"DELETE FROM {table} WHERE {where}"):
            change(database, statement)
            found = differing(verify(sluice, pipeline, 65))
            if table == "endpoints" and statement.startswith("DELETE"):
                # Its parts belong to nobody now.
                assert found and all(name.startswith("endpoint") for name in found)
            else:
                assert set(found) == {table}, (statement, found)
            for difference in found[table]:
                assert [str(part) for part in first if part not in (RUN,)] == [
                    str(difference["key"][name]) for name in key if difference["key"].get(name) not in (RUN, None)
                ], difference
                if statement.startswith("UPDATE"):
                    assert difference["columns"] == [column] and not difference["only_in"]
                else:
                    assert difference["only_in"] not in (None, "sink-0")
            stores[0].restore()
    # A row too many; as text as well, with its key and none of its values.
    change(database, "UPDATE endpoints SET address = 'somewhere secret' WHERE endpoint_id = 'user-001/0'")
    text = sluice("verify", pipeline.file).expect(65)
    assert "endpoints" in text.out and "user-001/0" in text.out and "address" in text.out
    assert (
        "secret" not in text.out + text.err and "user-001" not in text.err and "example.com" not in text.out + text.err
    )
    stores[0].restore()
    change(
        database,
        "INSERT INTO users SELECT application_id, 'zzz', status, 0, 9999, run_id, logical_date FROM users LIMIT 1",
    )
    found = differing(verify(sluice, pipeline, 65))
    assert {one["key"]["user_id"] for one in found["users"]} == {"zzz"}
    assert {one["only_in"] for one in found["users"]} == {"sink-0"}


def test_the_first_of_many(sluice, server, postgres, tmp_path):
    """In the keys' order, so many as one can read, and how many there are besides."""
    stores = places("sqlite merge + postgres merge", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    change(stores[0].database, "UPDATE endpoints SET address = 'somewhere'")
    said = verify(sluice, pipeline, 65)
    table = next(one for one in said["tables"] if one["name"] == "endpoints")
    named = [one["key"]["endpoint_id"] for one in table["differences"]]
    every = [row[0] for row in Store(stores[0].database).query("SELECT endpoint_id FROM endpoints ORDER BY 1")]
    assert named == every[: len(named)] and 3 <= len(named) <= 100
    assert table["more_differences"], table


def test_keys_that_come_twice(sluice, server, postgres, tmp_path):
    """Files keep both; the later one is compared."""
    users = [f"user-{number:03d}" for number in range(60)]
    users += users[10:30]
    stores = places(ALL, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores, users)
    sluice.run(pipeline, *DAY).expect(0)
    assert len(Folder(stores[2].folder).current.rows("users", append=True)) > Store(stores[0].database).count("users")
    verify(sluice, pipeline, 0)


def test_runs_beside_it(sluice, server, postgres, tmp_path):
    """In `append` the other runs' rows are none of its business."""
    stores = places("sqlite append + postgres append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    sluice.run(pipeline, *NEXT).expect(0)
    change(stores[0].database, f"DELETE FROM endpoints WHERE run_id = '{RUN}'")
    verify(sluice, pipeline, 0)
    change(stores[0].database, f"DELETE FROM endpoint_metrics WHERE run_id <> '{RUN}'")
    assert set(differing(verify(sluice, pipeline, 65))) == {"endpoint_metrics"}


def test_after_a_retry(sluice, server, postgres, tmp_path):
    stores = places("sqlite merge + postgres append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores, limits={"max_failed": "100%"})
    sluice.run(pipeline, *DAY).expect(65)
    server.answer = lambda request: endpoints(request.user)
    sluice("retry", pipeline.file).expect(0)
    verify(sluice, pipeline, 0)


# By itself -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", ["sqlite merge", "postgres replace", "ndjson append"])
def test_a_sink_without_company(sluice, server, postgres, tmp_path, kinds):
    """It is compared with its own account."""
    stores = places(kinds, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    verify(sluice, pipeline, 0)
    if "ndjson" in kinds:
        manifest(
            Folder(stores[0].folder).current, lambda table, lines: lines[1:] if table == "endpoint_metrics" else lines
        )
    elif "sqlite" in kinds:
        change(stores[0].database, "DELETE FROM endpoint_metrics WHERE endpoint_id = 'user-001/0'")
    else:
        stores[0].store.psql("DELETE FROM endpoint_metrics WHERE endpoint_id = 'user-001/0'")
    said = verify(sluice, pipeline, 65)
    assert any(sink["faults"] for sink in said["sinks"]) or differing(said), said


@pytest.mark.parametrize("how", ["a byte", "cut off", "gone", "no manifest", "another format"])
def test_broken_files(sluice, server, postgres, tmp_path, how):
    stores = places("sqlite merge + ndjson append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    run = Folder(stores[1].folder).current
    path = run.paths("endpoints")[0]
    data = path.read_bytes()
    if how == "a byte":
        path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    elif how == "cut off":
        path.write_bytes(data[:-9])
    elif how == "gone":
        path.unlink()
    elif how == "another format":
        manifest = run.folder / "manifest.json"
        text = manifest.read_text()
        assert '"format":2,' in text
        manifest.write_text(text.replace('"format":2,', '"format":99,'))
        assert "manifest.json" in sluice("verify", pipeline.file).expect(78).message
        return
    else:
        (run.folder / "manifest.json").unlink()
    result = sluice("verify", pipeline.file)
    assert result.code in ((65, 66) if how == "no manifest" else (65, 66, 74)), (result.code, result.err, result.out)
    if how != "no manifest":
        assert "00000.ndjson.gz" in result.out + result.err
    assert not any(word in result.err for word in ("Fatal", "user-0"))


# What can't be compared ----------------------------------------------------------------------------------------------


def test_nothing_to_compare(sluice, server, postgres, tmp_path):
    """Before the first run: said, and nothing is made."""
    stores = places(ALL, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    result = sluice("verify", pipeline.file).expect(66)
    assert result.err
    assert not stores[0].database.exists() and not stores[2].folder.exists() and stores[1].store.tables() == []


@pytest.mark.parametrize("kinds", ["sqlite merge + postgres merge", "sqlite append + postgres append"])
def test_a_run_under_way(sluice, server, postgres, tmp_path, kinds):
    """`merge` holds rows of both by then; in `append` the complete run is compared."""
    stores = places(kinds, tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    pipeline.document["limits"] = {"max_absent": 10, "max_removed": "100%", "accept_failed": 100}
    sluice.run(pipeline.write(), *NEXT).expect(76)
    result = sluice("verify", pipeline.file, "--output", "json").expect(75 if "merge" in kinds else 0)
    if "append" in kinds:
        assert json.loads(result.out)["run_id"] == RUN
    sluice.run(pipeline, *NEXT, "--accept", "absent").expect(0)
    verify(sluice, pipeline, 0)


def test_a_sink_that_was_added(sluice, server, postgres, tmp_path):
    """It has no run that the others have."""
    stores = places("sqlite append + ndjson append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores[:1])
    sluice.run(pipeline, *DAY).expect(0)
    pipeline.document["sinks"] = sinks(stores)
    assert sluice("verify", pipeline.write().file).expect(66).err


@pytest.mark.parametrize("where", ["a sink", "all"])
def test_transforms(sluice, server, postgres, tmp_path, where):
    """A sink with transforms of its own has other rows, and it is said so; those that all share don't matter."""
    if "transform 'drop'" not in sluice("plugins").expect(0).out:
        pytest.skip("this program has no transforms")
    stores = places("sqlite merge + postgres merge + ndjson append", tmp_path, postgres)
    edits = [{"type": "drop", "paths": ["Address"]}]
    pipeline = write(sluice, server, tmp_path, stores, **({"transforms": edits} if where == "all" else {}))
    if where == "a sink":
        pipeline.document["sinks"][1]["transforms"] = edits
        pipeline.write()
    sluice.run(pipeline, *DAY).expect(0)
    said = verify(sluice, pipeline, 0)
    assert [bool(sink["not_compared"]) for sink in said["sinks"]] == [False, where == "a sink", False]
    change(stores[0].database, "UPDATE users SET status = 'absent' WHERE user_id = 'user-001'")
    verify(sluice, pipeline, 65)


def test_a_sink_that_is_away(sluice, server, postgres, tmp_path):
    stores = places("sqlite merge + postgres merge", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    pipeline.document["sinks"][1]["url"] = stores[1].database.url(port=1)
    assert sluice("verify", pipeline.write().file, timeout=60).expect(69).err


def test_it_only_looks(sluice, server, postgres, tmp_path):
    """No store is touched, no credentials, list or state directory are needed, and nobody is asked."""
    stores = places("sqlite merge + ndjson append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    (tmp_path / "users.txt").unlink()
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(tmp_path, stores)}
    server.asked.clear()
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    sluice("verify", pipeline.file, environment=nobody).expect(0)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(tmp_path, stores)} == before
    assert not server.asked


def files(tmp_path, stores):
    return [path for place in stores for path in sorted(place.folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("command", ["verify", "status"])
@pytest.mark.parametrize(
    "how", ["a table is gone", "a column is gone", "no history", "held by a writer", "a checkpoint is rubbish"]
)
def test_a_store_in_a_bad_state(sluice, server, postgres, tmp_path, command, how):
    """One message that says what and where; no crash, no zero."""
    stores = places("sqlite append + ndjson append", tmp_path, postgres)
    pipeline = write(sluice, server, tmp_path, stores)
    sluice.run(pipeline, *DAY).expect(0)
    database = stores[0].database
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        if how == "a table is gone":
            connection.execute("DROP VIEW user_attributes")
            connection.execute("DROP TABLE endpoint_metrics")
        elif how == "a column is gone":
            connection.execute("DROP VIEW user_attributes")
            connection.execute("ALTER TABLE endpoint_metrics DROP COLUMN value")
        elif how == "no history":
            connection.execute("DROP TABLE sluice_runs")
        elif how == "held by a writer":
            connection.execute("BEGIN EXCLUSIVE")
        else:
            for path in (stores[1].folder / ".sluice").rglob("*.json"):
                path.write_text('{"format": 1, "rubb')
        result = sluice(command, pipeline.file, "--output", "json")
    if command == "status" and how in ("a table is gone", "a column is gone", "no history"):
        # It asks the history alone; without one there has been no run.
        states = [sink["state"] for sink in json.loads(result.expect(0).out)["sinks"]]
        assert states == ["none" if how == "no history" else "complete", "complete"]
        return
    assert result.code in (65, 66, 69, 73, 74, 75, 78), (result.code, result.err)
    assert result.err or '"faults":["' in result.out
    assert "user-0" not in result.err


@pytest.mark.parametrize("arguments", [["--fresh"], ["--output", "xml"], ["more"], ["--max-age", "1h"]])
def test_wrong_usage(sluice, server, postgres, tmp_path, arguments):
    pipeline = write(sluice, server, tmp_path, places("sqlite merge", tmp_path, postgres))
    sluice("verify", pipeline.file, *arguments).expect(64)
