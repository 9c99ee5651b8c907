"""The first command that people try."""

import os
import subprocess
import time

import pytest
from support.content import TABLES, Store
from support.kills import in_order
from support.ndjson import Folder
from support.values import columns


@pytest.mark.limit(120)
def test_the_demo_ends_with_rows_and_a_balanced_account(sluice, tmp_path):
    # It brings its own server and credentials.
    alone = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    directory = tmp_path / "demo"
    result = sluice("demo", "--users", "200", "--directory", directory, environment=alone).expect(0)
    databases = list(directory.rglob("*.sqlite"))
    assert len(databases) == 1, list(directory.rglob("*"))
    store = Store(databases[0])
    store.check()
    assert store.next_ordinal == 200
    assert store.count("users") + store.count("failures") == 200
    assert store.count("endpoints") > 200 and store.count("endpoint_attributes") > 0
    assert store.run_states == ["complete"]
    # The same rows as files, where readers look.
    current = Folder(directory / "endpoints").current
    current.check()
    for table in TABLES:
        names = [name for name in columns(table, append=True) if name in TABLES[table]]
        place = [columns(table, append=True).index(name) for name in names]
        rows = [[row[number] for number in place] for row in current.rows(table, append=True)]
        if table == "endpoints":
            for row in rows:
                row[names.index("extra")] = None
        stored = [list(row) for row in store.query(f"SELECT {', '.join(names)} FROM {table}".replace("extra", "NULL"))]
        assert in_order(rows) == in_order(stored), table
    assert "SELECT" in result.out.upper() and "zcat" in result.out, "it names queries to try"
    # What it says to try, does what it says.
    commands = [line[2:] for line in result.out.splitlines() if line.startswith("$ ") and "sluice run" not in line]
    advice = result.out[result.out.index("Two queries") :].splitlines()
    script = "\n".join(line.removeprefix("$ ") for line in advice if line.startswith(("$ ", "    ")))
    shown = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=False)
    assert len(commands) == 3 and shown.returncode == 0, shown.stderr
    assert "EMAIL" in shown.stdout and '{"application_id":' in shown.stdout
    assert "200" in result.out


@pytest.mark.limit(120)
def test_the_demo_leaves_nothing_running(sluice, tmp_path):
    # In a process group of its own, so that whatever it starts can be told.
    process = sluice.start("demo", "--users", "50", "--directory", tmp_path / "demo", prefix=["setsid"])
    process.wait(60).expect(0)
    time.sleep(0.2)
    assert not [pid for pid, group in processes() if group == process.pid]


def processes():
    """(ID, process group) of everything that runs."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
                yield int(name), int(fields[2])
            except OSError:
                continue


def test_the_demo_writes_to_a_database(sluice, postgres, tmp_path):
    """Twice: the second time after a demo that was cut off."""
    database = postgres()
    environment = {"DATABASE_URL": database.url()}
    arguments = ("demo", "--users", 300, "--directory")
    killed = {"SLUICE_FAILPOINT": "postgres.prepare.before-transaction#2=kill", **environment}
    assert sluice(*arguments, tmp_path / "one", environment=killed).code == -9
    result = sluice(*arguments, tmp_path / "two", environment=environment).expect(0)
    assert database.store("sluice_demo").count("users") == 300
    assert "sluice_demo.endpoints" in result.out


def test_killed_again_and_again(sluice, tmp_path):
    directory = tmp_path / "demo"
    result = sluice("demo", "--kill", "4", "--users", "1500", "--directory", directory, environment={"AWS_PROFILE": "x"})
    result.expect(0)
    assert len([line for line in result.out.splitlines() if line.startswith("  kill ")]) == 4, result.out
    assert "Nothing lost, nothing twice: 4 kills" in result.out and "DIFFERENT" not in result.out
    # Judged from outside, too.
    killed, undisturbed = Store(directory / "endpoints.sqlite"), Store(directory / "undisturbed" / "endpoints.sqlite")
    for table in TABLES:
        query = f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"
        assert killed.query(query) == undisturbed.query(query), table
    assert killed.count("users") == 1500
