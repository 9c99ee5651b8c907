"""Postgres: ways to connect and what stands in the way, locks, rows that the server refuses, and full disks."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from support.content import same_content, same_run
from support.postgres import PASSWORD, ROLE, SUPERUSER, free_port
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE
from test_errors import check_message

COUNT = 300


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"user-{number:04d}\n" for number in range(COUNT)))
    return path


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user, count=2))


@pytest.fixture
def pipeline(sluice, server, users):
    """Writes a pipeline with one sink: `pipeline(name, sink, …)`."""

    def write(sink, name="case", **settings):
        settings.setdefault("batch_size", 50)
        return sluice.pipeline(name, server.url, users, sinks=[sink], **settings)

    return write


# Ways to connect -----------------------------------------------------------------------------------------------------


def without_url(database, **options):
    sink = database.sink(**options)
    del sink["url"]
    return sink


def complete(database, count=COUNT):
    store = database.store()
    return store.count("users") == count and store.run_states == ["complete"]


def variables(database, **changes):
    values = {"PGHOST": "127.0.0.1", "PGPORT": database.cluster.port, "PGUSER": ROLE, "PGPASSWORD": PASSWORD}
    return {**values, "PGDATABASE": database.name, "PGSSLMODE": "disable", **changes}


def test_variables_of_the_environment(sluice, postgres, pipeline):
    database = postgres()
    sluice.run(pipeline(without_url(database)), environment=variables(database)).expect(0)
    assert complete(database)


def test_a_url_goes_before_the_environment(sluice, postgres, pipeline):
    database = postgres()
    wrong = variables(database, PGPASSWORD="wrong", PGDATABASE="nowhere", PGPORT=1)
    sluice.run(pipeline(database.sink()), environment=wrong).expect(0)
    assert complete(database)


def test_a_url_from_a_variable(sluice, postgres, pipeline):
    database = postgres()
    environment = {"DATABASE_URL": database.url()}
    sluice.run(pipeline(database.sink(url="${DATABASE_URL}")), environment=environment).expect(0)
    assert complete(database)


def test_a_unix_socket(sluice, postgres, pipeline):
    database = postgres()
    place = str(database.cluster.folder).replace("/", "%2F")
    url = database.url().replace("@127.0.0.1:", f"@{place}:")
    sluice.run(pipeline(database.sink(url=url))).expect(0)
    assert complete(database)


def test_a_password_file(sluice, postgres, pipeline):
    database = postgres()
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    path = sluice.home / ".pgpass"
    path.write_text(f"127.0.0.1:{database.cluster.port}:*:somebody:else\n*:*:*:{ROLE}:{escaped}\n")
    path.chmod(0o644)
    one = pipeline(database.sink(url=database.url(password=None)))
    result = sluice.run(one).expect(77)
    check_message(result, "password")
    path.chmod(0o600)
    sluice.run(one).expect(0)
    assert complete(database)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls(sluice, postgres, pipeline, mode):
    database = postgres()
    root = {} if mode == "require" else {"sslrootcert": str(database.cluster.folder / "root.crt")}
    for host in ("localhost", "127.0.0.1"):
        url = database.url(host=host, sslmode=mode, application_name=f"seen-{host}", **root)
        process = sluice.start_run(
            pipeline(database.sink(url=url), rate_limit={"requests_per_second": 300, "burst": 10})
        )
        seen = set()
        query = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '" + ROLE + "'"
        while process.poll() is None:
            seen |= set(database.psql(query).split())
        process.result.expect(0)
        assert seen == {"t"}, "every connection is encrypted"


@pytest.mark.parametrize("fault", ["another root", "no such file", "another name"])
def test_tls_that_does_not_verify(sluice, postgres, pipeline, server, fault):
    database = postgres()
    folder = database.cluster.folder
    root = {"another root": "stranger.crt", "no such file": "nowhere.crt", "another name": "root.crt"}[fault]
    options = {"sslmode": "verify-full", "sslrootcert": str(folder / root)}
    if fault == "another name":
        options["hostaddr"] = "127.0.0.1"
    url = database.url(host="db.example.com" if fault == "another name" else "localhost", **options)
    began = time.monotonic()
    result = sluice.run(pipeline(database.sink(url=url)))
    assert result.code in (69, 77, 78), f"exit {result.code}\n{result.err}"
    check_message(result, "certificate")
    assert time.monotonic() - began < 10, "waiting doesn't help"
    assert not server.asked


def test_pgbouncer(sluice, postgres, pipeline, pgbouncer, synthetic):
    """In session mode, with SCRAM on both sides: a run, a killed one that goes on, and a pooler that restarts."""
    pooler = pgbouncer()
    server = synthetic(users=1500)

    def run_through(database, **options):
        one = pipeline(database.sink(url=database.url(port=pooler.port)))
        one.document["source"]["endpoint_url"] = server.url
        one.document["source"]["users"]["path"] = str(server.ids)
        one.document["source"]["rate_limit"]["requests_per_second"] = options.pop("rate", 20000)
        return sluice.start_run(one.write(), "--logical-date", LOGICAL_DATE, **options)

    whole = postgres()
    run_through(whole).wait(60).expect(0)
    database = postgres()
    killed = run_through(database, rate=1000)
    while database.store().next_ordinal < 300:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    process = run_through(database, rate=400)
    committed = database.store().next_ordinal
    while database.store().next_ordinal <= committed:
        assert process.poll() is None, process.result.err
        time.sleep(0.02)
    pooler.stop()
    time.sleep(0.5)
    pooler.start()
    process.wait(60).expect(0)
    same_run(database.store(), whole.store())
    connected = database.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sluice%'")
    assert int(connected) <= 3


@pytest.mark.parametrize(("mode", "robin"), [("transaction", 0), ("transaction", 1), ("statement", 0)])
def test_a_pooler_that_keeps_no_session(sluice, postgres, pipeline, pgbouncer, server, mode, robin):
    """It is found out before anybody is asked for, and no lock stays behind in the pooler's connections."""
    database = postgres()
    pooler = pgbouncer(pool_mode=mode, default_pool_size=3, server_round_robin=robin)
    one = pipeline(database.sink(url=database.url(port=pooler.port)))
    check_message(sluice.run(one).expect(78), f"{mode} mode", "session mode")
    assert not server.asked
    sluice.run(pipeline(database.sink(), name="direct")).expect(0)


