"""`sluice tables`: what is printed is used, by real programs where there are any, and by parsers of the dialects elsewhere."""

import gzip
import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import suppress
from decimal import Decimal

import pytest
import sqlglot
import zstandard
from jsonschema import Draft202012Validator
from sqlglot import exp
from support.archives import archive
from support.dbt_calls import dbt  # noqa: F401
from support.ndjson import Folder, unpacked
from support.shards import DATED
from support.sluice import APPLICATION

TABLES = {
    "normalized": [
        "users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures",
    ],
    "document": ["users", "endpoints", "failures"],
}  # fmt: skip
COLUMNS = [
    {"name": "tiers", "from": "User.UserAttributes.tier", "as": "json"},
    {"name": "order", "from": "Metrics.half", "as": "number"},
    # Names that the scripts would like to have for themselves, and one that YAML takes for nothing.
    {"name": "sluice_place", "from": "Attributes.Color", "as": "first"},
    {"name": "EXTRA_text", "from": "Attributes.Color", "as": "first"},
    {"name": "null", "from": "Attributes.Color", "as": "first"},
]
#: A folder whose name is a pattern that fits another one.
FOLDER = "it's [o]ut"
#: Every value that a reader who guesses gets wrong.
AWKWARD = {
    "Id": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "ApplicationId": APPLICATION, "Address": "2026-01-02", "CohortId": "007",
    "EffectiveDate": "0001-01-02T03:04:05.678Z", "CreationDate": "9999-12-31T23:59:59.999Z",
    "Location": {"Latitude": 0.1, "Longitude": -122.00000000000001, "PostalCode": "00501", "City": "Köln '\"\\ \u2028"},
    "Attributes": {"Color": ["007", ""], "color": ["1e309"], "COLOR": ["2026-01-01T00:00:00.000Z"], "it's": ["a\tb\\n"]},
    "Metrics": {"half": 0.5, "tenth": 0.1, "zero": -0.0, "huge": 1.7976931348623157e308, "tiny": 5e-324, "long": 123456789.12345679},
    "User": {"UserId": "00042", "UserAttributes": {"tier": ["null", "true", None], "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11": ["x"]}},
    "Late": {"late": 12345678901234567890123, "LATE": None, "list": [1.0, "1.0"]},
}  # fmt: skip
#: What json.dumps can't write.
SPELLED = ', "Over": 1e309, "Vast": 1e999999, "Nul": "a\\u0000b", "Lone": "\\ud800"}\n'


def endpoint(number, **members):
    return {"Id": f"e{number}", "ApplicationId": APPLICATION, "ChannelType": "EMAIL", **members}


def lines():
    """With endpoints that come again: older, newer, at the same time, and without a date."""
    dates = ["2026-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", None]
    again = [
        endpoint(7, Address=f"{number}@example.com", **({"EffectiveDate": date} if date else {}))
        for number, date in enumerate(dates)
    ]
    plain = [endpoint(number, Location={"Latitude": number / 7}) for number in range(20)]
    first = json.dumps(AWKWARD)[:-1] + SPELLED
    return first + "".join(json.dumps(one) + "\n" for one in [*plain, *again]) + "no JSON\n"


class Published:
    """A run that was published as NDJSON, and the rows that count of it, by Python's json."""

    def __init__(self, sluice, place, layout, mode, compression, **options):
        self.sluice = sluice
        (place / "export.ndjson").write_text(lines())
        self.pipeline = archive(
            sluice, "tables", place / "export.ndjson", flatten={"layout": layout, "columns": COLUMNS},
            limits={"max_failed": "100%", "accept_failed": "100%", "accept_invalid": "100%"},
            sinks=[{"type": "ndjson", "path": FOLDER, "mode": mode, "compression": compression, **options}],
        )  # fmt: skip
        sluice.run(self.pipeline, *DATED).expect(0)
        self.run = Folder(self.pipeline.folder / FOLDER).current
        decoy = self.pipeline.folder / "it's out/current"
        shutil.copytree(self.run.folder, decoy)
        (decoy / "manifest.json").unlink()
        self.tables = TABLES[layout]

    def script(self, dialect, *arguments):
        return self.sluice.start("tables", self.pipeline.file, "--as", dialect, *arguments).wait().expect(0).out

    def rows(self, table):
        """{column: value} for each row, those that give way left out; numbers with fractions as decimals."""
        text = b"".join(unpacked(path, path.read_bytes()) for path in self.run.paths(table)).decode()
        rows = [json.loads(row, parse_float=Decimal) for row in texts(text)]
        if table != "endpoints":
            return rows
        newest = {}
        for row in rows:
            other = newest.get(row["endpoint_id"])
            age = (row["effective_date"] or "", row["ordinal"])
            if other is None or age > (other["effective_date"] or "", other["ordinal"]):
                newest[row["endpoint_id"]] = row
        assert len(newest) == len(rows) - 4, "the archive has an endpoint five times"
        return list(newest.values())

    def check(self, dialect, read):
        """`read` gives a table's rows as they were loaded."""
        for table in self.tables:
            have, want = sorted(map(plain, read(table)), key=repr), sorted(map(plain, self.rows(table)), key=repr)
            assert have == want, f"{dialect}, {table}"
        assert self.rows("users") == [] and self.rows("failures") and self.rows("endpoints")


