"""Postgres: the tables, their types and what stands in them, as psql shows it."""

import json
from decimal import Decimal

import pytest
from support import expected, values
from support.postgres import ROLE, literal
from support.scripted_server import Answer, endpoints
from support.sluice import APPLICATION, LOGICAL_DATE

RUN = "under-test-20260102T030405Z"
DATE = "2026-01-02T03:04:05.000Z"
LAYOUT = ("users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes")

# As `\d` prints them.
TABLES = {
    "users": """
Table "pinpoint.users"
     Column     |           Type           | Collation | Nullable | Default
----------------+--------------------------+-----------+----------+---------
 application_id | text                     | C         | not null |
 user_id        | text                     | C         | not null |
 status         | text                     |           |          |
 endpoint_count | bigint                   |           |          |
 ordinal        | bigint                   |           |          |
 run_id         | text                     |           |          |
 logical_date   | timestamp with time zone |           |          |
Indexes:
    "users_pkey" PRIMARY KEY, btree (application_id, user_id)""",
    "endpoints": """
Table "pinpoint.endpoints"
            Column            |           Type           | Collation | Nullable | Default
------------------------------+--------------------------+-----------+----------+---------
 application_id               | text                     | C         | not null |
 endpoint_id                  | text                     | C         | not null |
 user_id                      | text                     |           |          |
 address                      | text                     |           |          |
 channel_type                 | text                     |           |          |
 cohort_id                    | text                     |           |          |
 creation_date                | timestamp with time zone |           |          |
 effective_date               | timestamp with time zone |           |          |
 endpoint_status              | text                     |           |          |
 opt_out                      | text                     |           |          |
 request_id                   | text                     |           |          |
 demographic_app_version      | text                     |           |          |
 demographic_locale           | text                     |           |          |
 demographic_make             | text                     |           |          |
 demographic_model            | text                     |           |          |
 demographic_model_version    | text                     |           |          |
 demographic_platform         | text                     |           |          |
 demographic_platform_version | text                     |           |          |
 demographic_timezone         | text                     |           |          |
 location_city                | text                     |           |          |
 location_country             | text                     |           |          |
 location_latitude            | double precision         |           |          |
 location_longitude           | double precision         |           |          |
 location_postal_code         | text                     |           |          |
 location_region              | text                     |           |          |
 extra                        | jsonb                    |           |          |
 ordinal                      | bigint                   |           |          |
 run_id                       | text                     |           |          |
 logical_date                 | timestamp with time zone |           |          |
Indexes:
    "endpoints_pkey" PRIMARY KEY, btree (application_id, endpoint_id)
    "endpoints_user_id_application_id_idx" btree (user_id, application_id)""",
    "endpoint_attributes": """
Table "pinpoint.endpoint_attributes"
     Column     |  Type  | Collation | Nullable | Default
----------------+--------+-----------+----------+---------
 application_id | text   | C         | not null |
 endpoint_id    | text   | C         | not null |
 name           | text   | C         | not null |
 position       | bigint |           | not null |
 value          | text   |           |          |
Indexes:
    "endpoint_attributes_pkey" PRIMARY KEY, btree (application_id, endpoint_id, name, "position")""",
    "endpoint_metrics": """
Table "pinpoint.endpoint_metrics"
     Column     |       Type       | Collation | Nullable | Default
----------------+------------------+-----------+----------+---------
 application_id | text             | C         | not null |
 endpoint_id    | text             | C         | not null |
 name           | text             | C         | not null |
 value          | double precision |           |          |
Indexes:
    "endpoint_metrics_pkey" PRIMARY KEY, btree (application_id, endpoint_id, name)""",
    "endpoint_user_attributes": """
Table "pinpoint.endpoint_user_attributes"
     Column     |  Type  | Collation | Nullable | Default
----------------+--------+-----------+----------+---------
 application_id | text   | C         | not null |
 endpoint_id    | text   | C         | not null |
 user_id        | text   |           |          |
 name           | text   | C         | not null |
 position       | bigint |           | not null |
 value          | text   |           |          |
Indexes:
    "endpoint_user_attributes_pkey" PRIMARY KEY, btree (application_id, endpoint_id, name, "position")""",
    "failures": """
Table "pinpoint.failures"
    Column    |           Type           | Collation | Nullable | Default
--------------+--------------------------+-----------+----------+---------
 run_id       | text                     | C         | not null |
 shard        | bigint                   |           | not null |
 ordinal      | bigint                   |           | not null |
 source_file  | text                     |           |          |
 line         | bigint                   |           |          |
 user_id      | text                     |           |          |
 raw          | text                     |           |          |
 status       | bigint                   |           |          |
 code         | text                     |           |          |
 message      | text                     |           |          |
 request_id   | text                     |           |          |
 attempts     | bigint                   |           |          |
 logical_date | timestamp with time zone |           |          |
Indexes:
    "failures_pkey" PRIMARY KEY, btree (run_id, shard, ordinal)""",
    "sluice_runs": """
Table "pinpoint.sluice_runs"
    Column    |           Type           | Collation | Nullable | Default
--------------+--------------------------+-----------+----------+---------
 pipeline     | text                     | C         | not null |
 shard        | bigint                   |           | not null |
 run_id       | text                     | C         | not null |
 state        | text                     |           |          |
 logical_date | timestamp with time zone |           |          |
 started_at   | timestamp with time zone |           |          |
 finished_at  | timestamp with time zone |           |          |
 counts       | jsonb                    |           |          |
 version      | text                     |           |          |
 listing_hash | text                     |           |          |
 timeline     | jsonb                    |           |          |
Indexes:
    "sluice_runs_pkey" PRIMARY KEY, btree (pipeline, shard, run_id)""",
    "sluice_checkpoints": """
Table "pinpoint.sluice_checkpoints"
    Column     |           Type           | Collation | Nullable | Default
---------------+--------------------------+-----------+----------+---------
 pipeline      | text                     | C         | not null |
 shard         | bigint                   |           | not null |
 run_id        | text                     |           |          |
 commit_number | bigint                   |           |          |
 next_ordinal  | bigint                   |           |          |
 consumed      | bigint                   |           |          |
 input_ended   | bigint                   |           |          |
 position      | jsonb                    |           |          |
 parked        | jsonb                    |           |          |
 counts        | jsonb                    |           |          |
 input_hash    | text                     |           |          |
 source_state  | jsonb                    |           |          |
 fingerprint   | text                     |           |          |
 updated_at    | timestamp with time zone |           |          |
Indexes:
    "sluice_checkpoints_pkey" PRIMARY KEY, btree (pipeline, shard)""",
    "sluice_tables": """
Table "pinpoint.sluice_tables"
   Column   | Type | Collation | Nullable | Default
------------+------+-----------+----------+---------
 table_name | text | C         | not null |
 pipeline   | text |           |          |
 mode       | text |           |          |
Indexes:
    "sluice_tables_pkey" PRIMARY KEY, btree (table_name)""",
    "sluice_format": """
Table "pinpoint.sluice_format"
 Column |  Type  | Collation | Nullable | Default
--------+--------+-----------+----------+---------
 part   | text   | C         | not null |
 format | bigint |           |          |
Indexes:
    "sluice_format_pkey" PRIMARY KEY, btree (part)""",
}

