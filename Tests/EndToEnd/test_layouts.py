"""The tables of each layout in every sink, as the design lists them, and what stands in the nested columns."""

import gzip
import json

import pytest
from support.content import ENDPOINT_COLUMNS, MERGE_COLUMNS, Store
from support.ndjson import Folder
from support.scripted_server import endpoints, error
from support.shapes import DOCUMENT_COLUMNS, LAYOUTS, MAPS, PLACE, documents, entries, number
from support.sluice import LOGICAL_DATE
from support.values import FAILURE_COLUMNS, Number, Values, expected, parse_json

RUN, DATE = "under-test-20260102T030405Z", "2026-01-02T03:04:05.000Z"

# As the design has them, apart from `support.content`, that a mistake there would be seen.
TEXT, REAL, INTEGER, JSON, TIME = "text", "real", "integer", "json", "time"
USERS = [("application_id", TEXT), ("user_id", TEXT), ("status", TEXT), ("endpoint_count", INTEGER), ("ordinal", INTEGER),
         ("run_id", TEXT), ("logical_date", TIME)]  # fmt: skip
ENDPOINTS = [
    ("application_id", TEXT), ("endpoint_id", TEXT), ("user_id", TEXT), ("address", TEXT), ("channel_type", TEXT),
    ("cohort_id", TEXT), ("creation_date", TIME), ("effective_date", TIME), ("endpoint_status", TEXT), ("opt_out", TEXT),
    ("request_id", TEXT), ("demographic_app_version", TEXT), ("demographic_locale", TEXT), ("demographic_make", TEXT),
    ("demographic_model", TEXT), ("demographic_model_version", TEXT), ("demographic_platform", TEXT),
    ("demographic_platform_version", TEXT), ("demographic_timezone", TEXT), ("location_city", TEXT),
    ("location_country", TEXT), ("location_latitude", REAL), ("location_longitude", REAL), ("location_postal_code", TEXT),
    ("location_region", TEXT),
]  # fmt: skip
AFTER = [("extra", JSON), ("ordinal", INTEGER), ("run_id", TEXT), ("logical_date", TIME)]
ATTRIBUTES = [("application_id", TEXT), ("endpoint_id", TEXT), ("name", TEXT), ("position", INTEGER), ("value", TEXT)]
METRICS = [("application_id", TEXT), ("endpoint_id", TEXT), ("name", TEXT), ("value", REAL)]
USER_ATTRIBUTES = [("application_id", TEXT), ("endpoint_id", TEXT), ("user_id", TEXT), ("name", TEXT), ("position", INTEGER),
                   ("value", TEXT)]  # fmt: skip
FAILURES = [("run_id", TEXT), ("shard", INTEGER), ("ordinal", INTEGER), ("source_file", TEXT), ("line", INTEGER),
            ("user_id", TEXT), ("raw", TEXT), ("status", INTEGER), ("code", TEXT), ("message", TEXT), ("request_id", TEXT),
            ("attempts", INTEGER), ("logical_date", TIME)]  # fmt: skip
DESIGN = {
    "normalized": {
        "users": USERS, "endpoints": ENDPOINTS + AFTER, "endpoint_attributes": ATTRIBUTES, "endpoint_metrics": METRICS,
        "endpoint_user_attributes": USER_ATTRIBUTES, "failures": FAILURES,
    },
    "document": {
        "users": USERS,
        "endpoints": ENDPOINTS + [("attributes", JSON), ("metrics", JSON), ("user_attributes", JSON)] + AFTER,
        "failures": FAILURES,
    },
}  # fmt: skip
KEYS = {
    "users": ["application_id", "user_id"], "endpoints": ["application_id", "endpoint_id"],
    "endpoint_attributes": ["application_id", "endpoint_id", "name", "position"],
    "endpoint_metrics": ["application_id", "endpoint_id", "name"],
    "endpoint_user_attributes": ["application_id", "endpoint_id", "name", "position"],
    "failures": ["run_id", "shard", "ordinal"],
}  # fmt: skip
CHILDREN = ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes")
SQLITE = {TEXT: "TEXT", REAL: "REAL", INTEGER: "INTEGER", JSON: "TEXT", TIME: "TEXT"}
POSTGRES = {TEXT: "text", REAL: "double precision", INTEGER: "bigint", JSON: "jsonb", TIME: "timestamp with time zone"}
LAYOUT_NAMES = list(DESIGN)
MODES = ["merge", "append", "replace"]


