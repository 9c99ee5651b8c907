"""A private PostgreSQL cluster, databases in it, and what a pipeline left there as psql shows it."""

import functools
import glob
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from support.content import DIAGNOSTICS, MERGE_COLUMNS

#: The role that pipelines use; it owns the databases and is no superuser.
ROLE = "etl"
#: Hard to print by accident, and hard to pass on in a URL or a password file.
PASSWORD = "ge:heim/4@7%41 \\'x"
SUPERUSER = "admin"
SCHEMA = "pinpoint"

CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = 60
shared_buffers = 32MB
# Stopping at once, as the tests do, loses nothing that the kernel has; only a machine that dies would.
fsync = off
password_encryption = 'scram-sha-256'
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
log_connections = on
log_line_prefix = '%m [%p] %q%u@%d %a '
# Unlike what the program's own texts use, so that it can't rely on a server's settings.
timezone = 'Asia/Kolkata'
datestyle = 'German, DMY'
"""

ACCESS = """
local   all all              scram-sha-256
host    all all 127.0.0.1/32 scram-sha-256
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def bin_directory():
    """Where initdb and postgres are; Debian keeps them out of the PATH."""
    if shutil.which("pg_config"):
        path = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        if os.path.exists(f"{path}/initdb"):
            return path
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        pytest.fail("initdb isn't there; install the package 'postgresql', or start the tests with Scripts/test")
    return os.path.dirname(found[-1])


def as_server_user(home, *command):
    """A command as a user whom PostgreSQL accepts: anybody but root. It ends when the tests' process ends."""
    prefix = ["setpriv", "--pdeathsig=QUIT"]
    if os.geteuid() == 0:
        prefix += ["--reuid=postgres", "--regid=postgres", "--init-groups"]
    return [*prefix, "env", "-i", f"HOME={home}", f"PATH={os.environ['PATH']}", *map(str, command)]