#: What `merge` has beside that: when an endpoint last changed, and what went.
MERGE_TABLES = {
    **TABLES,
    "endpoints": TABLES["endpoints"].replace(
        " logical_date                 | timestamp with time zone |           |          |\n",
        " logical_date                 | timestamp with time zone |           |          |\n"
        " changed_at                   | timestamp with time zone |           |          |\n",
    ),
    "removals": """
Table "pinpoint.removals"
     Column     |           Type           | Collation | Nullable | Default
----------------+--------------------------+-----------+----------+---------
 application_id | text                     | C         | not null |
 endpoint_id    | text                     | C         | not null |
 user_id        | text                     |           |          |
 reason         | text                     |           |          |
 run_id         | text                     | C         | not null |
 logical_date   | timestamp with time zone |           |          |
Indexes:
    "removals_pkey" PRIMARY KEY, btree (application_id, endpoint_id, run_id)""",
}

#: What `append` has otherwise: run_id leads every key, and is the last column of the child tables.
APPEND_TABLES = {
    **TABLES,
    "users": """
Table "pinpoint.users"
     Column     |           Type           | Collation | Nullable | Default
----------------+--------------------------+-----------+----------+---------
 application_id | text                     | C         | not null |
 user_id        | text                     | C         | not null |
 status         | text                     |           |          |
 endpoint_count | bigint                   |           |          |
 ordinal        | bigint                   |           |          |
 run_id         | text                     | C         | not null |
 logical_date   | timestamp with time zone |           |          |
Indexes:
    "users_pkey" PRIMARY KEY, btree (run_id, application_id, user_id)""",
    "endpoints": """
Table "pinpoint.endpoints"
            Column            |           Type           | Collation | Nullable | Default
------------------------------+--------------------------+-----------+----------+---------
 application_id               | text                     | C         | not null |
 endpoint_id                  | text                     | C         | not null |
 user_id                      | text                     |           |          |
 address                      | text                     |           |          |
 channel_type                 | text                     |           |          |
 cohort_id                    | text                     |           |          |
 creation_date                | timestamp with time zone |           |          |
 effective_date               | timestamp with time zone |           |          |
 endpoint_status              | text                     |           |          |
 opt_out                      | text                     |           |          |
 request_id                   | text                     |           |          |
 demographic_app_version      | text                     |           |          |
 demographic_locale           | text                     |           |          |
 demographic_make             | text                     |           |          |
 demographic_model            | text                     |           |          |
 demographic_model_version    | text                     |           |          |
 demographic_platform         | text                     |           |          |
 demographic_platform_version | text                     |           |          |
 demographic_timezone         | text                     |           |          |
 location_city                | text                     |           |          |
 location_country             | text                     |           |          |
 location_latitude            | double precision         |           |          |
 location_longitude           | double precision         |           |          |
 location_postal_code         | text                     |           |          |
 location_region              | text                     |           |          |
 extra                        | jsonb                    |           |          |
 ordinal                      | bigint                   |           |          |
 run_id                       | text                     | C         | not null |
 logical_date                 | timestamp with time zone |           |          |
Indexes:
    "endpoints_pkey" PRIMARY KEY, btree (run_id, application_id, endpoint_id)
    "endpoints_user_id_application_id_idx" btree (user_id, application_id)""",
    "endpoint_attributes": """
Table "pinpoint.endpoint_attributes"
     Column     |  Type  | Collation | Nullable | Default
----------------+--------+-----------+----------+---------
 application_id | text   | C         | not null |
 endpoint_id    | text   | C         | not null |
 name           | text   | C         | not null |
 position       | bigint |           | not null |
 value          | text   |           |          |
 run_id         | text   | C         | not null |
Indexes:
    "endpoint_attributes_pkey" PRIMARY KEY, btree (run_id, application_id, endpoint_id, name, "position")""",
    "endpoint_metrics": """
Table "pinpoint.endpoint_metrics"
     Column     |       Type       | Collation | Nullable | Default
----------------+------------------+-----------+----------+---------
 application_id | text             | C         | not null |
 endpoint_id    | text             | C         | not null |
 name           | text             | C         | not null |
 value          | double precision |           |          |
 run_id         | text             | C         | not null |
Indexes:
    "endpoint_metrics_pkey" PRIMARY KEY, btree (run_id, application_id, endpoint_id, name)""",
    "endpoint_user_attributes": """
Table "pinpoint.endpoint_user_attributes"
     Column     |  Type  | Collation | Nullable | Default
----------------+--------+-----------+----------+---------
 application_id | text   | C         | not null |
 endpoint_id    | text   | C         | not null |
 user_id        | text   |           |          |
 name           | text   | C         | not null |
 position       | bigint |           | not null |
 value          | text   |           |          |
 run_id         | text   | C         | not null |
Indexes:
    "endpoint_user_attributes_pkey" PRIMARY KEY, btree (run_id, application_id, endpoint_id, name, "position")""",
}


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"user-{number:03d}\n" for number in range(100)))
    return path


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user, count=2))