def shape(layout, mode):
    """{table: ([(column, kind)], [key column])} of a layout in a mode."""
    result = {}
    for table, columns in DESIGN[layout].items():
        key = KEYS[table]
        if mode == "append":
            if table in CHILDREN:
                columns = [*columns, ("run_id", TEXT)]
            key = key if table == "failures" else ["run_id", *key]
        if mode == "merge" and table == "endpoints":
            columns = [*columns, ("changed_at", TIME)]
        result[table] = (columns, key)
    if mode == "merge":
        texts = [(name, TEXT) for name in ("application_id", "endpoint_id", "user_id", "reason", "run_id")]
        result["removals"] = ([*texts, ("logical_date", TIME)], ["application_id", "endpoint_id", "run_id"])
    return result


def answer(request):
    if request.user.startswith("bad"):
        return error(400, "BadRequestException", "Not a user")
    return endpoints(request.user, 2)


def run(sluice, scripted, tmp_path, layout, sinks, **settings):
    (tmp_path / "users.txt").write_text("anna\nbert\nbad\n")
    flatten = {"layout": layout} if layout != "default" else {}
    pipeline = sluice.pipeline(
        "layout", scripted(answer).url, tmp_path / "users.txt", flatten=flatten, sinks=sinks, limits={"accept_failed": 1},
        **settings,
    )  # fmt: skip
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    return pipeline


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_tables_in_sqlite(sluice, scripted, tmp_path, layout, mode):
    pipeline = run(sluice, scripted, tmp_path, layout, [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}])
    store = Store(pipeline.database)
    want = shape(layout, mode)
    found = {name for (name,) in store.query("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {name for name in found if not name.startswith("sqlite_")} == {
        *want, "sluice_runs", "sluice_checkpoints", "sluice_tables", "sluice_format",
    }  # fmt: skip
    for table, (columns, key) in want.items():
        described = store.query(f"PRAGMA table_info({table})")
        assert [(row[1], row[2]) for row in described] == [(name, SQLITE[kind]) for name, kind in columns], table
        assert [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]] == key, table
        assert all(row[3] for row in described if row[5]), f"{table}: a key column may be NULL"
    views = store.query("SELECT name FROM sqlite_schema WHERE type = 'view'")
    assert views == ([("user_attributes",)] if layout == "normalized" else [])
    indexes = [row[1] for row in store.query("PRAGMA index_list(endpoints)") if row[3] == "c"]
    leading = [[row[2] for row in store.query(f"PRAGMA index_info({name})")] for name in indexes]
    assert any(columns[-2:] == ["user_id", "application_id"] for columns in leading), leading


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_tables_in_postgres(sluice, scripted, postgres, tmp_path, layout, mode):
    database = postgres()
    run(sluice, scripted, tmp_path, layout, [database.sink(mode)])
    store, want = database.store(), shape(layout, mode)
    views = ["user_attributes"] if layout == "normalized" else []
    for table, (columns, key) in want.items():
        assert store.columns(table) == [(name, POSTGRES[kind]) for name, kind in columns], table
        oid = f"'pinpoint.{table}'::regclass"
        found = store.query(
            "SELECT a.attname, a.attnotnull, coalesce(c.collname, '') FROM pg_index i "
            "CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (number, place) "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
            f"LEFT JOIN pg_collation c ON c.oid = a.attcollation WHERE i.indrelid = {oid} AND i.indisprimary "
            "ORDER BY k.place"
        )
        kinds = dict(columns)
        assert found == [(name, "t", "C" if kinds[name] == TEXT else "") for name in key], table
    tables = [name for name in store.tables() if not name.startswith("sluice_")]
    assert sorted(tables) == sorted([*want, *views])


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_keys_in_ndjson(sluice, scripted, tmp_path, layout, mode):
    """Every row has every key, in the columns' order."""
    pipeline = run(sluice, scripted, tmp_path, layout, [{"type": "ndjson", "path": "out/lines", "mode": mode}])
    folder, want = Folder(pipeline.folder / "out/lines").current, shape(layout, mode)
    folder.check()
    kinds = {TEXT: str, REAL: (int, float), INTEGER: int, TIME: str, JSON: (list, dict)}
    assert sorted(path.name for path in folder.folder.iterdir() if path.is_dir()) == sorted(want)
    for table, (columns, _) in want.items():
        lines = b"".join(gzip.decompress(path.read_bytes()) for path in folder.paths(table)).decode().splitlines()
        assert lines, f"nothing stands in {table}"
        for line in lines:
            pairs = json.loads(line, object_pairs_hook=list)
            assert [name for name, _ in pairs] == [name for name, _ in columns], table
            for name, kind in columns:
                value = json.loads(line)[name]
                # JSON as text, so that the column has one type in every row.
                wanted = str if name == "extra" else kinds[kind]
                assert value is None or isinstance(value, wanted), f"{table}.{name}: {value!r}"