def certificate(folder, name, subject):
    """A self-signed certificate for this machine's loopback, and its key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "30", "-subj", f"/CN={subject}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"]
    subprocess.run(command, check=True, capture_output=True)


class Cluster:
    """A server with a data folder of its own, on a free port. It is the tests' main thread's child and ends with it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-postgres-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        self.names = 0
        self.super_password = secrets.token_hex(8)
        password = self.folder / "password"
        password.write_text(self.super_password)
        certificate(self.folder, "server", "localhost")
        certificate(self.folder, "stranger", "localhost")
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "postgres", "postgres")
        self.folder.chmod(0o755)
        initdb = [f"{bin_directory()}/initdb", "-D", self.data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"]
        initdb += ["--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"]
        made = subprocess.run(as_server_user(self.folder, *initdb), capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        for name in ("server.crt", "server.key"):
            (self.folder / name).rename(self.data / name)
        shutil.copyfile(self.data / "server.crt", self.folder / "root.crt")
        with open(self.data / "postgresql.conf", "a") as configuration:
            configuration.write(CONFIGURATION)
            configuration.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        (self.data / "pg_hba.conf").write_text(ACCESS)
        self.start()
        self.psql(f"CREATE ROLE {ROLE} LOGIN PASSWORD {literal(PASSWORD)}")

    # Starting and stopping -------------------------------------------------------------------------------------------

    def start(self):
        """Starts the server and waits until it takes connections."""
        deadline = time.monotonic() + 30
        while True:
            with open(self.folder / "log", "ab") as log:
                self.process = subprocess.Popen(
                    as_server_user(self.folder, f"{bin_directory()}/postgres", "-D", self.data),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip
            while self.process.poll() is None:
                if self.is_ready():
                    return
                assert time.monotonic() < deadline, f"the server doesn't start:\n{self.log[-2000:]}"
                time.sleep(0.02)
            # After a SIGKILL its shared memory is still in use until the last of its children has noticed.
            assert time.monotonic() < deadline, f"the server ends at once:\n{self.log[-2000:]}"
            time.sleep(0.2)

    def is_ready(self):
        command = [f"{bin_directory()}/pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def stop(self, mode="immediate"):
        """`smart`, `fast` or `immediate`, as `pg_ctl stop -m` calls them."""
        number = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def restart(self, mode="immediate", away=0.0):
        self.stop(mode)
        time.sleep(away)
        self.start()

    def kill(self):
        """SIGKILLs the postmaster; its children end by themselves."""
        self.process.kill()
        self.process.wait(30)

    def freeze(self):
        """Stops every process of it in its tracks: connections stay, and nobody answers."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def signal_all(self, number):
        main = self.process.pid
        for process in (main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    # Asking ----------------------------------------------------------------------------------------------------------

    def psql_command(self, database, user=SUPERUSER):
        # Not the one on the PATH: Debian's is a script that takes longer to start than psql does.
        command = [f"{bin_directory()}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        return [*command, "-p", str(self.port), "-U", user, "-d", database]

    def psql_environment(self, user=SUPERUSER, password=None):
        password = password or {SUPERUSER: self.super_password, ROLE: PASSWORD}.get(user)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PGCLIENTENCODING": "UTF8"}
        return {**environment, "PGPASSWORD": password, "PGTZ": "UTC", "PGDATESTYLE": "ISO, YMD", "PAGER": ""}

    def psql(self, *commands, database="postgres", user=SUPERUSER, password=None, check=True):
        """psql's standard output. SQL, or psql's own commands, one after the other in one session."""
        command = self.psql_command(database, user)
        for text in commands:
            command += ["-c", text]
        environment = self.psql_environment(user, password)
        done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"psql ends with {done.returncode}: {done.stderr.decode()}\n{commands}")
        return done.stdout.decode() if check else done

    def database(self, template=None, name=None, **settings):
        """A new database that belongs to `ROLE`, empty or a copy; settings are those of CREATE DATABASE."""
        self.names += 1
        name = name or f"test_{self.names}"
        options = {"OWNER": ROLE, **settings, **({"TEMPLATE": template.name} if template else {})}
        text = " ".join(f"{key} {value}" for key, value in options.items())
        deadline = time.monotonic() + 20
        while True:
            done = self.psql(f"CREATE DATABASE {name} {text}", check=False)
            if done.returncode == 0:
                return Database(self, name)
            # Nobody may be connected to a template, and a killed client's backend takes a moment to end.
            error = done.stderr.decode()
            assert "being accessed by other users" in error and time.monotonic() < deadline, error
            time.sleep(0.05)


class PgBouncer:
    """A pooler in front of a cluster, in session mode unless settings say otherwise."""

    def __init__(self, cluster, **settings):
        self.cluster, self.port = cluster, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-pgbouncer-"))
        (self.folder / "users").write_text(f'"{ROLE}" "{PASSWORD}"\n')
        options = {
            "listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "pool_mode": "session",
            "auth_type": "scram-sha-256", "auth_file": self.folder / "users", "logfile": self.folder / "log",
            "pidfile": self.folder / "pid", "max_client_conn": 50, **settings,
        }  # fmt: skip
        text = "".join(f"{name} = {value}\n" for name, value in options.items())
        (self.folder / "ini").write_text(f"[databases]\n* = host=127.0.0.1 port={cluster.port}\n[pgbouncer]\n{text}")
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "postgres", "postgres")
        self.start()

    def start(self):
        path = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        command = as_server_user(self.folder, path, "-q", self.folder / "ini")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def literal(text):
    """A text as SQL spells it, whatever standard_conforming_strings says."""
    return " E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


class Database:
    """One database, for one test."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.open_session = None

    def url(self, host="127.0.0.1", port=None, user=ROLE, password=PASSWORD, database=None, **parameters):
        parameters.setdefault("sslmode", "disable")
        who = user if password is None else f"{user}:{quote(password, safe='')}"
        place = f"{host}:{port or self.cluster.port}/{database or self.name}"
        return f"postgresql://{who}@{place}?{urlencode(parameters, quote_via=quote)}"

    def sink(self, mode="merge", schema=SCHEMA, url=None, **options):
        """The sink's options in a pipeline."""
        return {"type": "postgres", "url": url or self.url(), "schema": schema, "mode": mode, **options}

    def psql(self, *commands, **options):
        if self.open_session and not options:
            return "".join(f"{line}\n" for line in self.open_session.ask(*commands))
        return self.cluster.psql(*commands, database=self.name, **options)

    @contextmanager
    def connected(self):
        """Within it, one psql is asked everything: starting one for each question is what takes the time."""
        with self.session() as self.open_session:
            try:
                yield
            finally:
                self.open_session = None

    def store(self, schema=SCHEMA):
        return PostgresStore(self, schema)

    def session(self, user=SUPERUSER, password=None):
        return PsqlSession(self, user, password)

    def drop(self):
        self.cluster.psql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def connections(self):
        """The process IDs of what is connected as `ROLE`."""
        text = self.psql(
            f"SELECT pid FROM pg_stat_activity WHERE datname = '{self.name}' AND usename = '{ROLE}' ORDER BY pid"
        )
        return [int(line) for line in text.split()]

    def terminate(self):
        """Ends the connections of `ROLE`; returns how many there were."""
        text = self.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            f"WHERE datname = '{self.name}' AND usename = '{ROLE}'"
        )
        return int(text)


class PsqlSession:
    """A psql that stays connected."""

    def __init__(self, database, user=SUPERUSER, password=None):
        cluster = database.cluster
        self.process = subprocess.Popen(
            cluster.psql_command(database.name, user), env=cluster.psql_environment(user, password), text=True,
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, *statements):
        """What the statements, or psql's own commands, print, as lines."""
        lines = (text if text.startswith("\\") else f"{text};" for text in (*statements, r"\echo that is all"))
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            assert line, f"psql has ended: {self.process.stderr.read()}"
            if line == "that is all\n":
                return lines
            lines.append(line.rstrip("\n"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.process.stderr.close()


# What stands in the tables -------------------------------------------------------------------------------------------

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def copied(text):
    """The rows of COPY's text format; None is NULL."""
    return [tuple(copied_value(field) for field in line.split("\t")) for line in text.split("\n")[:-1]]


def copied_value(field):
    if field == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: ESCAPES[found[1]], field)


def canonical_json(text):
    """One text for each JSON value: names in order, numbers by their decimal value."""
    return canonical(json.loads(text, parse_int=Decimal, parse_float=Decimal))


def canonical(value):
    """The same for a value whose numbers are Decimal."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        text = "".join(map(str, digits)).lstrip("0")
        short = text.rstrip("0")
        return f"{'-' if sign and short else ''}{short}e{exponent + len(text) - len(short)}" if short else "0"
    return json.dumps(value)


#: From COPY's text to the value, by the column's type.
FROM_TEXT = {"bigint": int, "integer": int, "double precision": float, "jsonb": canonical_json}


class PostgresStore:
    """A schema that a pipeline has written, read by psql; the same questions as `content.Store` answers."""

    def __init__(self, database, schema=SCHEMA):
        self.database, self.schema = database, schema
        self.path = f"{database.name}.{schema}"

    def psql(self, *commands):
        return self.database.psql(f"SET search_path TO {identifier(self.schema)}", *commands)

    def query(self, sql):
        """Rows of texts, None for NULL."""
        return copied(self.psql(f"COPY ({sql}) TO STDOUT"))

    def value(self, sql):
        return self.query(sql)[0][0]

    def count(self, table, where="true"):
        return int(self.value(f"SELECT count(*) FROM {table} WHERE {where}"))

    def describe(self, name):
        """What `\\d` prints, without spaces at the ends of lines, empty lines and the title's indentation."""
        shown = rf"\d {identifier(self.schema)}.{identifier(name)}"
        form = (r"\pset tuples_only off", r"\pset format aligned")
        text = self.database.psql(*form, shown, r"\pset tuples_only on", r"\pset format unaligned")
        return "\n".join(line.rstrip() for line in text.split("\n") if line.strip()).lstrip()

    def columns(self, table):
        """(name, type) of each column in its order; empty where there is no such table."""
        return self.query(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON attrelid = c.oid "
            f"JOIN pg_namespace n ON relnamespace = n.oid WHERE nspname ={literal(self.schema)} "
            f"AND relname = '{table}' AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )

    def tables(self):
        """The names of the tables and views, in order."""
        return [
            row[0]
            for row in self.query(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON relnamespace = n.oid "
                f"WHERE nspname ={literal(self.schema)} AND relkind IN ('r', 'v', 'p', 'm') ORDER BY 1"
            )
        ]

    def failures(self, *columns):
        return self.query(f"SELECT {', '.join(columns)} FROM failures ORDER BY run_id, ordinal")

    @property
    def next_ordinal(self):
        """The first ordinal that isn't committed; 0 before anything is."""
        return self.of_checkpoint("next_ordinal")

    @property
    def commit_number(self):
        return self.of_checkpoint("commit_number")

    def of_checkpoint(self, column):
        there = "sluice_checkpoints" in self.tables()
        rows = self.query(f"SELECT {column} FROM sluice_checkpoints") if there else []
        return int(rows[0][0]) if rows else 0

    @property
    def run_states(self):
        return [row[0] for row in self.query("SELECT state FROM sluice_runs ORDER BY started_at, run_id")]

    def rows(self, table, without=(), diagnostics=False):
        """All rows of a table in order, without some columns, what a merge keeps beside the layout's, and failures'
        diagnostics; times as UTC text."""
        left_out = {*without, *MERGE_COLUMNS} | (DIAGNOSTICS if table == "failures" and not diagnostics else set())
        columns = [(name, kind) for name, kind in self.columns(table) if name not in left_out]
        assert columns, f"{self.path} has no table {table}"
        kinds = [FROM_TEXT.get(kind, str) for _, kind in columns]
        fields = ", ".join(utc_text(name) if "timestamp" in kind else name for name, kind in columns)
        rows = [
            tuple(None if text is None else kind(text) for text, kind in zip(row, kinds, strict=True))
            for row in self.query(f"SELECT {fields} FROM {table}")
        ]
        return sorted(rows, key=lambda row: [(value is None, value) for value in map(comparable, row)])

    def account(self):
        """What the store says of its runs and its checkpoint, without times and without what was learned of rates."""
        date = utc_text("logical_date")
        runs = self.query(f"SELECT pipeline, shard, run_id, state, {date}, counts FROM sluice_runs ORDER BY 1, 2, 3")
        checkpoints = self.query(
            "SELECT pipeline, shard, run_id, next_ordinal, input_ended, position, parked, counts, input_hash, "
            "commit_number FROM sluice_checkpoints ORDER BY 1, 2"
        )
        return {
            "runs": [(*row[:5], json.loads(row[5])) for row in runs],
            "checkpoints": [
                (*row[:5], json.loads(row[5]), json.loads(row[6]), json.loads(row[7]), *row[8:]) for row in checkpoints
            ],
        }

    def fingerprint(self):
        """One hash over what readers see in the tables of the layout, as one statement sees them."""
        return self.value(fingerprint_query())


LAYOUT = ("users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes")


def fingerprint_query(prefix=""):
    """A query of one text: a hash of each table's rows, in one statement and so in one snapshot."""
    parts = (
        f"(SELECT count(*) || ':' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\")), '') "
        f"FROM {prefix}{table} t)"
        for table in LAYOUT
    )
    return "SELECT concat_ws(' ', " + ", ".join(parts) + ")"


def utc_text(column):
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def comparable(value):
    return value if isinstance(value, (str, type(None))) else f"{value!r:>40}"


# Fixtures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_cluster():
    """A server for all tests of a session."""
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def pgbouncer(postgres_cluster):
    """Starts a pooler in front of the server: `pgbouncer()`."""
    poolers = []

    def start(**settings):
        poolers.append(PgBouncer(postgres_cluster, **settings))
        return poolers[-1]

    yield start
    for pooler in poolers:
        pooler.remove()


@pytest.fixture
def postgres(postgres_cluster, sluice):
    """Makes databases: `postgres()`, or `postgres(template=…)`. Whatever a test did to the server, the next one finds
    it running, and no process of a test may have printed the password."""
    made = []

    def make(**options):
        database = postgres_cluster.database(**options)
        made.append(database)
        return database

    make.cluster = postgres_cluster
    if postgres_cluster.process.poll() is not None:
        postgres_cluster.start()
    yield make
    sluice.stop_all()
    if postgres_cluster.process.poll() is not None:
        postgres_cluster.start()
    for database in made:
        database.drop()
    for process in sluice.processes:
        for path in (process.out_path, process.err_path):
            text = path.read_text(errors="replace")
            for secret in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)):
                assert secret not in text, f"the password is printed in {path}"