def texts(text):
    """Lines; U+2028 ends none."""
    return text.split("\n")[:-1]


def plain(row):
    """A row in one form: JSON as values, numbers as what they are worth."""
    return {name: value_of(value, name in ("extra", "tiers")) for name, value in row.items()}


def value_of(value, is_json=False):
    if is_json and isinstance(value, str):
        return value_of(json.loads(value, parse_float=Decimal))
    if isinstance(value, (list, tuple)):
        return [value_of(one) for one in value]
    if isinstance(value, dict):
        return {name: value_of(value[name]) for name in sorted(value)}
    if isinstance(value, float):
        return Decimal(repr(value)).normalize()
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value).normalize() if value else Decimal(0)
    return value


FORMS = [
    ("normalized", "replace", "gzip"), ("normalized", "append", "zstd"),
    ("document", "replace", "none"), ("document", "append", "gzip"),
]  # fmt: skip


@pytest.fixture(params=FORMS, ids="-".join)
def published(request, sluice, tmp_path):
    return Published(sluice, tmp_path, *request.param)


# Programs that load --------------------------------------------------------------------------------------------------


def test_duckdb_loads_every_value(published):
    import duckdb

    connection = duckdb.connect()
    script = published.script("duckdb")
    # A second time it takes the place of what it has loaded.
    for _ in range(2):
        connection.execute(script)

    def read(table):
        described = connection.execute(f"DESCRIBE {table}").fetchall()
        fields = [
            f"strftime(\"{name}\"::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')" if "TIME" in kind else f'"{name}"'
            for name, kind, *_ in described
        ]
        found = connection.execute(f"SET timezone = 'UTC'; SELECT {', '.join(fields)} FROM {table}").fetchall()
        return [dict(zip((name for name, *_ in described), row, strict=True)) for row in found]

    published.check("duckdb", read)


def test_sqlite_loads_every_value(published):
    script = published.script("sqlite")
    for _ in range(2):
        database, done = load_by_sqlite(published, script)
        assert (done.returncode, done.stderr) == (0, "")
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row

    def read(table):
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        nested = [name for name in ("attributes", "metrics", "user_attributes") if rows and name in rows[0]]
        return [{**row, **{name: json.loads(row[name], parse_float=Decimal) for name in nested}} for row in rows]

    published.check("sqlite", read)
    connection.close()


def load_by_psql(published, database, script):
    """psql's end; without the option by which it stops at errors, which the script sets itself."""
    path = published.pipeline.folder / "load.sql"
    path.write_text(script)
    command = [word for word in database.cluster.psql_command(database.name) if word not in ("-v", "ON_ERROR_STOP=1")]
    environment = database.cluster.psql_environment()
    command += ["-f", str(path)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def load_by_sqlite(published, script):
    """The database, and how the shell ends."""
    database = published.pipeline.folder / "loaded.sqlite"
    command = ["sqlite3", database]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, timeout=60)
    return database, done


def test_postgres_loads_every_value(published, postgres):
    database = postgres()
    script = published.script("postgres")
    for _ in range(2):
        done = load_by_psql(published, database, script)
        assert done.returncode == 0, done.stderr

    def read(table):
        text = database.psql(f"SELECT row_to_json(t) FROM {table} t")
        rows = [json.loads(row, parse_float=Decimal) for row in texts(text)]
        for row in rows:
            for name, value in row.items():
                if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", value):
                    seconds, _, fraction = value.removesuffix("+00:00").partition(".")
                    row[name] = f"{seconds}.{fraction:0<3}Z"
        return rows

    published.check("postgres", read)