def pipeline_for(sluice, database, url, users, mode="merge", name="tables", schema="pinpoint", sink=None, **settings):
    settings.setdefault("batch_size", 50)
    sinks = [database.sink(mode, schema=schema, **(sink or {}))]
    return sluice.pipeline(name, url, users, sinks=sinks, **settings)


# Tables and types ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_tables_as_psql_shows_them(sluice, postgres, server, users, mode):
    database = postgres()
    sluice.run(pipeline_for(sluice, database, server.url, users, mode)).expect(0)
    store = database.store()
    for table, text in {"append": APPEND_TABLES, "merge": MERGE_TABLES, "replace": TABLES}[mode].items():
        assert store.describe(table) == text.strip("\n"), table
    visible = [name for name in store.tables() if not name.startswith("sluice_")]
    own = ["removals"] if mode == "merge" else []
    assert visible == sorted([*LAYOUT, "failures", "user_attributes", *own]), "nothing else stands there for readers"
    if mode != "replace":
        kept = [name for name in store.tables() if name.startswith("sluice_")]
        assert kept == ["sluice_checkpoints", "sluice_format", "sluice_runs", "sluice_tables"]
    owners = store.query("SELECT table_name, pipeline, mode FROM sluice_tables ORDER BY table_name")
    assert [owner for owner in owners if not owner[0].startswith("sluice_")] == [
        (table, "under-test", mode) for table in sorted([*LAYOUT, "failures"])
    ]
    assert database.psql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'pinpoint'").split() == [ROLE]


