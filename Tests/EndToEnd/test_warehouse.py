"""Warehouse tools on the output as it stands: DuckDB, pandas and polars without options, BigQuery's rules, dbt.

What a reader that looks at the first rows alone can't know, it is told: the README names the option.
"""

import gzip
import importlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.archives import archive, line
from support.dbt_calls import dbt  # noqa: F401
from support.ndjson import Folder
from support.postgres import PASSWORD, ROLE
from support.shapes import APPLICATION, LAYOUTS

LAYOUT_NAMES = list(LAYOUTS)
#: Further rows than any of the readers looks at in advance.
FAR = 30_000
COLUMNS = [
    {"name": "interests", "from": "Attributes.Interests", "as": "joined"},
    {"name": "tiers", "from": "User.UserAttributes.tier", "as": "json"},
    {"name": "score", "from": "Metrics.score", "as": "number"},
]


def endpoint(number):
    """Plain ones, and behind `FAR` all that is unlike what stood in front."""
    result = {"Id": f"e{number:06d}", "ApplicationId": APPLICATION, "ChannelType": "EMAIL"}
    if number == 0:
        # Every column but `extra` has something within what readers sample.
        return FULL
    if number < FAR:
        return {**result, "Attributes": {"Interests": ["a"]}} if number % 1000 == 0 else result
    return {
        **result, "Address": f"late-{number}@example.com", "CreationDate": "2026-01-01T00:00:00.000Z",
        "Location": {"City": "Köln", "Latitude": 50.25, "Longitude": 7, "Planet": "Earth"}, "OptOut": ["not", "a", "text"],
        "Attributes": {"color": ["a"], "Color": ["b"], "COLOR": ["c", "d"], "Interests": ["x", None, 5], f"new {number}": ["n"]},
        "Metrics": {"score": 1.5, "Score": 2},
        "User": {"UserId": f"u{number}", "UserAttributes": {"tier": ["gold"], "Tier": ["silver"]}},
        "Late": {"Deep": [1, "two", {"three": None}], "deep": "again"}, "late": 1, "LATE": "text",
    }  # fmt: skip


FULL = {
    "Id": "e000000", "ApplicationId": APPLICATION, "Address": "full@example.com", "ChannelType": "EMAIL", "CohortId": "7",
    "CreationDate": "2026-01-01T00:00:00.000Z", "EffectiveDate": "2026-01-01T00:00:00.000Z", "EndpointStatus": "ACTIVE",
    "OptOut": "NONE", "RequestId": "r",
    "Demographic": {name: "x" for name in (
        "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion", "Timezone"
    )},
    "Location": {"City": "x", "Country": "DEU", "Latitude": 1.5, "Longitude": 2.5, "PostalCode": "D-01234", "Region": "x"},
    "Attributes": {"Interests": ["a"]}, "Metrics": {"score": 0.5},
    "User": {"UserId": "u", "UserAttributes": {"tier": ["x"]}},
}  # fmt: skip
COUNT = FAR + 60


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    path = tmp_path_factory.mktemp("late") / "archive.ndjson"
    path.write_bytes(b"".join(line(endpoint(number)) for number in range(COUNT)))
    return path


@pytest.fixture
def output(sluice, lines, layout):
    """(the folder of a published run, its rows by Python's json)."""
    pipeline = archive(
        sluice, "late", lines, flatten={"layout": layout, "columns": COLUMNS}, batch_size=2000,
        sinks=[{"type": "ndjson", "path": "out/lines", "mode": "replace"}],
    )  # fmt: skip
    sluice.run(pipeline).expect(0)
    run = Folder(pipeline.folder / "out/lines").current
    rows = {}
    for table in LAYOUTS[layout]:
        data = b"".join(gzip.decompress(path.read_bytes()) for path in run.paths(table))
        rows[table] = [json.loads(row) for row in data.decode().splitlines()]
    assert len(rows["endpoints"]) == COUNT
    return run, rows