class Loaded:
    """The three programs, each with a run that is loaded."""

    def __init__(self, published, postgres):
        import duckdb

        self.published, self.error = published, duckdb.Error
        self.duckdb, self.postgres = duckdb.connect(), postgres()
        self.sqlite = published.pipeline.folder / "loaded.sqlite"
        for code in self.load(), self.load():
            assert code == {"duckdb": 0, "sqlite": 0, "postgres": 0}

    def load(self, goes_on=False):
        """Whether each has failed. They may go on behind an error, as some clients do."""
        return {
            "duckdb": self.by_duckdb(self.published.script("duckdb"), goes_on),
            "sqlite": self.by_sqlite(self.published.script("sqlite"), goes_on),
            "postgres": self.by_psql(self.published.script("postgres"), goes_on),
        }

    def by_duckdb(self, script, goes_on):
        failed = 0
        for statement in self.duckdb.extract_statements(script):
            try:
                self.duckdb.execute(statement)
            except self.error:
                failed = 1
                if not goes_on:
                    break
        if failed and not goes_on:
            # A session ends with its script.
            with suppress(self.error):
                self.duckdb.execute("ROLLBACK")
        return failed

    def by_sqlite(self, script, goes_on):
        _, done = load_by_sqlite(self.published, script.replace(".bail on\n", "") if goes_on else script)
        return int(done.returncode != 0 or bool(done.stderr))

    def by_psql(self, script, goes_on):
        if goes_on:
            script = script.replace("\\set ON_ERROR_STOP on\n", "")
        done = load_by_psql(self.published, self.postgres, script)
        return int(done.returncode != 0 or "ERROR" in done.stderr)

    def rows(self):
        """All rows of each program, in one form."""
        with sqlite3.connect(self.sqlite) as store:
            sqlite = {table: sorted(map(repr, store.execute(f"SELECT * FROM {table}"))) for table in self.published.tables}
        return {
            "duckdb": {
                table: sorted(map(repr, self.duckdb.execute(f"SELECT * FROM {table}").fetchall()))
                for table in self.published.tables
            },
            "sqlite": sqlite,
            "postgres": {
                table: sorted(texts(self.postgres.psql(f"SELECT row_to_json(t) FROM {table} t")))
                for table in self.published.tables
            },
        }


FAILED = {"duckdb": 1, "sqlite": 1, "postgres": 1}


@pytest.mark.limit(240)
@pytest.mark.parametrize("compression, mode", [("gzip", "replace"), ("zstd", "append"), ("none", "replace")])
def test_files_that_are_away_or_broken_take_no_row_away(sluice, postgres, tmp_path, compression, mode):
    """Whatever is wrong with a published run, and also where a client goes on behind errors."""
    published = Published(sluice, tmp_path, "normalized", mode, compression, max_file_size="1KB")
    loaded = Loaded(published, postgres)
    rows = loaded.rows()
    assert all(len(tables["endpoints"]) == 21 for tables in rows.values())
    files = published.run.paths("endpoints")
    manifest = published.run.folder / "manifest.json"
    document = json.loads(manifest.read_text())

    def whole_lines(path):
        """Cut where a line, a member or a frame ends."""
        text = unpacked(path, path.read_bytes())
        cut = text[: text.index(b"\n") + 1]
        return {"gzip": gzip.compress, "zstd": zstandard.compress, "none": bytes}[compression](cut)

    harms = {
        "cut off": lambda: files[0].write_bytes(files[0].read_bytes()[:-20]),
        "cut at a line's end": lambda: files[0].write_bytes(whole_lines(files[0])),
        "broken": lambda: files[0].write_bytes(files[0].read_bytes()[:-20] + b"\0" * 8),
        "one is away": files[0].unlink,
        "a folder is away": lambda: shutil.rmtree(files[0].parent),
        "no manifest": manifest.unlink,
        "a shard": lambda: manifest.write_text(json.dumps({**document, "shards": 2})),
        "another manifest": lambda: manifest.write_text("{}\n"),
    }  # fmt: skip
    aside = tmp_path / "aside"
    shutil.copytree(published.run.folder, aside)
    for name, harm in harms.items():
        harm()
        assert loaded.load() == FAILED, name
        assert loaded.rows() == rows, name
        assert loaded.load(goes_on=True) == FAILED, name
        assert loaded.rows() == rows, name
        shutil.rmtree(published.run.folder)
        shutil.copytree(aside, published.run.folder)
    # And once it is mended, the script does what it does, in the same session too.
    assert loaded.load() == {"duckdb": 0, "sqlite": 0, "postgres": 0} and loaded.rows() == rows


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_run_that_was_done_again(sluice, postgres, tmp_path, mode):
    """Nothing stays of what it was, also of a table in which it has no rows now."""
    published = Published(sluice, tmp_path, "normalized", mode, "gzip")
    loaded = Loaded(published, postgres)
    source = tmp_path / "export.ndjson"
    source.write_text("".join(json.dumps(endpoint(number)) + "\n" for number in range(3)))
    sluice.run(published.pipeline, *DATED, "--fresh", "--accept", "removed").expect(0)
    assert loaded.load() == {"duckdb": 0, "sqlite": 0, "postgres": 0}
    for program, tables in loaded.rows().items():
        counts = {table: len(rows) for table, rows in tables.items() if rows}
        assert counts == {"endpoints": 3}, program