def test_a_pooler_with_one_connection(sluice, postgres, pipeline, pgbouncer):
    """In session mode a pool that is used up is no reason to refuse it."""
    database = postgres()
    pooler = pgbouncer(default_pool_size=1)
    sluice.run(pipeline(database.sink(url=database.url(port=pooler.port)))).expect(0)
    assert complete(database)


@pytest.mark.parametrize("schema", ["information_schema", "pg_catalog", "pg_mine"])
def test_a_schema_of_the_servers_own(sluice, pipeline, server, schema):
    result = sluice.run(pipeline({"type": "postgres", "url": "postgresql://u@h/d", "schema": schema})).expect(78)
    assert re.search(r"pipeline\.yaml:\d+:\d+: error: .*schema", result.err), result.err
    assert not server.asked


def test_an_unlogged_table(sluice, postgres, pipeline, server):
    """PostgreSQL empties it after a crash: nothing is written, and who looks is told."""
    database = postgres()
    one = pipeline(database.sink())
    sluice.run(one).expect(0)
    database.psql("ALTER TABLE pinpoint.endpoint_metrics SET UNLOGGED")
    server.asked.clear()
    for command in (("run", one.file), ("retry", one.file)):
        result = sluice.start(*command).wait(60).expect(78)
        check_message(result, "UNLOGGED: 'endpoint_metrics'", "SET LOGGED")
    assert not server.asked
    for command in ("status", "verify"):
        result = sluice.start(command, one.file).wait(60)
        assert "UNLOGGED: 'endpoint_metrics'" in result.err, result.err
    database.psql("ALTER TABLE pinpoint.endpoint_metrics SET LOGGED")
    sluice.run(one).expect(0)


# What stands in the way ----------------------------------------------------------------------------------------------