def test_view_of_user_attributes_is_a_view(sluice, postgres, server, users):
    database = postgres()
    sluice.run(pipeline_for(sluice, database, server.url, users)).expect(0)
    assert database.store().columns("user_attributes") == [
        ("application_id", "text"), ("user_id", "text"), ("name", "text"), ("position", "bigint"), ("value", "text")
    ]  # fmt: skip


def with_attributes(*items):
    """An answer whose endpoints are (ID, effective date or None, user attributes)."""
    document = [
        {"Id": name, **({"EffectiveDate": date} if date else {}), "User": {"UserAttributes": attributes}}
        for name, date, attributes in items
    ]
    return Answer(body=json.dumps({"Item": document}).encode())


ATTRIBUTES = {
    # The latest date counts, whatever the order on the wire.
    "latest": with_attributes(
        ("l-1", "2026-01-01T00:00:00.000Z", {"tier": ["old"]}),
        ("l-2", "2026-01-03T00:00:00.000Z", {"tier": ["new", "newer"], "only": ["here"]}),
        ("l-3", "2026-01-02T00:00:00.000Z", {"tier": ["middle"], "gone": ["x"]}),
    ),
    # Nothing comes last.
    "undated": with_attributes(("u-1", None, {"tier": ["none"]}), ("u-2", "1999-01-01T00:00:00.000Z", {"tier": ["a"]})),
    # Of equal dates that of the endpoint whose ID is first, bytewise.
    "tied": with_attributes(
        ("t-b", "2026-01-01T00:00:00.000Z", {"tier": ["b"]}), ("t-B", "2026-01-01T00:00:00.000Z", {"tier": ["B"]})
    ),
    "empty": with_attributes(
        ("e-1", "2026-01-01T00:00:00.000Z", {"tier": ["e"]}), ("e-2", "2026-01-02T00:00:00.000Z", {})
    ),
    "nobody": Answer(),
}
VIEW = [("latest", "only", 0, "here"), ("latest", "tier", 0, "new"), ("latest", "tier", 1, "newer"),
        ("tied", "tier", 0, "B"), ("undated", "tier", 0, "a")]  # fmt: skip


