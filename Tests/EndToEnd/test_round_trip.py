"""Nothing is lost: the rows of every layout in every sink give the answers again, by Python's own code.

The answers are those of the synthetic server, whose archive is the oracle, and texts and numbers that hurt.
"""

import gzip
import json

import pytest
from support.archives import archive
from support.content import Store
from support.expected import outcomes
from support.ndjson import Folder
from support.shapes import APPLICATION, LAYOUTS, MAPS, answered, entries, loads, oracle, restored
from support.values import Number, Values

LAYOUT_NAMES = list(LAYOUTS)
SINKS = ["sqlite", "postgres", "ndjson"]


@pytest.fixture
def place(tmp_path, request):
    """(the sink's options, a reader of its tables) of a sink's kind."""
    def make(kind, append=False):
        mode = "append" if append else "merge"
        if kind == "sqlite":
            path = tmp_path / "endpoints.sqlite"
            return {"type": "sqlite", "path": str(path), "mode": mode}, lambda table: of_sqlite(path, table)
        if kind == "postgres":
            database = request.getfixturevalue("postgres")()
            return database.sink(mode), lambda table: of_postgres(database.store(), table)
        path = tmp_path / "lines"
        return {"type": "ndjson", "path": str(path), "mode": "append"}, lambda table: of_lines(path, table)

    return make


def of_sqlite(path, table):
    store = Store(path)
    names = store.columns(table)
    return [dict(zip(names, row, strict=True)) for row in store.query(f"SELECT * FROM {table}")]


def of_postgres(store, table):
    """Texts but for numbers; times as UTC."""
    columns = store.columns(table)
    fields = ", ".join(
        f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')" if "timestamp" in kind else name
        for name, kind in columns
    )
    kinds = {"bigint": int, "double precision": float}
    return [
        {name: None if cell is None else kinds.get(kind, str)(cell) for (name, kind), cell in zip(columns, row, strict=True)}
        for row in store.query(f"SELECT {fields} FROM {table}")
    ]


def of_lines(path, table):
    reals = {"location_latitude", "location_longitude"} | ({"value"} if table == "endpoint_metrics" else set())
    result = []
    for file in Folder(path).current.paths(table):
        with gzip.open(file, "rb") as lines:
            for line in lines:
                row = json.loads(line, parse_int=Number, parse_float=Number)
                for name, value in row.items():
                    if name in reals and value is not None:
                        row[name] = float(value)
                    elif name in ("position", "ordinal", "endpoint_count") and value is not None:
                        row[name] = int(value)
                result.append(row)
    return result


def endpoints_of(read, layout):
    """[(row of endpoints, endpoint)] as the rows have it."""
    maps = {}
    if layout == "normalized":
        for column, table in MAPS.items():
            for row in sorted(read(table), key=lambda row: row.get("position", 0)):
                of_one = maps.setdefault((row["application_id"], row["endpoint_id"]), {name: {} for name in MAPS})[column]
                if column == "metrics":
                    of_one[row["name"]] = row["value"]
                else:
                    of_one.setdefault(row["name"], []).append(row["value"])
    result = []
    for row in read("endpoints"):
        if layout == "normalized":
            own = maps.get((row["application_id"], row["endpoint_id"]), {name: {} for name in MAPS})
            own = {column: list(values.items()) for column, values in own.items()}
        else:
            own = {column: entries(row[column]) for column in MAPS}
            own["metrics"] = [(name, float(value)) for name, value in own["metrics"]]
        result.append((row, restored(row, own)))
    return result


def same_endpoints(have, want):
    """Endpoints by ID; fails at the first that differs."""
    assert have.keys() == want.keys(), f"{len(have)} and {len(want)} endpoints"
    for identity, endpoint in want.items():
        assert have[identity] == endpoint, f"{identity!a}:\n  restored {have[identity]!a}\n  answered {endpoint!a}"