def test_a_wrong_password(sluice, postgres, pipeline, server):
    database = postgres()
    result = sluice.run(pipeline(database.sink(url=database.url(password="wr0ng:p@ss")))).expect(77)
    check_message(result, "password", ROLE)
    for secret in ("wr0ng", "p@ss", "p%40ss"):
        assert secret not in result.err + result.out
    assert result.elapsed < 10 and not server.asked


def test_an_unknown_role(sluice, postgres, pipeline):
    database = postgres()
    check_message(sluice.run(pipeline(database.sink(url=database.url(user="nobody-knows")))).expect(77), "nobody-knows")


def test_no_password(sluice, postgres, pipeline):
    database = postgres()
    check_message(sluice.run(pipeline(database.sink(url=database.url(password=None)))).expect(77), "password")


def test_an_unknown_database(sluice, postgres, pipeline, server):
    database = postgres()
    result = sluice.run(pipeline(database.sink(url=database.url(database="no_such_database")))).expect(78)
    check_message(result, "no_such_database", "does not exist")
    assert not server.asked


@pytest.mark.limit(60)
def test_a_server_that_is_not_there(sluice, postgres, pipeline, server):
    database, port = postgres(), free_port()
    result = sluice.run(pipeline(database.sink(url=database.url(port=port), outage="2s"))).expect(69)
    check_message(result, "127.0.0.1", str(port), "refused")
    assert 1.5 <= result.elapsed <= 15 and not server.asked


@pytest.mark.limit(60)
def test_a_host_that_is_not_there(sluice, postgres, pipeline, server):
    database = postgres()
    result = sluice.run(pipeline(database.sink(url=database.url(host="db.invalid"), outage="2s"))).expect(69)
    check_message(result, "db.invalid")
    assert not server.asked


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://etl:s3cr3t@part@127.0.0.1:5432/db",
        "postgresql://etl:s3cr3t/part@127.0.0.1:5432/db",
        "postgresql://etl:s3cr3t#part%zz@127.0.0.1/db",
        "postgresql://etl:s3cr3t:part@127.0.0.1:nine/db",
        "postgresql://etl:s3cr3t-part@127.0.0.1/db?no_such_option=1",
        "mysql://etl:s3cr3t-part@127.0.0.1/db",
    ],
)
def test_a_url_that_can_not_be_read(sluice, postgres, pipeline, url):
    """Most often its password isn't percent-encoded, and then its parts stand where others are expected."""
    sink = postgres().sink(url=url, outage="0s")
    result = sluice.run(pipeline(sink))
    assert result.code in (69, 78), result.err
    assert "s3cr3t" not in result.err + result.out and "part" not in result.err, result.err
    assert result.messages


def test_no_permission(sluice, postgres, pipeline, server):
    """To create the schema, then to write into its tables."""
    database = postgres()
    one = pipeline(database.sink())
    database.psql(f"ALTER DATABASE {database.name} OWNER TO {SUPERUSER}")
    check_message(sluice.run(one).expect(77), "permission denied")
    assert not server.asked
    database.psql(f"CREATE SCHEMA pinpoint AUTHORIZATION {ROLE}")
    sluice.run(one, "--logical-date", "2026-01-01").expect(0)
    database.psql(
        f"ALTER TABLE pinpoint.endpoints OWNER TO {SUPERUSER}", f"GRANT SELECT ON pinpoint.endpoints TO {ROLE}"
    )
    check_message(sluice.run(one, "--logical-date", "2026-01-02").expect(77), "permission denied", "endpoints")
    database.psql(f"GRANT ALL ON pinpoint.endpoints TO {ROLE}")
    sluice.run(one, "--logical-date", "2026-01-02").expect(0)
    assert database.store().run_states == ["complete", "complete"]


def test_a_role_that_may_not_connect(sluice, postgres, pipeline):
    database = postgres()
    database.psql(
        f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC",
        f"ALTER DATABASE {database.name} OWNER TO {SUPERUSER}",
    )
    check_message(sluice.run(pipeline(database.sink())).expect(77), "permission denied|CONNECT")