def viewed(store):
    rows = store.query("SELECT user_id, name, position, value FROM user_attributes")
    return sorted((user, name, int(position), value) for user, name, position, value in rows)


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_the_user_attributes_view(sluice, postgres, scripted, tmp_path, mode):
    """The attributes of the endpoint with the latest effective date; where it carries none, the user has none."""
    server = scripted(lambda request: ATTRIBUTES[request.user])
    users = tmp_path / "users.txt"
    users.write_text("\n".join(ATTRIBUTES) + "\n")
    database = postgres()
    pipeline = pipeline_for(sluice, database, server.url, users, mode)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = database.store()
    assert viewed(store) == VIEW
    if mode != "append":
        return
    # The latest complete run, by its logical date: an older date that is done later isn't it, nor is a run under way.
    server.answer = lambda request: with_attributes((f"x-{request.user}", None, {"tier": ["other"]}))
    sluice.run(pipeline, "--logical-date", "2025-06-01").expect(0)
    assert viewed(store) == VIEW
    store.psql("UPDATE sluice_runs SET state = 'running' WHERE run_id LIKE '%20260102%'")
    assert {row[3] for row in viewed(store)} == {"other"}


def test_rows_as_the_oracle_has_them(sluice, postgres, synthetic):
    """All rows of all quirks that the synthetic server knows, worked out in Python."""
    server = synthetic(users=700, archive=True)
    database = postgres()
    sluice.run(pipeline_for(sluice, database, server.url, server.ids), "--logical-date", LOGICAL_DATE).expect(0)
    store = database.store()
    want = expected.tables(server, RUN, DATE)
    total = values.compare(lambda table: store.rows(table, diagnostics=True), want, numbers_as_text=False)
    with_extra = store.count("endpoints", "extra <> '{}'")
    print(f"{total} rows, {with_extra} of them with something in extra")
    assert total > 10000 and with_extra > 100


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_values_that_hurt(sluice, postgres, scripted, tmp_path, dice, mode):
    hurting = values.Values(dice)
    server = scripted(hurting.answer)
    database = postgres()
    pipeline = pipeline_for(
        sluice, database, server.url, hurting.reader(tmp_path / "users.ndjson"), mode, batch_size=20,
        limits={"max_failed": "100%", "accept_failed": "100%"},
    )  # fmt: skip
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = database.store()
    want = values.expected(hurting, RUN, DATE, append=mode == "append")
    total = values.compare(
        lambda table: store.rows(table, diagnostics=True), want, append=mode == "append", numbers_as_text=False
    )
    print(f"{total} rows of {len(hurting.users)} users")


def test_jsonb_that_can_be_asked(sluice, postgres, scripted, tmp_path):
    """`extra` is jsonb: its operators work on it, and its numbers are as wide as they came."""
    body = b"""{"Item":[{"Id":"e","Later":{"deep":[1,2.50,12345678901234567890.5,1e-30,1E2]},
               "Metrics":{"m":0.1000000000000000055},"Nothing":null,"Attributes":{"a":[]},"zero":"\\u0000","big":1e999999}]}"""
    server = scripted(lambda request: Answer(body=body))
    users = tmp_path / "users.txt"
    users.write_text("somebody\n")
    database = postgres()
    sluice.run(pipeline_for(sluice, database, server.url, users)).expect(0)
    store = database.store()

    def asked(path):
        return store.value(f"SELECT extra #>> '{path}' FROM endpoints")

    assert store.value("SELECT jsonb_typeof(extra) FROM endpoints") == "object"
    assert [Decimal(asked(f"{{Later,deep,{place}}}")) for place in range(5)] == [
        1, Decimal("2.50"), Decimal("12345678901234567890.5"), Decimal("1e-30"), 100
    ]  # fmt: skip
    assert store.value('SELECT extra @> \'{"Nothing": null, "Attributes": {"a": []}}\' FROM endpoints') == "t"
    assert asked("{Metrics,m}") == "0.1000000000000000055"
    assert asked("{zero,$json}") == '"\\u0000"' and asked("{big,$json}") == "1e999999"
    assert store.query("SELECT application_id, user_id FROM endpoints") == [(APPLICATION, "somebody")]