#: Columns that are pulled out take nothing away from what is there otherwise.
COLUMNS = [
    {"name": "interests", "from": "Attributes.Interests", "as": "joined"},
    {"name": "age", "from": "Attributes.age", "as": "number"},
    {"name": "lifetime", "from": "Metrics.lifetime_value", "as": "number"},
    {"name": "tier", "from": "User.UserAttributes.tier", "as": "json"},
    {"name": "city", "from": "Location.City", "as": "first"},
]


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_answers_of_the_synthetic_server(sluice, synthetic, place, layout, kind):
    server = synthetic(users=1500, seed=5, archive=True)
    sink, read = place(kind)
    flatten = {"layout": layout, "columns": COLUMNS}
    pipeline = sluice.pipeline("round", server.url, server.ids, sinks=[sink], flatten=flatten)
    sluice.run(pipeline).expect(0)
    want, number = {}, 0
    with open(server.archive, encoding="utf-8", newline="\n") as lines:
        for user, _, count in outcomes(server.outcomes):
            for _ in range(count):
                endpoint = answered(next(lines), user)
                want[endpoint["Id"]] = (user, endpoint)
                number += 1
    assert len(want) == number > 3000
    have = {row["endpoint_id"]: (row["user_id"], endpoint) for row, endpoint in endpoints_of(read, layout)}
    same_endpoints(have, want)
    people = {(row["user_id"], row["status"], row["endpoint_count"]) for row in read("users")}
    assert people == set(outcomes(server.outcomes))


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_lines_of_an_archive(sluice, tmp_path, place, layout, kind):
    """The same from an archive, where nothing is known but what a line says."""
    path = tmp_path / "archive.ndjson"
    files = ["--ids", tmp_path / "ids", "--archive", path, "--files-only"]
    sluice("serve", "--synthetic", "--users", "800", "--seed", "11", "--application-id", APPLICATION, *files).expect(0)
    bare = [b'{"Id":"bare"}', b'{"Id":"bare user","User":{}}', b'{"Id":"null user","User":null,"ApplicationId":null}']
    bare.append(b'{"Id":"of nobody","User":{"UserId":null,"UserAttributes":{"a":["b"]}}}')
    data = path.read_bytes() + b"\n".join(bare) + b"\n"
    path.write_bytes(data)
    sink, read = place(kind, append=True)
    pipeline = archive(sluice, "round", path, sinks=[sink], flatten={"layout": layout, "columns": COLUMNS})
    # An endpoint of no application is one of the pipeline's.
    result = sluice.run(pipeline)
    assert result.code in (0, 65), result.err
    failed = {row["ordinal"] for row in read("failures")}
    want = {}
    for ordinal, line in enumerate(data.decode().split("\n")[:-1]):
        if str(ordinal) not in map(str, failed):
            endpoint = answered(line)
            want[endpoint["Id"]] = endpoint
    assert len(failed) <= 1 and len(want) > 1500
    have = {row["endpoint_id"]: endpoint for row, endpoint in endpoints_of(read, layout)}
    same_endpoints(have, want)


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_values_that_hurt(sluice, scripted, tmp_path, place, layout, kind, dice):
    values = Values(dice)
    sink, read = place(kind)
    pipeline = sluice.pipeline(
        "round", scripted(values.answer).url, values.reader(tmp_path / "users.ndjson"), batch_size=40, sinks=[sink],
        limits={"accept_failed": "100%"}, flatten={"layout": layout, "columns": COLUMNS},
    )  # fmt: skip
    sluice.run(pipeline).expect(0)
    failed = {row["user_id"] for row in read("failures")}
    want = {}
    for user, body in values.users:
        if user in failed:
            continue
        item = loads(body.decode())["Item"]
        for endpoint in item or []:
            endpoint.setdefault("ApplicationId", APPLICATION)
            if isinstance(endpoint.setdefault("User", {}), dict):
                endpoint["User"].setdefault("UserId", user)
            want[endpoint["Id"]] = endpoint
    storable = sum(oracle.storable(identity) for identity in want)
    assert storable == len(want) > 300
    have = {row["endpoint_id"]: endpoint for row, endpoint in endpoints_of(read, layout)}
    same_endpoints(have, want)
