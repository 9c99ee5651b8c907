"""A process that may have few files or threads: an exit code and a word on what to raise, never a crash."""

import os
import re
import subprocess

import pytest
from support.content import Store
from support.folders import open_to_others
from support.sluice import SyntheticServer

USERS = 300


@pytest.fixture
def server(sluice, tmp_path):
    return SyntheticServer(sluice, tmp_path / "server", users=USERS)


def limited(soft, hard=None):
    """Runs what follows with so many files."""
    return ["prlimit", f"--nofile={soft}:{hard or soft}"]


@pytest.mark.parametrize("files", [5, 8, 12, 24])
def test_too_few_files_for_anything(sluice, server, files):
    pipeline = sluice.pipeline("run", server.url, server.ids)
    # A shell raises nothing, and the limit holds from the program's first file on.
    for command in ("run", "retry", "preview"):
        script = f'ulimit -n {files}; exec "$0" {command} "$1"'
        done = subprocess.run(
            ["bash", "-c", script, sluice.binary, str(pipeline.file)], env=sluice.environment(), capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode == 127:
            continue  # its libraries can't be opened
        assert done.returncode == 78, f"{command}: {done.returncode}\n{done.stderr}"
        assert f"may have {files} files open" in done.stderr and "ulimit -n" in done.stderr, done.stderr


@pytest.mark.parametrize("files", [7, 8, 11])
def test_too_few_files_to_look(sluice, server, files):
    pipeline = sluice.pipeline("run", server.url, server.ids)
    for command in ("validate", "status", "changes", "verify"):
        script = f'ulimit -n {files}; exec "$0" {command} "$1"'
        done = subprocess.run(
            ["bash", "-c", script, sluice.binary, str(pipeline.file)], env=sluice.environment(), capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 78, f"{command}: {done.returncode}\n{done.stderr}"
        assert f"may have {files} files open" in done.stderr, done.stderr


@pytest.mark.parametrize("files", [27, 32, 48, 64, 80])
def test_files_for_every_sink(sluice, server, files):
    """Six sinks: all of them, or a word on the limit; no disk, input or service is blamed."""
    kinds = [{"type": "sqlite", "mode": "merge"}, {"type": "ndjson"}]
    sinks = [
        {**kinds[number % 2], "name": f"sink-{number}", "path": f"out/{number}{'.sqlite' if number % 2 == 0 else ''}"}
        for number in range(6)
    ]
    pipeline = sluice.pipeline("run", server.url, server.ids, sinks=sinks)
    result = sluice.run(pipeline, prefix=limited(files))
    assert result.code == 78 and f"may have {files} files open" in result.err and "6 sinks" in result.err, result.err
    # With one more than is named there it goes on, and to its end.
    needed = int(re.search(r"needs (\d+) with", result.err)[1])
    sluice.run(pipeline, prefix=limited(needed)).expect(0)


@pytest.mark.parametrize(
    ("files", "concurrency"), [((64, 64), 64), ((256, 256), 256), ((256, 1024), 1200), ((1024, 1024), 4096)]
)
def test_concurrency_fits_the_files(sluice, server, files, concurrency):
    pipeline = sluice.pipeline("run", server.url, server.ids, concurrency=concurrency)
    result = sluice.run(pipeline, prefix=limited(*files)).expect(0)
    assert result.summary["records"] == USERS and Store(pipeline.database).count("users") == USERS
    said = re.search(r"may have (\d+) files open at once.*: (\d+) calls run at once", result.err)
    assert said and int(said[1]) == files[1] and int(said[2]) < concurrency, result.err


def test_the_soft_limit_is_raised(sluice, server):
    pipeline = sluice.pipeline("run", server.url, server.ids, concurrency=256)
    result = sluice.run(pipeline, prefix=limited(64, 4096)).expect(0)
    assert "files open" not in result.err, result.err


@pytest.mark.parametrize("megabytes", [100, 110, 120, 130, 140, 160, 192])
def test_too_little_memory_for_threads(sluice, server, megabytes):
    pipeline = sluice.pipeline("run", server.url, server.ids)
    for command in (["run", pipeline.file], ["validate", pipeline.file], ["--version"]):
        prefix = ["prlimit", f"--as={megabytes << 20}"]
        done = subprocess.run(
            [*prefix, sluice.binary, *command], env=sluice.environment(), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        # So little memory that stacks of threads don't fit, or nothing at all does: then the loader says so.
        assert done.returncode in (78, 127) or command[0] != "run" and done.returncode == 0, f"{command}: {done.stderr}"
        assert done.returncode != 78 or "threads" in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody who runs nothing else")
@pytest.mark.parametrize("threads", [1, 2, 3, 5, 30])
def test_too_few_threads(sluice, server, tmp_path, threads):
    """Nothing waits for a thread that can't be started."""
    pipeline = sluice.pipeline("run", server.url, server.ids)
    open_to_others(pipeline.folder)
    somebody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "prlimit", f"--nproc={threads}"]
    for command in (["run", pipeline.file], ["validate", pipeline.file], ["--version"]):
        done = subprocess.run(
            [*somebody, sluice.binary, *command], env=sluice.environment(), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        enough = threads == 30 and command[0] != "run"
        if threads == 30 and not enough:
            assert "fewer than" not in done.stderr, done.stderr
            continue
        assert done.returncode == (0 if enough else 78), f"{command}: {done.returncode}\n{done.stderr}"
        assert enough or "fewer than" in done.stderr, done.stderr