def test_no_more_connections(sluice, postgres, pipeline):
    """Too many clients: it waits for its turn."""
    database = postgres()
    database.psql(f"ALTER DATABASE {database.name} CONNECTION LIMIT 2")
    first, second = database.session(ROLE), database.session(ROLE)
    first.ask("SELECT 1"), second.ask("SELECT 1")
    process = sluice.start_run(pipeline(database.sink()))
    time.sleep(2)
    assert process.poll() is None, process.result.err
    first.close(), second.close()
    process.wait(30).expect(0)
    assert complete(database)


# Locks ---------------------------------------------------------------------------------------------------------------


def wait_for_rows(database, process, ordinal=1):
    store = database.store()
    while store.next_ordinal < ordinal:
        assert process.poll() is None, process.result.err
        time.sleep(0.02)


@pytest.mark.limit(60)
def test_two_runs_at_once(sluice, postgres, pipeline, server):
    database = postgres()
    slow = {"requests_per_second": 15, "burst": 10}
    first = sluice.start_run(pipeline(database.sink(), name="first", rate_limit=slow))
    wait_for_rows(database, first)
    holders = database.connections()
    server.requests.clear()
    result = sluice.run(pipeline(database.sink(), name="second"), timeout=40).expect(75)
    message = check_message(result, "under-test", "lock|held|under way")
    assert any(re.search(rf"\b{pid}\b", message) for pid in holders), f"none of {holders} is named in:\n{message}"
    assert first.poll() is None, "the first one isn't disturbed"
    # Another pipeline isn't kept out, nor is the same one at another place.
    sluice.run(pipeline(database.sink(), name="third", pipeline="other")).expect(0)
    sluice.run(pipeline(database.sink(schema="elsewhere"), name="fourth")).expect(0)
    first.send(signal.SIGTERM)
    first.wait(30).expect(75)
    sluice.run(pipeline(database.sink(), name="second")).expect(0)


@pytest.mark.limit(60)
def test_the_lock_of_a_killed_run(sluice, postgres, pipeline):
    """A run that was killed, or whose machine lost its way, keeps nobody out for long."""
    database = postgres()
    slow = {"requests_per_second": 40, "burst": 10}
    for _ in range(3):
        process = sluice.start_run(pipeline(database.sink(), rate_limit=slow))
        wait_for_rows(database, process)
        process.kill()
        result = sluice.run(pipeline(database.sink()), "--fresh").expect(0)
        assert result.elapsed < 8


@pytest.mark.limit(60)
def test_somebody_locks_a_table(sluice, postgres, pipeline):
    """A lock that another session holds is waited for, and so is a row that it has changed."""
    database = postgres()
    sluice.run(pipeline(database.sink()), "--logical-date", "2026-01-01").expect(0)
    with database.session() as other:
        other.ask("BEGIN", "LOCK TABLE pinpoint.endpoint_attributes IN EXCLUSIVE MODE",
                  "UPDATE pinpoint.users SET status = 'theirs' WHERE user_id = 'user-0007'")  # fmt: skip
        process = sluice.start_run(pipeline(database.sink()), "--logical-date", "2026-01-02")
        time.sleep(2)
        assert process.poll() is None, process.result.err
        other.ask("COMMIT")
        process.wait(30).expect(0)
    assert database.store().count("users", "status = 'found'") == COUNT


@pytest.mark.limit(60)
def test_somebody_else_moves_the_checkpoint(sluice, postgres, pipeline):
    """A checkpoint that isn't as it was left (another writer, a backup put back) stops the run; nothing is written."""
    database = postgres()
    process = sluice.start_run(pipeline(database.sink(), rate_limit={"requests_per_second": 100, "burst": 10}))
    wait_for_rows(database, process, 50)
    database.psql("UPDATE pinpoint.sluice_checkpoints SET commit_number = commit_number + 3")
    moved = database.store().commit_number
    result = process.wait(30)
    assert result.code in (69, 70, 78), f"exit {result.code}\n{result.err}"
    assert result.messages
    assert database.store().commit_number == moved and database.store().run_states == ["running"]


# Rows that the server refuses ----------------------------------------------------------------------------------------