def test_keys_are_compared_bytewise(sluice, postgres, scripted, tmp_path):
    """Whatever the database's own collation is: with one where case and accents come last, keys sort by their bytes."""
    server = scripted(lambda request: endpoints(request.user))
    names = ["b", "B", "a", "A", "ä", "Z", "_", "ß"]
    users = tmp_path / "users.txt"
    users.write_text("\n".join(names) + "\n")
    icu = {"LOCALE_PROVIDER": "icu", "ICU_LOCALE": "'de-u-ks-level2'", "LOCALE": "'C.UTF-8'"}
    database = postgres(TEMPLATE="template0", **icu)
    sluice.run(pipeline_for(sluice, database, server.url, users, batch_size=3)).expect(0)
    rows = database.store().query("SELECT user_id FROM users ORDER BY user_id")
    assert [row[0] for row in rows] == sorted(names)


# A schema that is there already --------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["public", "Mixed Case", 'with "quotes"', "semi; DROP TABLE x", "sch\\ema", "naïve"])
def test_names_of_schemas(sluice, postgres, server, users, schema):
    database = postgres()
    if schema == "public":
        database.psql(f"GRANT ALL ON SCHEMA public TO {ROLE}")
    sluice.run(pipeline_for(sluice, database, server.url, users, schema=schema)).expect(0)
    store = database.store(schema)
    assert store.count("users") == 100 and store.run_states == ["complete"]
    schemas = database.psql("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_)'").splitlines()
    assert sorted(schemas) == sorted({"public", schema})


def test_a_schema_without_the_right_to_create(sluice, postgres, server, users):
    """Where the tables are there, a role needs no more than the right to write into them."""
    database = postgres()
    sluice.run(pipeline_for(sluice, database, server.url, users)).expect(0)
    database.psql(
        f"REASSIGN OWNED BY {ROLE} TO CURRENT_USER",
        f"GRANT USAGE ON SCHEMA pinpoint TO {ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pinpoint TO {ROLE}",
    )
    server.answer = lambda request: endpoints(request.user, count=3)
    sluice.run(pipeline_for(sluice, database, server.url, users)).expect(0)
    assert database.store().count("endpoints") == 300


def test_new_columns_are_added(sluice, postgres, server, users):
    database = postgres()
    pipeline = pipeline_for(sluice, database, server.url, users)
    sluice.run(pipeline).expect(0)
    store = database.store()
    database.psql("ALTER TABLE pinpoint.endpoints DROP COLUMN location_city, DROP COLUMN extra", user=ROLE)
    database.psql("ALTER TABLE pinpoint.users DROP COLUMN endpoint_count", user=ROLE)
    sluice.run(pipeline).expect(0)
    types = dict(store.columns("endpoints"))
    assert (types["location_city"], types["extra"]) == ("text", "jsonb")
    assert store.count("endpoints", "extra = '{}'") == 200 and store.count("users", "endpoint_count = 2") == 100


def test_new_columns_are_refused(sluice, postgres, server, users):
    database = postgres()
    pipeline = pipeline_for(sluice, database, server.url, users, on_new_columns="refuse")
    sluice.run(pipeline).expect(0)
    store = database.store()
    database.psql("ALTER TABLE pinpoint.endpoints DROP COLUMN location_city, DROP COLUMN extra", user=ROLE)
    before = store.columns("endpoints")
    server.asked.clear()
    message = sluice.run(pipeline).expect(78).message
    assert "location_city" in message and "extra" in message and "endpoints" in message
    assert "on_new_columns" in message
    assert store.columns("endpoints") == before and not server.asked


