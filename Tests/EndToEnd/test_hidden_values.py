"""Masked and dropped values stand nowhere: not in the output, nor in logs, messages, failures and the summary.

Looked for plain, in hex, in base64 at every alignment, percent-encoded and as JSON escapes, compressed files unpacked.
"""

import base64
import json
import sqlite3
import time
from urllib.parse import quote

import pytest
from support.archives import archive
from support.scripted_server import Answer, error
from support.shapes import KEY, hashed
from support.sluice import APPLICATION
from support.traces import Search, dresses

OTHER_APPLICATION = "fedcba9876543210fedcba9876543210"
LEVELS = [["--log-level", "trace"], ["--log-level", "debug", "--log-format", "json"], []]

#: What of each user may be found nowhere, by the place where it stands.
PLACES = (
    "address city postal deep-number list-1 list-2 name-in-dropped value-in-dropped user-attribute user-list make locale "
    "odd-address metric-name endpoint-id"
).split()


#: Part of everything that may be found nowhere: one text is looked for quickly in all its dresses.
MARK = "zq~PRIVÄTE~qz"


def token(user, place):
    return f"{user[-3:]}{MARK}{place}"


def endpoint(user, number):
    own = {place: token(f"{user[:-3]}{int(user[-3:]) + 500 * number:03d}", place) for place in PLACES}
    return {
        "Id": own["endpoint-id"],
        "ApplicationId": APPLICATION,
        "Address": own["address"] if number == 0 else [own["odd-address"], {own["odd-address"]: own["odd-address"]}],
        "ChannelType": "EMAIL",
        "Attributes": {
            "mail": [own["list-1"], None, own["list-2"]], "plain": ["nothing to hide"],
            "nested": {"map": own["deep-number"]},
        },
        "Location": {"City": own["city"], "PostalCode": own["postal"], "Strange": {own["name-in-dropped"]: [own["city"]]}},
        "Demographic": {"Make": own["make"], "Locale": {"text": own["locale"]}, "Model": "kept"},
        "Metrics": {own["metric-name"]: 4.25},
        "User": {
            "UserId": user,
            "UserAttributes": {own["name-in-dropped"]: [own["value-in-dropped"]], "list": [own["user-attribute"], own["user-list"]]},
        },
    }  # fmt: skip


TRANSFORMS = [
    {"type": "mask", "paths": ["Address", "Id", "User.UserId", ["Attributes", "mail"]], "with": "hmac-sha256", "key": KEY},
    {"type": "mask", "paths": ["Attributes.nested", "Demographic.Make", "Demographic.Locale"], "with": "redact"},
    {"type": "drop", "paths": ["Location", ["Metrics", "*"], ["User", "UserAttributes"]]},
]
COLUMNS = [
    {"name": "mail", "from": "Attributes.mail", "as": "joined"},
    {"name": "nested", "from": "Attributes.nested", "as": "json"},
    {"name": "number", "from": "Attributes.mail", "as": "number"},
    {"name": "city", "from": "Location.City", "as": "first"},
    {"name": "u", "from": "User.UserAttributes", "as": "json"},
]
USERS = [f"jane doe+{MARK}{number:03d}" for number in range(240)]


def answer(request):
    """All kinds of answers, with the user's own data in those that fail."""
    user, number = request.user, int(request.user[-3:])
    first = endpoint(user, 0)
    if number % 60 == 7:
        return error(400, "BadRequestException", f"User {user} isn't valid, nor is {quote(user)}")
    if number % 60 == 11:
        return error(404, "NotFoundException", f"There is no {user}")
    if number % 60 == 13:
        broken = json.dumps({"Item": [first]}).encode()[:-3]
        return Answer(body=broken)
    if number % 60 == 17:
        return Answer(200, f"<html>{user} {first['Address']}</html>".encode())
    if number % 60 == 19:
        # A storable Id is missing, so that its record fails.
        return Answer(body=json.dumps({"Item": [{**first, "Id": "\ud800" + first["Address"]}]}).encode())
    if number % 60 == 23 and request.attempt == 1:
        return error(500, "InternalServerErrorException", f"Trouble with {user}")
    if number % 60 == 29:
        return Answer(413, json.dumps({"Message": user}).encode(), {"x-amzn-ErrorType": f"Odd:{quote(user)}"})
    return Answer(body=json.dumps({"Item": [first, endpoint(user, 1)]}).encode())