REFUSALS = {
    "check": (
        ["ALTER TABLE pinpoint.endpoints ADD CONSTRAINT no_such_address CHECK (address !~ 'user-0(042|137|138)-1')"],
        'violates check constraint "no_such_address"',
    ),
    "trigger": (
        ["CREATE FUNCTION pinpoint.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
         "IF NEW.user_id ~ '0(042|137|138)' THEN RAISE EXCEPTION 'not these, please'; END IF; RETURN NEW; END $$",
         "CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON pinpoint.users FOR EACH ROW "
         "EXECUTE FUNCTION pinpoint.guard()"],
        "not these, please",
    ),
    "unique": (
        ["CREATE UNIQUE INDEX only_one ON pinpoint.endpoint_attributes "
         "((value = 'reading' AND endpoint_id ~ '0(042|137|138)/')) "
         "WHERE position = 99 OR (endpoint_id ~ '0(042|137|138)/1$' AND position = 0)",
         "INSERT INTO pinpoint.endpoint_attributes VALUES ('another', 'user-0042/1', 'n', 99, 'reading')"],
        'duplicate key value violates unique constraint "only_one"',
    ),
    "part": (
        ["ALTER TABLE pinpoint.endpoint_metrics ADD CONSTRAINT small CHECK (endpoint_id !~ '0(042|137|138)/0')"],
        'violates check constraint "small"',
    ),
    "deferred": (
        ["CREATE FUNCTION pinpoint.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
         "IF NEW.user_id ~ '0(042|137|138)' THEN RAISE EXCEPTION 'refused at the end'; END IF; RETURN NULL; END $$",
         "CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON pinpoint.users DEFERRABLE INITIALLY DEFERRED "
         "FOR EACH ROW EXECUTE FUNCTION pinpoint.late()"],
        "refused at the end",
    ),
}  # fmt: skip
REFUSED = [42, 137, 138]


#: An index sees the rows that are there only where these are; what `replace` fills aside has no triggers.
REFUSED_IN = [
    *((kind, "merge") for kind in REFUSALS),
    *((kind, "append") for kind in REFUSALS if kind != "unique"),
    *((kind, "replace") for kind in ("check", "part")),
]


@pytest.mark.parametrize(("kind", "mode"), REFUSED_IN)
def test_refused_records(sluice, postgres, pipeline, kind, mode):
    """Three records are refused, two of them in one batch: they go to `failures`, everything else is committed."""
    statements, message = REFUSALS[kind]
    whole = postgres()
    sluice.run(pipeline(whole.sink(mode), name="whole"), "--logical-date", LOGICAL_DATE).expect(0)

    database = postgres()
    one = pipeline(database.sink(mode))
    # Tables must be there before somebody can put conditions on them.
    sluice.run(one, "--logical-date", "2025-01-01").expect(0)
    database.psql(*[f"TRUNCATE pinpoint.{table}" for table in ("users", "endpoints", "endpoint_attributes",
                    "endpoint_metrics", "endpoint_user_attributes")])  # fmt: skip
    database.psql(*statements, user=ROLE)
    result = sluice.run(one, "--logical-date", LOGICAL_DATE).expect(65)
    summary = result.summary
    assert (summary["records"], summary["found"], summary["failed"]) == (COUNT, COUNT, 0)
    assert summary["sinks"][0]["refused"] == 3 and summary["state"] == "complete"
    assert summary["rows"]["users"] == COUNT - 3 and summary["rows"]["failures"] == 3
    store = database.store()
    failures = store.failures("ordinal", "user_id", "run_id", "message")
    assert [(int(row[0]), row[1]) for row in failures] == [(number, f"user-{number:04d}") for number in REFUSED]
    assert all(message in row[3] for row in failures), failures
    assert {row[0] for row in store.failures("code")} != {None}
    # Every other row is as it is without the condition.
    others = "user_id !~ '0(042|137|138)$'"
    for table, condition in (
        ("users", others), ("endpoints", others), ("endpoint_user_attributes", others),
        ("endpoint_attributes", "endpoint_id !~ '0(042|137|138)/'"),
        ("endpoint_metrics", "endpoint_id !~ '0(042|137|138)/'"),
    ):  # fmt: skip
        query = f"SELECT * FROM {table} WHERE {condition} ORDER BY 1, 2, 3, 4"
        assert store.query(query) == whole.store().query(query), table
        left = store.count(table, f"NOT ({condition})")
        assert left == (1 if kind == "unique" and table == "endpoint_attributes" else 0), table
    assert store.run_states == ["complete", "complete"]