def compact(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def same(table, have, want, without=()):
    assert len(have) == len(want)
    for row, right in zip(have, want, strict=True):
        assert row.keys() == right.keys(), f"{table}: {list(row)}"
        for name, value in right.items():
            if name in without:
                continue
            assert equal(row[name], value), f"{table}.{name}: {row[name]!r} read, {value!r} written"


def equal(cell, value):
    """The reader's value is what was written, be it as JSON's text, with a list's nulls or a struct's absent members."""
    if isinstance(cell, str) and cell != value:
        try:
            cell = json.loads(cell)
        except ValueError:
            return False
    if hasattr(cell, "isoformat"):
        text = cell.isoformat(timespec="milliseconds").replace("+00:00", "")
        return isinstance(value, str) and text == value.removesuffix("Z")
    if isinstance(value, dict):
        if not isinstance(cell, dict):
            return cell is None and not value
        cell = {name: member for name, member in cell.items() if member is not None or name in value}
        return cell.keys() == value.keys() and all(equal(cell[name], value[name]) for name in value)
    if isinstance(value, list):
        return isinstance(cell, list) and len(cell) == len(value) and all(map(equal, cell, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return isinstance(cell, (int, float)) and cell == value
    return cell == value


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_duckdb_reads_all(output):
    import duckdb

    run, rows = output
    for table, want in rows.items():
        if not want:
            continue
        connection = duckdb.connect()
        source = f"FROM '{run.folder}/{table}/*.ndjson.gz'"
        columns = [row[:2] for row in connection.execute(f"DESCRIBE SELECT * {source}").fetchall()]
        # Times come to Python as texts, since a zone would need a package more.
        fields = ", ".join(
            f"strftime({name}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')" if "TIMESTAMP" in kind else name for name, kind in columns
        )
        rows_read = connection.execute(f"SET timezone = 'UTC'; SELECT {fields} {source}").fetchall()
        have = [dict(zip((name for name, _ in columns), row, strict=True)) for row in rows_read]
        key = "endpoint_id" if table != "users" else "user_id"
        order = lambda row, key=key: (row[key], row.get("name", ""), row.get("position", 0))  # noqa: E731
        same(table, sorted(have, key=order), sorted(want, key=order))


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_pandas_reads_all(output):
    import pandas

    run, rows = output
    for table, want in rows.items():
        have = []
        for path in run.paths(table):
            frame = pandas.read_json(path, lines=True)
            have += [
                {name: None if value is None or value is pandas.NaT or value != value else value for name, value in row.items()}
                for row in frame.to_dict("records")
            ]
        for row in have:
            # Pandas takes texts for numbers where all of a column's look like them.
            if row.get("cohort_id") is not None:
                row["cohort_id"] = f"{row['cohort_id']:g}"
        same(table, have, want)


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_polars_reads_all(output):
    import polars

    run, rows = output
    for table, want in rows.items():
        have = []
        for path in run.paths(table):
            if gzip.decompress(path.read_bytes()):
                have += polars.read_ndjson(path).to_dicts()
        # `extra` and columns `as: json` have members as they come, which polars takes from the first rows.
        same(table, have, want, without=("extra", "tiers"))


@pytest.mark.parametrize("layout", ["normalized"])
def test_extra_in_polars(output):
    import polars

    run, rows = output
    (path,) = run.paths("endpoints")
    have = polars.read_ndjson(path, schema_overrides={"extra": polars.String}, infer_schema_length=None)["extra"]
    assert all(map(equal, have.to_list(), (row["extra"] for row in rows["endpoints"])))


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_bigquery_s_rules_hold(output):
    """Names of columns differ not in case alone, no object has a name twice, and a column has one type in all rows."""
    run, rows = output
    for table in rows:
        kinds = {}
        for path in run.paths(table):
            for text in gzip.decompress(path.read_bytes()).decode().splitlines():
                row = json.loads(text, object_pairs_hook=unique)
                assert len({name.lower() for name in row}) == len(row)
                for name, value in row.items():
                    assert name.isascii() and name.replace("_", "a").isalnum()
                    # `extra` and columns `as: json` are of BigQuery's type JSON, which takes any value.
                    if value is not None and name not in ("extra", "tiers"):
                        kinds.setdefault(name, set()).add(shape(value))
        for name, found in kinds.items():
            assert len(found - {("list", None)}) <= 1, f"{table}.{name}: {found}"


def unique(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"a name stands twice in {names}"
    return dict(pairs)


def shape(value):
    if isinstance(value, list):
        shapes = {shape(element) for element in value}
        assert len(shapes) <= 1, value
        return ("list", shapes.pop() if shapes else None)
    if isinstance(value, dict):
        return tuple((name, shape(member)) for name, member in value.items())
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


# dbt ------------------------------------------------------------------------------------------------------------------

PROJECT = Path(__file__).parent / "support" / "dbt"


def build(dbt, folder, profile, schema):
    """Builds the models and runs their tests."""
    project = folder / "project"
    shutil.copytree(PROJECT, project)
    profiles = {"endpoints": {"target": "test", "outputs": {"test": {"threads": 1, **profile}}}}
    (project / "profiles.yml").write_text(json.dumps(profiles))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [dbt, "build", "--project-dir", project, "--profiles-dir", project, "--vars", json.dumps({"source_schema": schema})]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=project, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    results = json.loads((project / "target/run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"success", "pass"}, results
    assert sum(result["unique_id"].startswith("model.") for result in results) == 3


@pytest.mark.soak
@pytest.mark.limit(900)
def test_dbt_on_postgres(sluice, synthetic, postgres, tmp_path, dbt):  # noqa: F811
    database, server = postgres(), synthetic(users=500)
    pipeline = sluice.pipeline("dbt", server.url, server.ids, sinks=[database.sink()])
    summary = sluice.run(pipeline).expect(0).summary
    cluster = database.cluster
    profile = {
        "type": "postgres", "host": "127.0.0.1", "port": cluster.port, "user": ROLE, "password": PASSWORD,
        "dbname": database.name, "schema": "models",
    }  # fmt: skip
    build(dbt, tmp_path, profile, "pinpoint")
    store = database.store("models")
    assert store.count("user_channels") == summary["found"] and store.count("attribute_values") > 0


@pytest.mark.soak
@pytest.mark.limit(900)
def test_dbt_on_duckdb(sluice, synthetic, tmp_path, dbt):  # noqa: F811
    """On views over the files."""
    import duckdb

    server = synthetic(users=500)
    sinks = [{"type": "ndjson", "path": "out/lines", "mode": "replace"}]
    pipeline = sluice.pipeline("dbt", server.url, server.ids, sinks=sinks)
    summary = sluice.run(pipeline).expect(0).summary
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA pinpoint")
        for table in ("users", "endpoints", "endpoint_attributes"):
            files = f"{pipeline.folder}/out/lines/current/{table}/*.ndjson.gz"
            connection.execute(f"CREATE VIEW pinpoint.{table} AS SELECT * FROM '{files}'")
    build(dbt, tmp_path, {"type": "duckdb", "path": str(path), "schema": "models"}, "pinpoint")
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT count(*) FROM models.user_channels").fetchone()[0] == summary["found"]


@pytest.mark.parametrize("reader", ["duckdb", "polars"])
def test_a_column_that_is_null_for_long(sluice, tmp_path, reader):
    """A column whose first value stands behind all that a reader samples."""
    module = importlib.import_module(reader)
    path = tmp_path / "archive.ndjson"
    rows = ({"Id": f"e{number:06d}", "ApplicationId": APPLICATION} for number in range(FAR))
    path.write_bytes(b"".join(map(line, [*rows, {**FULL, "Id": "late"}])))
    sinks = [{"type": "ndjson", "path": "out/lines", "mode": "replace"}]
    pipeline = archive(sluice, "late", path, sinks=sinks, batch_size=2000)
    sluice.run(pipeline).expect(0)
    (file,) = Folder(pipeline.folder / "out/lines").current.paths("endpoints")
    if reader == "duckdb":
        read = f"read_json('{file}', sample_size = -1)"
        found = module.connect().execute(f"SELECT address FROM {read} WHERE endpoint_id = 'late'").fetchall()
    else:
        # What stands in `extra` first may be an empty map, which fixes nothing.
        table = module.read_ndjson(file, infer_schema_length=None, schema_overrides={"extra": module.String})
        found = table.filter(module.col("endpoint_id") == "late").select("address").rows()
    assert found == [("full@example.com",)]