def test_normalized_is_the_default(sluice, scripted, tmp_path):
    pipeline = run(sluice, scripted, tmp_path, "default", [{"type": "sqlite", "path": "out/endpoints.sqlite"}])
    assert Store(pipeline.database).columns("endpoints") == ENDPOINT_COLUMNS + MERGE_COLUMNS


# What stands in them --------------------------------------------------------------------------------------------------


@pytest.fixture
def values(dice):
    return Values(dice)


def pipeline_of(sluice, scripted, values, tmp_path, sinks):
    server = scripted(values.answer)
    return sluice.pipeline(
        "values", server.url, values.reader(tmp_path / "users.ndjson"), batch_size=40, flatten={"layout": "document"},
        limits={"accept_failed": "100%"}, sinks=sinks,
    )  # fmt: skip


def read_sqlite(store):
    return lambda table: store.query(f"SELECT {', '.join(LAYOUTS['document'][table])} FROM {table}")


def read_lines(folder):
    def read(table):
        lines = b"".join(gzip.decompress(path.read_bytes()) for path in folder.paths(table)).decode().split("\n")[:-1]
        rows = [parse_json(line) for line in lines]
        return [[plain_cell(table, name, row[name]) for name in LAYOUTS["document"][table]] for row in rows]

    return read


def read_postgres(store):
    """Times as UTC text, numbers as numbers; JSON as its text."""
    def read(table):
        columns = store.columns(table)
        fields = (
            f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')" if "timestamp" in kind else name
            for name, kind in columns
        )
        kinds = {"bigint": int, "double precision": float}
        return [
            [cell if cell is None else kinds.get(kind, str)(cell) for cell, (_, kind) in zip(row, columns, strict=True)]
            for row in store.query(f"SELECT {', '.join(fields)} FROM {table}")
        ]

    return read


def plain_cell(table, name, value):
    kind = dict(DESIGN["document"][table])[name]
    return value if value is None else {REAL: float, INTEGER: int}.get(kind, lambda value: value)(value)


def same_documents(read, want, in_order=True):
    """Fails at the first row that isn't as the oracle says."""
    want = documents(want)
    names = LAYOUTS["document"]["endpoints"]
    rows = {(row[0], row[1]): list(row) for row in read("endpoints")}
    right = {(row[0], row[1]): list(row) for row in want["endpoints"]}
    assert len(right) == len(want["endpoints"]) and rows.keys() == right.keys()
    nested = 0
    for key, row in rows.items():
        for place, name in enumerate(names):
            cell, should = row[place], right[key][place]
            if name in MAPS:
                cell = entries(parse_json(cell) if isinstance(cell, str) else cell)
                if name == "metrics":
                    cell = [(metric, float(value)) for metric, value in cell]
                assert len({entry[0] for entry in cell}) == len(cell)
                if not in_order:
                    cell, should = sorted(cell), sorted(should)
                nested += len(should)
            elif name == "extra":
                cell = cell if isinstance(cell, dict) else parse_json(cell)
                if not in_order:
                    cell, should = decimals(cell), decimals(should)
            assert cell == should and (name in ("extra", *MAPS) or type(cell) is type(should)), (
                f"{name} of {key!a}:\n  stored   {cell!a}\n  expected {should!a}"
            )
    assert nested > 100
    assert sorted(map(tuple, read("users"))) == sorted(map(tuple, want["users"]))
    failures = [[row[LAYOUTS["document"]["failures"].index(name)] for name in FAILURE_COLUMNS] for row in read("failures")]
    assert sorted(failures, key=repr) == sorted(want["failures"], key=repr) and failures
    return nested