def test_a_publication_that_is_refused(sluice, postgres, pipeline):
    """A trigger of the published table: what is published stays, and once the trigger is gone, the run is published."""
    database = postgres()
    one = pipeline(database.sink("replace"))
    sluice.run(one, "--logical-date", "2025-01-01").expect(0)
    old = database.store().fingerprint()
    database.psql(*REFUSALS["trigger"][0])
    result = sluice.run(one, "--logical-date", LOGICAL_DATE).expect(78)
    check_message(result, "not these, please")
    assert database.store().fingerprint() == old
    database.psql("DROP TRIGGER guard ON pinpoint.users")
    sluice.run(one, "--logical-date", LOGICAL_DATE).expect(0)
    assert database.store().count("users", "run_id LIKE '%20260102%'") == COUNT


@pytest.mark.limit(60)
def test_many_refused_records(sluice, postgres, pipeline):
    """Whole batches and scattered records; a user's older rows stay, as those of a failed one do."""
    database = postgres()
    sluice.run(pipeline(database.sink()), "--logical-date", "2025-01-01").expect(0)
    refused = "right(user_id, 4)::int BETWEEN 90 AND 160 OR right(user_id, 1) = '3'"
    database.psql(f"ALTER TABLE pinpoint.users ADD CONSTRAINT kept_out CHECK (run_id ~ '2025' OR NOT ({refused}))")
    result = sluice.run(pipeline(database.sink()), "--logical-date", LOGICAL_DATE).expect(65)
    wanted = [number for number in range(COUNT) if 90 <= number <= 160 or number % 10 == 3]
    store = database.store()
    assert [int(row[0]) for row in store.failures("ordinal")] == wanted
    assert result.summary["sinks"][0]["refused"] == len(wanted)
    old, new = "under-test-20250101T000000Z", "under-test-20260102T030405Z"
    assert store.count("users", f"run_id = '{old}'") == len(wanted)
    assert store.count("users", f"run_id = '{new}'") == COUNT - len(wanted)
    assert store.count("endpoints", f"run_id = '{old}'") == 2 * len(wanted)
    assert store.count("endpoints") == 2 * COUNT and store.count("endpoint_attributes") == 4 * COUNT


def test_values_out_of_range(sluice, postgres, pipeline):
    """A domain's range, found while the rows are cast."""
    database = postgres()
    sluice.run(pipeline(database.sink()), "--logical-date", "2025-01-01").expect(0)
    database.psql(
        "CREATE FUNCTION pinpoint.narrow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.ordinal := (CASE WHEN NEW.user_id = 'user-0100' THEN 40000 ELSE NEW.ordinal END)::int2; "
        "RETURN NEW; END $$",
        "CREATE TRIGGER narrow BEFORE INSERT OR UPDATE ON pinpoint.endpoints FOR EACH ROW "
        "EXECUTE FUNCTION pinpoint.narrow()",
    )
    result = sluice.run(pipeline(database.sink()), "--logical-date", LOGICAL_DATE).expect(65)
    store = database.store()
    ((ordinal, message),) = store.failures("ordinal", "message")
    assert ordinal == "100" and "smallint out of range" in message
    assert result.summary["sinks"][0]["refused"] == 1


def test_refused_records_do_not_leak(sluice, postgres, pipeline):
    """The server's message is kept; its detail, which quotes the row, is neither stored nor logged."""
    database = postgres()
    sluice.run(pipeline(database.sink()), "--logical-date", "2025-01-01").expect(0)
    database.psql("ALTER TABLE pinpoint.endpoints ADD CONSTRAINT kept_out CHECK (ordinal <> 42) NOT VALID")
    result = sluice.run(pipeline(database.sink()), "--logical-date", LOGICAL_DATE).expect(65)
    assert "user-0042" not in result.err + result.out and "@example.com" not in result.err + result.out
    ((message,),) = database.store().failures("message")
    assert "example.com" not in message