@pytest.mark.parametrize("layout", TABLES)
def test_tables_are_those_that_sinks_make(sluice, postgres, tmp_path, layout):
    """The types, keys and indexes of a table that is loaded, and of one that a sink has written."""
    (tmp_path / "export.ndjson").write_text(json.dumps(AWKWARD) + "\n")
    database, other = postgres(), postgres()
    pipeline = archive(
        sluice, "both", tmp_path / "export.ndjson", flatten={"layout": layout, "columns": COLUMNS},
        sinks=[{"type": "sqlite", "path": "out.sqlite", "mode": "append"}, database.sink("append", schema="public"),
               {"type": "ndjson", "path": "out", "mode": "append", "compression": "none"}],
    )  # fmt: skip
    sluice.run(pipeline, *DATED).expect(0)

    def script(dialect):
        return sluice.start("tables", pipeline.file, "--as", dialect, "--sink", "ndjson").wait().expect(0).out

    done = subprocess.run(["sqlite3", pipeline.folder / "loaded.sqlite"], input=script("sqlite"), text=True, check=False,
                          capture_output=True, cwd=sluice.folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    path = pipeline.folder / "load.sql"
    path.write_text(script("postgres"))
    other.psql(f"\\i '{path}'")
    with sqlite3.connect(pipeline.folder / "loaded.sqlite") as loaded, sqlite3.connect(pipeline.folder / "out.sqlite") as own:
        for table in TABLES[layout]:
            for query in (f"PRAGMA table_info({table})", f"SELECT name FROM pragma_index_list('{table}') WHERE origin = 'c'"):
                assert loaded.execute(query).fetchall() == own.execute(query).fetchall(), table
    for table in TABLES[layout]:
        for query in (
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation FROM pg_attribute "
            f"WHERE attrelid = 'public.{table}'::regclass AND attnum > 0 ORDER BY attnum",
            f"SELECT indisprimary, indkey FROM pg_index WHERE indrelid = 'public.{table}'::regclass ORDER BY 1, 2::text",
        ):
            assert other.psql(query) == database.psql(query), table


# Dialects ------------------------------------------------------------------------------------------------------------

#: Types by hand, from each documentation's page of data types: what holds 64-bit integers, doubles, instants, texts of
#: any length, JSON and lists of structs. Redshift's VARCHAR has 65,535 bytes at most, and its SUPER takes nested JSON;
#: Snowflake's integers are NUMBER(38, 0) unless said otherwise, of which 19 digits are 64 bits; its texts are VARCHAR.
WAREHOUSES = {
    "bigquery": {
        "endpoint_id": "STRING", "ordinal": "INT64", "location_latitude": "FLOAT64", "effective_date": "TIMESTAMP",
        "extra": "JSON", "extra_text_": "STRING", "extra_text": "STRING", "tiers": "JSON", "tiers_text": "STRING", "order": "FLOAT64",
        "attributes": "ARRAY<STRUCT<`name` STRING, `values` ARRAY<STRING>>>",
        "metrics": "ARRAY<STRUCT<`name` STRING, `value` FLOAT64>>",
    },
    "snowflake": {
        "endpoint_id": "VARCHAR", "ordinal": "NUMBER(19, 0)", "location_latitude": "FLOAT",
        "effective_date": "TIMESTAMP_TZ", "extra": "VARIANT", "extra_text_": "VARCHAR", "tiers": "VARIANT",
        "tiers_text": "VARCHAR", "order": "FLOAT", "attributes": "ARRAY", "metrics": "ARRAY",
    },
    "redshift": {
        "endpoint_id": "VARCHAR(65535)", "ordinal": "BIGINT", "location_latitude": "DOUBLE PRECISION",
        "effective_date": "TIMESTAMPTZ", "extra": "VARCHAR(65535)", "tiers": "VARCHAR(65535)", "order": "DOUBLE PRECISION",
        "attributes": "SUPER", "metrics": "SUPER",
    },
}  # fmt: skip
KEYS = {"replace": ["application_id", "endpoint_id"], "append": ["run_id", "application_id", "endpoint_id"]}
LOADS = {
    "bigquery": "FROM FILES (format = 'JSON', uris = ['gs://exports/current/endpoints/*.ndjson.gz'])",
    "snowflake": "FROM '@exports/current/endpoints/'",
    "redshift": "FROM 's3://exports/current/endpoints/'",
}
PLACES = {"bigquery": "gs://exports/current", "snowflake": "@exports/current/", "redshift": "s3://exports/current"}


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize("dialect", WAREHOUSES)
def test_a_warehouse_s_definitions(sluice, dialect, mode):
    pipeline = archive(
        sluice, "warehouse", "export.ndjson", flatten={"layout": "document", "columns": COLUMNS},
        sinks=[{"type": "ndjson", "path": "out", "mode": mode}],
    )  # fmt: skip
    script = sluice.start("tables", pipeline.file, "--as", dialect, "--from", PLACES[dialect]).wait().expect(0).out
    assert LOADS[dialect] in script
    # sqlglot knows tables and queries, and not how each program loads files, nor Snowflake's blocks.
    block = r"EXECUTE IMMEDIATE \$\$\n(?:DECLARE(?:.|\n)*?END;\n\$\$;|BEGIN\n)|EXCEPTION WHEN OTHER(?:.|\n)*?\$\$;"
    statements = re.split(r";\n", re.sub(r"^--.*\n", "", re.sub(block, "", script), flags=re.MULTILINE))
    parsed = [
        sqlglot.parse_one(text, read=dialect)
        for text in statements
        if text.strip() and not text.strip().startswith(("LOAD DATA", "COPY", "BEGIN", "COMMIT", "ASSERT"))
    ]
    assert not any(isinstance(one, exp.Command) for one in parsed)
    definitions = {
        one.find(exp.Table).name.lower(): one
        for one in parsed
        if isinstance(one, exp.Create) and isinstance(one.this, exp.Schema) and "sluice" not in one.find(exp.Table).name.lower()
    }
    assert list(definitions) == TABLES["document"]
    columns = {one.name.lower(): one.args["kind"] for one in definitions["endpoints"].find_all(exp.ColumnDef)}
    for name, kind in WAREHOUSES[dialect].items():
        assert columns[name] == exp.DataType.build(kind, dialect=dialect), name
    key = definitions["endpoints"].find(exp.PrimaryKey)
    assert [one.name.lower() for one in key.expressions] == KEYS[mode]
    assert len([one for one in parsed if isinstance(one, exp.Insert)]) == 3
    assert len([one for one in parsed if isinstance(one, exp.Delete)]) == 3


def test_bigquery_and_zstandard(sluice):
    pipeline = archive(
        sluice, "warehouse", "export.ndjson",
        sinks=[{"type": "ndjson", "path": "out", "mode": "append", "compression": "zstd"}],
    )  # fmt: skip
    result = sluice.start("tables", pipeline.file, "--as", "bigquery").wait().expect(64)
    assert "not with Zstandard" in result.err and "compression: gzip" in result.err


# Engines -------------------------------------------------------------------------------------------------------------


def test_a_schema_of_flattened_rows(published, sluice):
    schema = json.loads(published.script("jsonschema"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    source = published.pipeline.document["source"]["path"]
    result = sluice.start("flatten", "--pipeline", published.pipeline.file, source).wait().expect(65)
    rows = texts(result.out)
    assert {json.loads(row)["table"] for row in rows} == set(published.tables) - {"users"}
    for row in rows:
        validator.validate(json.loads(row))
    wrong = json.loads(rows[0])
    wrong["row"]["ordinal"] = "0"
    assert not validator.is_valid(wrong)
    del wrong["row"]["ordinal"]
    assert not validator.is_valid(wrong)


def test_schemas_for_spark(published):
    tables = json.loads(published.script("spark"))
    assert list(tables) == published.tables
    for name, table in tables.items():
        fields = {field["name"]: field["type"] for field in table["schema"]["fields"]}
        for row in published.rows(name):
            assert list(row) == list(fields), name
            for column, value in row.items():
                assert value is None or fits(value, fields[column]), f"{name}.{column}: {value!r} as {fields[column]}"
        assert f"/it\\'s \\\\[o\\\\]ut/current/{name}/*.ndjson" in table["load"]
        assert [field["name"] for field in table["schema"]["fields"] if not field["nullable"]] == [
            column for column in fields if column in table["key"] and column != "run_id"
        ]
        assert table["latest_by"] == {"endpoints": ["effective_date", "ordinal"], "users": ["ordinal"]}.get(name, [])


def fits(value, kind):
    """Whether Spark takes a value of JSON for one of a type, by its documentation of types and of JSON files."""
    if kind == "timestamp":
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None
    if isinstance(kind, dict) and kind["type"] == "array":
        return isinstance(value, list) and all(one is None or fits(one, kind["elementType"]) for one in value)
    if isinstance(kind, dict):
        types = {field["name"]: field["type"] for field in kind["fields"]}
        return value.keys() == types.keys() and all(fits(value[name], types[name]) for name in types)
    return isinstance(value, {"string": str, "long": int, "double": (int, Decimal)}[kind])


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_dbt_parses_its_sources(sluice, dbt, tmp_path, mode):  # noqa: F811
    pipeline = archive(
        sluice, "dbt", "export.ndjson", sinks=[{"type": "sqlite", "path": "out.sqlite", "mode": mode}]
    )  # fmt: skip
    text = sluice.start("tables", pipeline.file, "--as", "dbt").wait().expect(0).out
    assert '- name: "ordinal"' in text
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "models/sources.yml").write_text(text)
    (project / "dbt_project.yml").write_text("name: tables\nversion: '1.0'\nprofile: p\nmodel-paths: [models]\n")
    (project / "profiles.yml").write_text("p: {target: t, outputs: {t: {type: duckdb, path: 'a.duckdb', schema: s}}}\n")
    command = [dbt, "parse", "--project-dir", project, "--profiles-dir", project, "--warn-error"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project, timeout=100, check=False)
    assert done.returncode == 0, done.stdout
    manifest = json.loads((project / "target/manifest.json").read_text())
    sources = {one["name"]: one for one in manifest["sources"].values()}
    assert set(sources) == {*TABLES["normalized"], *(["removals"] if mode == "merge" else [])}
    assert ("changed_at" in sources["endpoints"]["columns"]) == (mode == "merge")
    assert sources["endpoints"]["columns"]["ordinal"]["data_type"] == "bigint"


# The call ------------------------------------------------------------------------------------------------------------


def test_calls_that_are_wrong(sluice):
    def refused(*arguments):
        return sluice.start("tables", *arguments).wait().expect(64).err

    assert "duckdb" in refused("--as", "oracle") and "--as" in refused()
    assert "--sink" in refused("--as", "duckdb", "--sink", "a")
    pipeline = archive(
        sluice, "two", "export.ndjson", sinks=[{"type": "sqlite", "path": "a.sqlite", "mode": "merge"},
        {"type": "ndjson", "path": "out", "mode": "append"}],
    )  # fmt: skip
    assert "--sink" in refused(pipeline.file, "--as", "duckdb")
    assert "--layout" in refused(pipeline.file, "--as", "duckdb", "--layout", "document")
    named = sluice.start("tables", pipeline.file, "--as", "duckdb", "--sink", "ndjson").wait().expect(0).out
    assert "out/current/users/*.ndjson.gz" in named and '"run_id" VARCHAR NOT NULL' in named


def test_the_manifest_names_types_and_keys(published):
    tables = {table["name"]: table for table in published.run.manifest["tables"]}
    assert list(tables) == published.tables
    own = ["run_id"] if "run_id" in tables["endpoints"]["key"] else []
    assert tables["endpoints"]["key"] == [*own, "application_id", "endpoint_id"]
    assert tables["failures"]["key"] == ["run_id", "shard", "ordinal"]
    assert {"name": "effective_date", "type": "time"} in tables["endpoints"]["columns"]
