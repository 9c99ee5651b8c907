"""Scripts/bench's own promise: a time counts only where both sides wrote the same rows, and nothing is left behind."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, binary
from support.folders import open_to_others

#: A program that runs the real one, and then changes one value of what it wrote.
FORGER = """#!/bin/sh
{sluice} "$@" || exit $?
[ "$1" = run ] || exit 0
sqlite3 out.sqlite "UPDATE endpoint_attributes SET value = 'forged' WHERE (endpoint_id, name, position) =
    (SELECT endpoint_id, name, position FROM endpoint_attributes ORDER BY 1, 2, 3 LIMIT 1)"
"""


def bench(place, *arguments, tree=f"{REPOSITORY}/Benchmarks", sluice=None):
    """The bench at the size that is made for tests; what it prints, its status and its JSON."""
    (place / "tmp").mkdir(exist_ok=True)
    open_to_others(place)  # nginx's worker isn't root
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place / "tmp"), "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1", "SLUICE_BIN": str(sluice or binary()),
    }  # fmt: skip
    command = [sys.executable, "-m", "bench", "--size", "tiny", "--out", str(place / "out"), *arguments]
    done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=100, check=False)
    path = place / "out" / "benchmarks.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    return done, {row["name"]: row for row in rows}


def only(*names):
    return [word for name in names for word in ("--only", name)]


def test_rows_are_measured_and_written_down(tmp_path):
    done, rows = bench(tmp_path, *only("archive-ndjson-gz", "merge-again-sqlite-1", "growth-endpoints"))
    assert done.returncode == 0, done.stderr
    assert list(rows) == ["archive-ndjson-gz", "merge-again-sqlite-1", "growth-endpoints"]
    for name in ("archive-ndjson-gz", "merge-again-sqlite-1"):
        figures = rows[name]["figures"]
        assert figures["ours"]["best_seconds"] > 0 and figures["theirs"]["best_seconds"] > 0
        assert figures["ours"]["runs"][0]["peak"] > 10_000_000, "a peak of memory is a process's, in bytes"
    page = (tmp_path / "out" / "benchmarks.md").read_text()
    assert "`archive-ndjson-gz`" in page and "small or partial run" in page
    assert (tmp_path / "out" / "benchmarks" / "growth-endpoints.svg").read_text().startswith("<svg")
    written = page + (tmp_path / "out" / "benchmarks.json").read_text()
    assert str(tmp_path) not in written and "/tmp/" not in written and REPOSITORY not in written
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing stays behind"


def test_a_wrong_value_of_ours_doesn_t_count(tmp_path):
    forger = tmp_path / "sluice"
    forger.write_text(FORGER.replace("{sluice}", binary()))
    forger.chmod(0o755)
    done, rows = bench(tmp_path, *only("archive-sqlite"), sluice=forger)
    assert done.returncode == 1
    assert "the rows differ" in rows["archive-sqlite"]["failed"]
    assert "endpoint_attributes" in rows["archive-sqlite"]["failed"]
    assert rows["archive-sqlite"]["figures"] == {}
    assert "**failed**" in (tmp_path / "out" / "benchmarks.md").read_text()


@pytest.mark.parametrize(
    ("name", "peer", "right", "wrong", "table"),
    [
        # The first of several values is lost, a few rows go, and a changed value isn't taken over.
        ("archive-ndjson-gz", "endpoint_rows.py", "(values)", "(values[1:])", "endpoint_attributes"),
        ("archive-sqlite", "sqlite_append.sql", "COMMIT", "DELETE FROM endpoint_metrics WHERE value < 9;COMMIT",
         "endpoint_metrics"),
        ("merge-again-sqlite-1", "sqlite_merge.sql", "value IS NOT excluded.value", "false", "endpoint_attributes"),
    ],
)  # fmt: skip
def test_a_wrong_row_of_theirs_doesn_t_count(tmp_path, name, peer, right, wrong, table):
    tree = tmp_path / "Benchmarks"
    shutil.copytree(f"{REPOSITORY}/Benchmarks", tree)
    text = (tree / "peers" / peer).read_text()
    assert right in text
    (tree / "peers" / peer).write_text(text.replace(right, wrong))
    done, rows = bench(tmp_path, *only(name), tree=tree)
    assert done.returncode == 1, done.stderr
    assert "the rows differ" in rows[name]["failed"] and table in rows[name]["failed"]
    assert rows[name]["figures"] == {}


def test_stopped_it_takes_its_servers_and_files_along(tmp_path):
    (tmp_path / "tmp").mkdir()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONPATH": f"{REPOSITORY}/Benchmarks", "PYTHONDONTWRITEBYTECODE": "1", "SLUICE_BIN": binary(),
    }  # fmt: skip
    command = [sys.executable, "-m", "bench", "--size", "full", "--only", "limit", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (found := list((tmp_path / "tmp").glob("*/limit-nginx/nginx.pid"))) or not found[0].read_text():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        server = int(found[0].read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
    finally:
        process.kill()
        process.wait()
    assert not os.path.exists(f"/proc/{server}")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_stopped_run_goes_on(tmp_path):
    rows = only("archive-ndjson-gz", "archive-ndjson-zst")
    about = {"size": "tiny", "runs": 1}
    first, measured = bench(tmp_path, *rows)
    assert first.returncode == 0, first.stderr
    assert not (tmp_path / "out" / "unfinished.json").exists()

    def takes_over(program):
        """Whether a row that was measured with this program is taken over."""
        document = json.loads((tmp_path / "out" / "benchmarks.json").read_text())
        programs = {**document["machine"]["programs"], "commit": hashlib.sha256(program).hexdigest()}
        kept = {**about, "machine": {**document["machine"], "programs": programs}}
        (tmp_path / "out" / "unfinished.json").write_text(
            json.dumps({"about": kept, "rows": {"archive-ndjson-gz": [measured["archive-ndjson-gz"]]}})
        )
        done, again = bench(tmp_path, *rows, "--continue")
        assert done.returncode == 0, done.stderr
        assert list(again) == list(measured)
        return again["archive-ndjson-gz"] == measured["archive-ndjson-gz"]

    assert takes_over(Path(binary()).read_bytes())
    assert not takes_over(b"another program")


def test_an_unknown_row_is_said(tmp_path):
    done, _ = bench(tmp_path, "--only", "apy")
    assert done.returncode == 2 and "no row is called apy" in done.stderr
