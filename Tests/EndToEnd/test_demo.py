"""The first command that people try."""

import os
import time

import pytest
from support.content import Store


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
    assert "SELECT" in result.out.upper(), "it names queries to try"
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