@pytest.fixture(scope="module")
def search():
    return Search([MARK])


def test_the_search_finds():
    """Every dress is seen through, at every alignment."""
    text = MARK
    search = Search([text])
    for offset in range(4):
        around = "x" * offset + text + "y" * 7
        for data in (around.encode(), around.encode().hex().encode(), base64.b64encode(around.encode()),
                     base64.urlsafe_b64encode(around.encode())):  # fmt: skip
            assert search.found_in(data), (offset, data)
    assert not search.found_in(b"zq~PUBLIC~qz") and len(dresses(text)) > 10


def check_output(search, result):
    search.check("standard error", result.err)
    search.check("standard output", result.out)


def sinks_of(transforms=None):
    own = {} if transforms is None else {"transforms": transforms}
    return [
        {"type": "sqlite", "path": "out/endpoints.sqlite", **own},
        {"type": "ndjson", "path": "out/lines", "mode": "append", **own},
    ]


@pytest.mark.parametrize("where", ["shared", "in sinks"])
@pytest.mark.parametrize("layout", ["normalized", "document"])
def test_hidden_values_are_nowhere(sluice, scripted, tmp_path, search, layout, where):
    server = scripted(answer)
    number = ["shared", "in sinks"].index(where) + 2 * ["normalized", "document"].index(layout)
    (tmp_path / "users.txt").write_bytes("".join(f"{user}\n" for user in USERS).encode() + b"\xff" + USERS[5].encode() + b"\n")
    shared, own = (TRANSFORMS, None) if where == "shared" else ([], TRANSFORMS)
    pipeline = sluice.pipeline(
        "hidden", server.url, tmp_path / "users.txt", batch_size=25, transforms=shared,
        sinks=sinks_of(own), flatten={"layout": layout, "columns": COLUMNS},
        limits={"max_failed": "100%"}, retry={"max_attempts": 2, "max_delay": "10ms"},
    )  # fmt: skip
    result = sluice.run(pipeline, *LEVELS[number % 3]).expect(65)
    summary = result.summary
    # A lone surrogate is no storable Id, but what it is masked with is one.
    assert (summary["records"], summary["absent"]) == (241, 4) and summary["failed"] in (17, 21), summary
    check_output(search, result)
    assert search.check_folder(pipeline.folder) >= 4
    # The masked values are there, so that it isn't for want of output that nothing is found.
    with sqlite3.connect(pipeline.database) as database:
        ids = {row[0] for row in database.execute("SELECT user_id FROM users")}
        assert hashed(USERS[0]) in ids and len(ids) == 241 - summary["failed"]
        failures = database.execute("SELECT user_id, code FROM failures ORDER BY ordinal").fetchall()
        assert len(failures) == summary["failed"] and (hashed(USERS[7]), "BadRequestException") in failures
        addresses = {row[0] for row in database.execute("SELECT address FROM endpoints")}
        assert hashed(token(USERS[0], "address")) in addresses
    key = dresses(KEY)
    for path in pipeline.folder.rglob("*"):
        if path.is_file() and path != pipeline.file:
            data = path.read_bytes()
            assert not any(form in data for form in key.values()), f"the key stands in {path}"
    # Once it is complete, the state directory tells nothing either.
    preview = sluice("preview", pipeline.file, "--users", "30", *LEVELS[number % 3])
    check_output(search, preview)
    preview = sluice("preview", pipeline.file, "--users", "30", "--output", "json")
    check_output(search, preview)