def decimals(value):
    """Numbers by their decimal value, all that jsonb keeps of them."""
    if isinstance(value, dict):
        return {name: decimals(member) for name, member in value.items()}
    if isinstance(value, list):
        return [decimals(element) for element in value]
    return number(value) if isinstance(value, Number) else value


def test_documents_in_sqlite(sluice, scripted, values, tmp_path):
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite"}]
    pipeline = pipeline_of(sluice, scripted, values, tmp_path, sinks)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = Store(pipeline.database)
    print(same_documents(read_sqlite(store), expected(values, RUN, DATE)), "entries of maps")
    for column in (*MAPS, "extra"):
        assert store.value(f"SELECT count(*) FROM endpoints WHERE {column} IS NULL OR NOT json_valid({column})") == 0
        assert store.value(f"SELECT count(*) FROM endpoints WHERE json_type({column}) <> 'object'") == 0


def test_documents_in_ndjson(sluice, scripted, values, tmp_path):
    sinks = [{"type": "ndjson", "path": str(tmp_path / "out"), "mode": "replace"}]
    pipeline = pipeline_of(sluice, scripted, values, tmp_path, sinks)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    folder = Folder(tmp_path / "out").current
    folder.check()
    same_documents(read_lines(folder), expected(values, RUN, DATE))
    for path in folder.paths("endpoints"):
        for line in gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]:
            row = json.loads(line)
            assert list(row) == DOCUMENT_COLUMNS and all(isinstance(row[column], list) for column in MAPS)


def test_documents_in_postgres(sluice, scripted, postgres, values, tmp_path):
    database = postgres()
    pipeline = pipeline_of(sluice, scripted, values, tmp_path, [database.sink()])
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    same_documents(read_postgres(database.store()), expected(values, RUN, DATE), in_order=False)


@pytest.mark.parametrize("mode", MODES)
def test_documents_are_the_same_again(sluice, scripted, tmp_path, mode):
    """A second run of the same answers leaves the same rows, with nothing removed; the extra columns stay in their place."""
    (tmp_path / "users.txt").write_text("anna\nbert\n")
    columns = [{"name": "interests", "from": "Attributes.Interests", "as": "joined"}]
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}]
    pipeline = sluice.pipeline(
        "again", scripted(answer).url, tmp_path / "users.txt", sinks=sinks,
        flatten={"layout": "document", "columns": columns},
    )  # fmt: skip
    stores = []
    for day in (1, 2):
        result = sluice.run(pipeline, "--logical-date", f"2026-01-0{day}T00:00:00Z").expect(0)
        assert result.summary["removed"] == 0
        store = Store(pipeline.database)
        own = MERGE_COLUMNS if mode == "merge" else []
        names = [name for name in store.columns("endpoints") if name not in ("run_id", "logical_date", *own)]
        assert store.columns("endpoints") == [*DOCUMENT_COLUMNS, *own, "interests"]
        stores.append(sorted(store.query(f"SELECT {', '.join(names)} FROM endpoints")))
    assert len(stores[0]) == 4 and stores[0][0][PLACE] == '{"Interests":["reading","sailing"]}'
    assert stores[1] == (sorted(stores[0] * 2) if mode == "append" else stores[0])


@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_another_layout_over_the_same_tables(sluice, scripted, tmp_path, mode):
    """From normalized to document: either the tables follow, or it is refused; never half of each."""
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}]
    pipeline = run(sluice, scripted, tmp_path, "normalized", sinks)
    before = Store(pipeline.database).rows("endpoints")
    pipeline.document["flatten"] = {"layout": "document"}
    pipeline.write()
    result = sluice.run(pipeline, "--logical-date", "2026-02-02T00:00:00Z")
    store = Store(pipeline.database)
    if result.code == 0:
        assert set(DOCUMENT_COLUMNS) <= set(store.columns("endpoints"))
        maps = store.query("SELECT attributes, metrics, user_attributes FROM endpoints")
        assert len(maps) == 4 and all(None not in row for row in maps)
        for table in CHILDREN:
            if store.columns(table):
                assert store.count(table) == 0, f"{table} still holds rows that nothing keeps up to date"
    else:
        assert result.expect(78).message and store.rows("endpoints") == before
