"""Folders of runs of the first version on their way to the present form: killed at every step, read at every moment, and
nobody else at work."""

import fcntl
import json
import os
import shutil
import signal
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from support.kept import KeptStore, Nights
from support.kills import KILLS, first, first_and_last
from support.ndjson import Folder

FIRST, SECOND = "kept-20260101T000000Z", "kept-20260102T000000Z"


@pytest.fixture
def take(tmp_path, postgres, sluice):
    """Takes a store out of its archive."""
    nights = Nights("0.1")
    yield lambda name: KeptStore(f"0.1/{name}", tmp_path / name, postgres, sluice, nights)
    nights.stop()


def migrated(store, **environment):
    """A call that opens the store for writing, and has nothing else to do."""
    return store.run("second", "2026-01-02", **environment)


def published(store):
    """Every file of every published run, wherever its folder stands now."""
    return {
        name: {str(path.relative_to(run.folder)): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
        for name, run in Folder(store.place.folder).runs.items()
    }


def check_readers(store, content, moment):
    """Whoever looks finds all of it, and changes nothing."""
    current = store.place.folder / "current"
    assert (current / "manifest.json").is_file(), f"{moment}: current leads to nothing"
    assert published(store) == content, moment
    if Folder(store.place.folder).link.startswith("runs/"):
        Folder(store.place.folder).latest  # noqa: B018
    before = store.bytes()
    for command in ("status", "verify"):
        result = store(command, "--output", "json")
        assert result.code == 0, f"{moment}: {command}: {result.err}{result.out}"
    assert store.bytes() == before, moment


@pytest.mark.limit(300)
@pytest.mark.parametrize("action", ["kill", "error"])
@pytest.mark.parametrize("name", ["ndjson-append-complete", "ndjson-replace-complete"])
def test_interrupted_at_every_step(take, tmp_path, name, action):
    store = take(name)
    content, aside = published(store), tmp_path / "aside"
    assert set(content) == {FIRST, SECOND}
    shutil.copytree(store.place.folder, aside, symlinks=True)
    trace = tmp_path / "trace"
    assert migrated(store, SLUICE_FAILPOINT_TRACE=trace).code == 0
    reached = trace.read_text().split()
    if not reached:
        pytest.skip("this program was built without the trait Failpoints")
    own = reached[reached.index("ndjson.migrate.locked") : reached.index("ndjson.migrate.done") + 1]
    assert len(set(own)) > 10, own
    whole = store.bytes()
    check_readers(store, content, "undisturbed")
    assert Folder(store.place.folder).latest["run_id"] == SECOND
    assert sorted(os.listdir(store.place.folder)) == [".sluice", "current", "latest.json", "runs"]
    for step, visit in first_and_last(Counter(own)):
        shutil.rmtree(store.place.folder)
        shutil.copytree(aside, store.place.folder, symlinks=True)
        result = migrated(store, SLUICE_FAILPOINT=f"{step}#{visit}={action}")
        assert result.code == (-signal.SIGKILL if action == "kill" else 74), f"{step}#{visit}: {result.code}\n{result.err}"
        KILLS["while a folder is migrated"] += action == "kill"
        check_readers(store, content, f"after {step}#{visit}")
        assert migrated(store).code == 0
        assert store.bytes() == whole, f"after {step}#{visit}"


@pytest.mark.limit(300)
@pytest.mark.parametrize("name", ["ndjson-append-running", "ndjson-replace-unpublished"])
def test_killed_while_it_gives_a_run_up(take, tmp_path, name):
    """`--fresh` over an unfinished run, up to the first step of the new one, and again until it is done."""
    store = take(name)
    store.accept(3)
    content, aside, trace = published(store), tmp_path / "aside", tmp_path / "trace"
    shutil.copytree(store.place.folder, aside, symlinks=True)

    def fresh(**environment):
        return store.run("second", "2026-01-02", "--fresh", **environment)

    assert fresh(SLUICE_FAILPOINT_TRACE=trace).code == 0
    reached = trace.read_text().split()
    if not reached:
        pytest.skip("this program was built without the trait Failpoints")
    own = reached[: reached.index("ndjson.begin.after-history") + 1]
    assert any("abandon" in step for step in own) and any("migrate" in step for step in own), own
    whole = {run: Folder(store.place.folder).runs[run].data() for run in (FIRST, SECOND)}
    for step, visit in first(Counter(own)):
        shutil.rmtree(store.place.folder)
        shutil.copytree(aside, store.place.folder, symlinks=True)
        assert fresh(SLUICE_FAILPOINT=f"{step}#{visit}=kill").code == -signal.SIGKILL, step
        KILLS["while a run of an earlier version is given up"] += 1
        assert published(store) == content, f"after {step}#{visit}"
        assert fresh().code == 0, f"after {step}#{visit}"
        assert {run: found.data() for run, found in Folder(store.place.folder).runs.items()} == whole
        assert Folder(store.place.folder).latest["run_id"] == SECOND


@pytest.mark.limit(60)
def test_readers_at_every_moment(take):
    """The link leads to a whole run all the time."""
    store = take("ndjson-append-complete")
    manifest, misses, done = store.place.folder / "current" / "manifest.json", [], threading.Event()

    def look():
        while not done.is_set():
            try:
                manifest.read_bytes()
            except OSError as error:
                misses.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        assert migrated(store).code == 0
    finally:
        done.set()
        reader.join()
    assert not misses and Folder(store.place.folder).link == f"runs/{SECOND}"


@contextmanager
def locked(path):
    """As another process would hold it."""
    with open(path, "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield
    path.unlink()


@pytest.mark.limit(60)
@pytest.mark.parametrize("lock", ["format.lock", "kept.1.lock", "weekly.0.lock"])
def test_nobody_else_is_at_work(take, lock):
    store = take("ndjson-append-complete")
    before = store.bytes()
    with locked(store.place.folder / ".sluice" / lock):
        result = migrated(store)
        assert result.code == 75 and "is held by" in result.message
        assert store.bytes() == before
    assert migrated(store).code == 0


@pytest.mark.limit(60)
def test_a_run_of_another_pipeline_in_the_old_form(take):
    """It isn't touched, and named; its own pipeline may give it up."""
    store = take("ndjson-append-running")
    other = store.folder / "other.yaml"
    other.write_text(json.dumps({**store.document, "pipeline": "other"}))
    before = store.bytes()

    def run(*arguments):
        return store.sluice("run", other, "--output", "json", *arguments, environment=store.environment)

    for arguments in ([], ["--fresh"]):
        refused = run(*arguments)
        assert refused.code == 78 and SECOND in refused.message and "'kept'" in refused.message, refused.err
        assert store.bytes() == before
    assert store.run("second", "2026-01-02", "--fresh").code == 0
    assert run().code == 0
    assert len(Folder(store.place.folder).runs) == 3


@pytest.mark.limit(60)
def test_two_pipelines_at_once(take):
    store = take("ndjson-append-complete")
    other = store.folder / "other.yaml"
    other.write_text(json.dumps({**store.document, "pipeline": "other"}))
    files = (store.pipeline, other)

    def both():
        dated = ("--logical-date", "2026-01-03", "--output", "json")
        processes = [store.sluice.start("run", file, *dated, environment=store.environment) for file in files]
        return [process.wait() for process in processes]

    codes = [result.code for result in both()]
    assert set(codes) <= {0, 75} and 0 in codes, codes
    assert [result.code for result in both()] == [0, 0]
    assert sorted(Folder(store.place.folder).runs) == [FIRST, SECOND, "kept-20260103T000000Z", "other-20260103T000000Z"]
    for run in Folder(store.place.folder).runs.values():
        run.check()
