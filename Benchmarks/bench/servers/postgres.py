"""A private PostgreSQL cluster on a socket: no port, no password, nobody else. It ends with this process."""

import functools
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ..measuring import clean_environment, tree_seconds
from ..stores.sqlite import LEFT_ASIDE, TABLES

SCHEMA = "pinpoint"
#: Durable as a server is that people rely on. Checkpoints and vacuum come when the bench asks for them, so that they
#: fall into nobody's time.
CONFIGURATION = """
listen_addresses = ''
shared_buffers = 512MB
max_wal_size = 8GB
checkpoint_timeout = 1d
wal_compression = off
autovacuum = off
max_connections = 20
"""


@functools.cache
def bin_directory():
    """Where initdb and postgres are; Debian keeps them out of the PATH."""
    if shutil.which("pg_config"):
        path = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        if os.path.exists(f"{path}/initdb"):
            return path
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise RuntimeError("initdb isn't there; install the package 'postgresql'")
    return os.path.dirname(found[-1])


class Cluster:
    def __init__(self):
        # Directly in the folder for temporary files: a socket's path may have a hundred bytes only.
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-bench-pg-"))
        self.data, self.process, self.names = self.folder / "data", None, 0
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        try:
            self.call("initdb", "-D", self.data, "-U", "etl", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust")
            with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
                file.write(CONFIGURATION + f"unix_socket_directories = '{self.folder}'\n")
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.as_server(f"{bin_directory()}/postgres", "-D", self.data),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while subprocess.run([f"{bin_directory()}/pg_isready", "-q", "-h", self.folder], check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL doesn't start: {(self.folder / 'log').read_text()[-1000:]}")
            time.sleep(0.05)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def as_server(self, *command):
        """A command as a user whom PostgreSQL accepts: anybody but root."""
        prefix = ["setpriv", "--pdeathsig=QUIT"]
        if os.geteuid() == 0:
            prefix += ["--reuid=postgres", "--regid=postgres", "--init-groups"]
        return list(map(str, [*prefix, "env", "-i", f"HOME={self.folder}", f"PATH={os.environ['PATH']}", *command]))

    def call(self, program, *arguments):
        """What one of the server's own programs prints."""
        command = self.as_server(f"{bin_directory()}/{program}", *arguments)
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout

    def cpu(self):
        """Seconds of processor of the server with all its processes, those that have ended included."""
        return tree_seconds(self.process.pid)

    # Databases -------------------------------------------------------------------------------------------------------

    def psql_command(self, database):
        # Not the one on the PATH: Debian's is a script that takes longer to start than psql does.
        program = f"{bin_directory()}/psql"
        return [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "etl", "-d", database]

    def ask(self, text, database="postgres"):
        command = [*map(str, self.psql_command(database)), "-A", "-t", "-c", text]
        environment = clean_environment(self.folder, PGTZ="UTC")
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"psql ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout.strip()

    def url(self, database):
        return f"host={self.folder} user=etl dbname={database}"

    def create(self, template=None):
        """A new database, empty or a copy, after a checkpoint: both sides write the same pages whole into the WAL."""
        self.names += 1
        name = f"bench_{self.names}"
        self.ask(f"CREATE DATABASE {name}" + (f" TEMPLATE {template} STRATEGY file_copy" if template else ""))
        self.ask("CHECKPOINT")
        return name

    def drop(self, *names):
        for name in names:
            self.ask(f"DROP DATABASE IF EXISTS {name} (FORCE)")

    def empty_copy(self, database):
        """A database with the same tables and indexes and none of the rows."""
        name = self.create(template=database)
        tables = self.ask(
            f"SELECT string_agg('{SCHEMA}.' || tablename, ', ') FROM pg_tables WHERE schemaname = '{SCHEMA}'", name
        )
        self.ask(f"TRUNCATE {tables}", name)
        return name

    def content(self, database):
        """{table: (rows, hash)}; a hash is the sum of the rows' hashes, so order doesn't count."""
        answers = {}
        for table in TABLES:
            columns = self.ask(
                "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
                f" FROM information_schema.columns WHERE table_schema = '{SCHEMA}' AND table_name = '{table}'"
                f" AND column_name NOT IN ({', '.join(repr(name) for name in sorted(LEFT_ASIDE))})",
                database,
            )
            if not columns:
                continue
            rows, first, second = self.ask(
                "SELECT count(*), sum(hashtextextended(t::text, 1)::numeric),"
                f" sum(hashtextextended(t::text, 2)::numeric) FROM (SELECT {columns} FROM {SCHEMA}.{table}) AS t",
                database,
            ).split("|")
            answers[table] = (int(rows), f"{first} {second}")
        return answers

    # What a piece of work wrote --------------------------------------------------------------------------------------

    def position(self):
        return self.ask("SELECT pg_current_wal_lsn()")

    def written_since(self, start):
        """Bytes of WAL since a position: (records, whole pages)."""
        end = self.position()
        if end == start:
            return 0, 0
        text = self.call("pg_waldump", "--stats", "-p", self.data / "pg_wal", "-s", start, "-e", end)
        # Total  <count>  <record bytes> [..%]  <page bytes> [..%]  <both> [..%]
        records, pages = map(int, re.search(r"^Total\s+\d+\s+(\d+) \[.*?\]\s+(\d+) \[", text, re.M).groups())
        return records, pages

    def dead_tuples(self, database):
        """(dead rows, rows updated within their page) of the tables."""
        dead, hot = self.ask(
            f"SELECT coalesce(sum(n_dead_tup), 0), coalesce(sum(n_tup_hot_upd), 0) FROM pg_stat_user_tables"
            f" WHERE schemaname = '{SCHEMA}'",
            database,
        ).split("|")
        return int(dead), int(hot)