def test_hidden_values_in_postgres(sluice, scripted, postgres, tmp_path, search):
    """Not in any table, nor in what the server's log says of the statements."""
    database = postgres()
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    pipeline = sluice.pipeline(
        "hidden", scripted(answer).url, tmp_path / "users.txt", batch_size=25, transforms=TRANSFORMS,
        sinks=[database.sink()], flatten={"columns": COLUMNS}, limits={"max_failed": "100%"},
        retry={"max_attempts": 2, "max_delay": "10ms"},
    )  # fmt: skip
    before = len(postgres.cluster.log)
    result = sluice.run(pipeline, "--log-level", "trace").expect(65)
    check_output(search, result)
    store = database.store()
    for table in store.tables():
        text = store.psql(f"COPY (SELECT * FROM {table}) TO STDOUT")
        assert text or table in ("endpoint_metrics", "endpoint_user_attributes", "user_attributes", "removals"), table
        search.check(table, text)
    search.check("the server's log", postgres.cluster.log[before:])
    search.check_folder(pipeline.folder)


@pytest.mark.parametrize("reader", ["file", "csv", "ndjson", "sqlite", "standard input"])
def test_ids_of_every_reader(sluice, scripted, tmp_path, search, reader):
    """A spool and a position may tell who is next until the run is complete, and nobody after it.

    Lines that are no IDs are failures whose `raw` says no more than the others.
    """
    bad = USERS[3].encode()
    folder, stdin, spooled = tmp_path / "input", None, reader in ("sqlite", "standard input")
    folder.mkdir()
    if reader == "sqlite":
        with sqlite3.connect(folder / "people.sqlite") as database:
            database.execute("CREATE TABLE people (id)")
            database.executemany("INSERT INTO people VALUES (?)", [(user,) for user in USERS])
            database.execute("INSERT INTO people VALUES (?)", (b"\xff" + bad,))
        users = {"type": "sqlite", "path": str(folder / "people.sqlite"), "query": "SELECT id FROM people"}
    elif reader == "csv":
        rows = [b"id,name", *(f'"{user}",x'.encode() for user in USERS), b"\xff" + bad + b",x", b"x", b'"' + bad]
        (folder / "users.csv").write_bytes(b"\n".join(rows) + b"\n")
        users = {"type": "file", "path": str(folder / "users.csv"), "column": "id"}
    elif reader == "ndjson":
        rows = [json.dumps({"id": user}).encode() for user in USERS]
        rows += [b'{"id":["' + bad + b'"]}', b'{"other":"' + bad + b'"}', b'{"id":"' + bad, b'{"id":"\xff' + bad + b'"}']
        (folder / "users.ndjson").write_bytes(b"\n".join(rows) + b"\n")
        users = {"type": "file", "path": str(folder / "users.ndjson"), "column": "id"}
    else:
        data = "".join(f"{user}\n" for user in USERS).encode() + b"\xff" + bad + b"\n"
        (folder / "users.txt").write_bytes(data)
        users = {"type": "file", "path": str(folder / "users.txt"), "format": "lines"}
        if reader == "standard input":
            users["path"], stdin = "-", open(folder / "users.txt", "rb")
    mask = {"type": "mask", "paths": ["User.UserId", "Id", "Address"], "with": "hmac-sha256", "key": KEY}
    drop = {"type": "drop", "paths": ["Attributes", "Location", "Metrics", "Demographic", "User.UserAttributes"]}
    pipeline = sluice.pipeline(
        "readers", scripted(answer).url, users, batch_size=25, transforms=[mask, drop], limits={"max_failed": "100%"},
        sinks=sinks_of(), retry={"max_attempts": 2, "max_delay": "10ms"},
    )  # fmt: skip
    result = sluice.run(pipeline, "--log-level", "trace", stdin=stdin)
    assert result.code == 65, result.err
    assert result.summary["records"] > 239
    check_output(search, result)
    search.check_folder(pipeline.folder)
    assert not spooled or not list(pipeline.folder.rglob("*.spool*"))