def test_columns_of_the_users_own(sluice, postgres, server, users):
    """Nullable ones and those with a default are left alone; one that must be filled can't be."""
    database = postgres()
    pipeline = pipeline_for(sluice, database, server.url, users)
    sluice.run(pipeline).expect(0)
    database.psql(
        "ALTER TABLE pinpoint.users ADD COLUMN note text, ADD COLUMN seen timestamptz NOT NULL DEFAULT now(), "
        "ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY, "
        "ADD COLUMN upper text GENERATED ALWAYS AS (upper(user_id)) STORED"
    )
    sluice.run(pipeline).expect(0)
    store = database.store()
    assert store.count("users", "upper = upper(user_id) AND seen IS NOT NULL") == 100
    database.psql("ALTER TABLE pinpoint.users ADD COLUMN must text NOT NULL DEFAULT ''")
    database.psql("ALTER TABLE pinpoint.users ALTER COLUMN must DROP DEFAULT")
    message = sluice.run(pipeline).expect(78).message
    assert "must" in message and "users" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE pinpoint.endpoints ALTER COLUMN ordinal TYPE text", ["endpoints", "ordinal", "bigint"]),
        ("ALTER TABLE pinpoint.endpoint_metrics DROP COLUMN name", ["endpoint_metrics", "name", "key"]),
        ("ALTER TABLE pinpoint.users DROP CONSTRAINT users_pkey", ["users", "key"]),
        ("ALTER TABLE pinpoint.failures RENAME TO gone; CREATE VIEW pinpoint.failures AS SELECT 1 AS x", ["failures"]),
        ("DROP VIEW pinpoint.user_attributes; CREATE TABLE pinpoint.user_attributes (x int)", ["user_attributes"]),
    ],
    ids=["another type", "no key column", "no key", "a view", "a table"],
)
def test_tables_of_another_kind(sluice, postgres, server, users, change, words):
    database = postgres()
    pipeline = pipeline_for(sluice, database, server.url, users)
    sluice.run(pipeline).expect(0)
    database.psql(change, user=ROLE)
    message = sluice.run(pipeline).expect(78).message
    for word in words:
        assert word in message, message


def test_settings_of_the_servers_own(sluice, postgres, server, users):
    """What a database or a role may be set to must not change what is written."""
    database = postgres()
    for setting in (
        "datestyle = 'SQL, DMY'", "timezone = 'America/St_Johns'", "intervalstyle = 'postgres_verbose'",
        "extra_float_digits = -15", "standard_conforming_strings = off", "bytea_output = 'escape'",
        "default_transaction_isolation = 'serializable'", "client_encoding = 'LATIN1'", "search_path = ''",
        "lock_timeout = '30s'", "quote_all_identifiers = on", "default_transaction_read_only = off",
        "enable_seqscan = off", "synchronous_commit = off", "lc_messages = 'C'", "default_transaction_deferrable = on",
        "jit = on", "idle_in_transaction_session_timeout = '20s'",
    ):  # fmt: skip
        database.psql(f"ALTER DATABASE {database.name} SET {setting}")
    hurt = json.dumps({"Item": [{"Id": "ünï😀\\", "Address": "a'\\b\té😀", "Location": {"Latitude": 0.1}}]}).encode()
    server.answer = lambda request: Answer(body=hurt) if request.user == "user-000" else endpoints(request.user)
    pipeline = pipeline_for(sluice, database, server.url, users)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = database.store()
    rows = store.query(
        "SELECT endpoint_id, address, location_latitude = 0.1::float8, "
        f"logical_date = '2026-01-02 03:04:05+00'::timestamptz FROM endpoints WHERE user_id ={literal('user-000')}"
    )
    assert rows == [("ünï😀\\", "a'\\b\té😀", "t", "t")]
    assert store.run_states == ["complete"]
    # The date that is done is found again, whatever dates look like there.
    server.asked.clear()
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert not server.asked