# A full disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_tablespace(postgres_cluster, tmp_path_factory):
    """A tablespace on a small tmpfs, with a function that changes its size."""
    folder = postgres_cluster.folder / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], capture_output=True, check=False
    )
    if os.geteuid() != 0 or not mounted or mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("mounting a small tmpfs needs root")
    inner = folder / "space"
    inner.mkdir()
    shutil.chown(inner, "postgres", "postgres")
    postgres_cluster.psql(f"CREATE TABLESPACE small LOCATION '{inner}'")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    yield resize
    resize("400m")
    postgres_cluster.psql(
        *[f"DROP DATABASE {name} WITH (FORCE)" for name in postgres_cluster.psql(
            "SELECT datname FROM pg_database d JOIN pg_tablespace s ON dattablespace = s.oid WHERE spcname = 'small'"
        ).split()]
    )  # fmt: skip
    postgres_cluster.psql("DROP TABLESPACE small")
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


@pytest.mark.limit(120)
@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_a_full_disk_of_the_server(
    sluice, postgres, postgres_cluster, synthetic, pipeline, small_tablespace, mode
):
    server = synthetic(users=1000)

    def write(name, database):
        one = pipeline(database.sink(mode), name=name)
        one.document["source"]["endpoint_url"] = server.url
        one.document["source"]["users"]["path"] = str(server.ids)
        return one.write()

    whole = postgres()
    sluice.run(write("whole", whole), "--logical-date", LOGICAL_DATE).expect(0)
    database = postgres(TABLESPACE="small")
    # A new database's files have holes, which are filled as its pages are written. On a full disk they couldn't be, and
    # whoever needs a page's place, in whatever database, would fail.
    postgres_cluster.psql("CHECKPOINT")
    full = write("full", database)
    result = sluice.run(full, "--logical-date", LOGICAL_DATE).expect(74)
    check_message(result, "No space left on device|space|disk")
    assert database.store().run_states == ["running"]
    committed = database.store().next_ordinal
    assert committed % 50 == 0
    sluice.run(full, "--logical-date", LOGICAL_DATE).expect(74)
    small_tablespace("400m")
    result = sluice.run(full, "--logical-date", LOGICAL_DATE).expect(0)
    assert result.summary["resumed_from"] >= committed
    same_content(database.store(), whole.store())


def test_a_url_where_a_name_belongs(sluice, postgres, pipeline):
    """libpq would take it, and what is shown of the place would hold the password."""
    database = postgres()
    for value in (database.url(), "host=127.0.0.1 password=hunter2-secret"):
        result = sluice.run(pipeline({"type": "postgres", "dbname": value})).expect(78)
        assert "'url'" in result.message and "hunter2" not in result.err


def test_replace_leaves_rows_that_no_pipeline_wrote(sluice, postgres, pipeline):
    database = postgres()
    sluice.run(pipeline(database.sink("merge")), "--logical-date", "2025-01-01").expect(0)
    database.psql(*(f"DELETE FROM pinpoint.{table}" for table in ("sluice_tables", "sluice_runs", "sluice_checkpoints")))
    before = database.store().count("endpoints")
    result = sluice.run(pipeline(database.sink("replace"), name="other"), "--logical-date", LOGICAL_DATE).expect(78)
    check_message(result, "no pipeline wrote")
    assert database.store().count("endpoints") == before > 0


def test_a_table_that_is_dropped_under_a_run(sluice, postgres, pipeline):
    database = postgres()
    written = pipeline(database.sink("merge"))
    plan = {"SLUICE_FAILPOINT": "postgres.prepare.before-transaction#3=kill"}
    assert sluice.run(written, "--logical-date", LOGICAL_DATE, environment=plan).code == -9
    database.psql("DROP TABLE pinpoint.users CASCADE")
    for _ in range(2):
        check_message(sluice.run(written, "--logical-date", LOGICAL_DATE).expect(78), "users", "--fresh")
    sluice.run(written, "--logical-date", LOGICAL_DATE, "--fresh").expect(0)
    assert database.store().count("users") == COUNT and database.store().count("endpoints") == 2 * COUNT