def test_hidden_values_of_an_archive(sluice, tmp_path, search):
    """Lines of an archive that fail are failures with as little to tell."""
    lines = []
    for user in USERS[:100]:
        for number in (0, 1):
            lines.append(json.dumps(endpoint(user, number), ensure_ascii=False).encode())
    broken = json.dumps(endpoint(USERS[0], 0)).encode()
    lines += [
        broken[:-2], broken + broken, b"\xff" + broken, broken.replace(b'"Id"', b'"NoId"'), b'"' + USERS[0].encode() + b'"',
        json.dumps({**endpoint(USERS[1], 0), "ApplicationId": OTHER_APPLICATION}).encode(),
        json.dumps({**endpoint(USERS[1], 0), "Id": 5}).encode(),
    ]  # fmt: skip
    (tmp_path / "archive.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    pipeline = archive(
        sluice, "hidden", tmp_path / "archive.ndjson", transforms=TRANSFORMS, sinks=sinks_of(),
        flatten={"columns": COLUMNS}, limits={"max_failed": "100%"},
    )  # fmt: skip
    result = sluice.run(pipeline, "--log-level", "trace").expect(65)
    assert result.summary["records"] == 207 and result.summary["failed"] in (6, 7)
    check_output(search, result)
    search.check_folder(pipeline.folder)


def test_hidden_values_in_the_middle_of_a_run(sluice, scripted, tmp_path, search):
    """Killed anywhere: neither the database and its log nor unfinished files tell. Only the state directory may."""
    held = []

    def slow(request):
        if int(request.user[-3:]) > 150 and not held:
            return Answer(delay=20)
        return answer(request)

    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    pipeline = sluice.pipeline(
        "killed", scripted(slow).url, tmp_path / "users.txt", batch_size=25, transforms=TRANSFORMS, concurrency=8,
        sinks=sinks_of(), flatten={"columns": COLUMNS}, limits={"max_failed": "100%"},
        retry={"max_attempts": 2, "max_delay": "10ms"},
    )  # fmt: skip
    process = sluice.start_run(pipeline, "--log-level", "trace")
    deadline = time.monotonic() + 30
    while True:
        try:
            with sqlite3.connect(f"file:{pipeline.database}?mode=ro", uri=True) as database:
                if database.execute("SELECT next_ordinal FROM sluice_checkpoints").fetchone()[0] >= 125:
                    break
        except (sqlite3.Error, TypeError):
            pass
        assert time.monotonic() < deadline and process.poll() is None, process.err_path.read_text()[-3000:]
        time.sleep(0.02)
    result = process.kill()
    assert pipeline.database.with_name("endpoints.sqlite-wal").exists()
    check_output(search, result)
    search.check_folder(pipeline.folder)
    held.append(True)
    check_output(search, sluice.run(pipeline, "--log-level", "trace").expect(65))
    search.check_folder(pipeline.folder)


def test_errors_of_sinks_tell_nothing(sluice, scripted, postgres, tmp_path, search):
    """What Postgres says of a row that it refuses would quote it."""
    database = postgres()
    (tmp_path / "users.txt").write_text("\n".join(USERS[:50]) + "\n")
    drop = {"type": "drop", "paths": ["Location", ["Metrics", "*"], ["User", "UserAttributes"]]}
    pipeline = sluice.pipeline(
        "refused", scripted(answer).url, tmp_path / "users.txt", batch_size=25, sinks=[database.sink(transforms=[*TRANSFORMS[:2], drop])],
        limits={"max_failed": "100%"}, retry={"max_attempts": 2, "max_delay": "10ms"},
    )  # fmt: skip
    sluice.run(pipeline).expect(65)
    database.psql("ALTER TABLE pinpoint.endpoints ADD CHECK (length(address) > 1000) NOT VALID")
    result = sluice.run(pipeline, "--log-level", "trace")
    assert result.code != 0
    check_output(search, result)


def test_a_message_that_quotes_a_value(sluice, scripted, tmp_path, search):
    """What a service says of a failed call may quote what nobody here has seen: with values to hide it isn't kept."""
    (tmp_path / "users.txt").write_text("\n".join(USERS[:5]) + "\n")

    def quoting(request):
        return error(400, "BadRequestException", f"The address {token(request.user, 'address')} of {json.dumps(request.user)} isn't valid")

    pipeline = sluice.pipeline(
        "quoted", scripted(quoting).url, tmp_path / "users.txt", transforms=TRANSFORMS, limits={"max_failed": "100%"},
        sinks=sinks_of(),
    )  # fmt: skip
    check_output(search, sluice.run(pipeline, "--log-level", "trace").expect(65))
    search.check_folder(pipeline.folder)
