"""Files that others may have put in the way of a lock, a spool or a store; and locks that somebody deletes."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.kills import NDJSONPlace, SQLitePlace
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE

KINDS = ["sqlite merge", "ndjson append", "ndjson replace"]
OBSTACLES = ["symbolic link", "dangling link", "hard link", "pipe", "device", "folder", "another user's file"]
WRITABLE = {"sqlite": "sqlite.commit.before", "ndjson": "ndjson.commit.after-data-fsync"}


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user, count=2))


@pytest.fixture
def write(sluice, server, tmp_path):
    (tmp_path / "users.txt").write_text("".join(f"user-{number:03d}\n" for number in range(60)))

    def write(sink, users=None, **settings):
        return sluice.pipeline(
            "under-test", server.url, users or tmp_path / "users.txt", batch_size=20, sinks=[sink], **settings
        )

    return write


def place_of(kind, tmp_path):
    sink, mode = kind.split()
    return {"sqlite": SQLitePlace, "ndjson": NDJSONPlace}[sink](tmp_path / sink, mode)


def lock_of(place):
    path = Path(place.sink["path"])
    if place.sink["type"] == "sqlite":
        return path.parent / f"{path.name}.under-test.0.lock"
    return path / ".sluice" / "under-test.0.lock"


def obstruct(path, obstacle, victim):
    """Puts something at a path; `victim` is a file of somebody else's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    victim.write_text("precious")
    if obstacle == "symbolic link":
        path.symlink_to(victim)
    elif obstacle == "dangling link":
        path.symlink_to(victim.parent / "not-there")
    elif obstacle == "hard link":
        os.link(victim, path)
    elif obstacle == "pipe":
        os.mkfifo(path)
    elif obstacle == "device":
        os.mknod(path, 0o020666, os.makedev(1, 3))
    elif obstacle == "folder":
        path.mkdir()
    else:
        path.write_text("somebody's")
        os.chown(path, 4711, 4711)


def look(path):
    status = os.lstat(path)
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of others are made by root alone")


@needs_root
@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("kind", KINDS[:2])
def test_in_the_way_of_a_lock(sluice, server, write, tmp_path, kind, obstacle):
    """What stands at a lock's path and isn't a lock stays as it is, and so does what it leads to: 73."""
    place, victim = place_of(kind, tmp_path), tmp_path / "victim"
    lock = lock_of(place)
    obstruct(lock, obstacle, victim)
    before = look(lock)
    result = sluice.run(write(place.sink), timeout=20).expect(73)
    assert str(lock) in result.message, result.err
    assert look(lock) == before and victim.read_text() == "precious"
    assert not (tmp_path / "not-there").exists() and not server.asked


@needs_root
@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_in_the_way_of_a_database_log(sluice, server, write, tmp_path, obstacle):
    place, victim = place_of("sqlite merge", tmp_path), tmp_path / "victim"
    log = Path(place.sink["path"] + "-wal")
    obstruct(log, obstacle, victim)
    before = look(log)
    sluice.run(write(place.sink), timeout=20).expect(73)
    assert look(log) == before and victim.read_text() == "precious"
    assert not (tmp_path / "not-there").exists() and not server.asked


@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", ["dangling link", "pipe", "device", "folder"])
def test_in_the_way_of_a_database(sluice, server, write, tmp_path, obstacle):
    place, victim = place_of("sqlite merge", tmp_path), tmp_path / "victim"
    path = Path(place.sink["path"])
    obstruct(path, obstacle, victim)
    before = look(path)
    assert str(path) in sluice.run(write(place.sink), timeout=20).expect(73).message
    assert look(path) == before and not (tmp_path / "not-there").exists() and not server.asked


@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", ["symbolic link", "hard link"])
@pytest.mark.parametrize("name", ["checkpoint.json.new", "manifest.json.new", "users/00001.ndjson.gz"])
def test_in_the_way_of_files_of_a_run(sluice, server, write, tmp_path, name, obstacle):
    """A file is made anew where a link stands: what the link leads to isn't written to."""
    place, victim = place_of("ndjson append", tmp_path), tmp_path / "victim"
    pipeline = write({**place.sink, "max_file_size": "1KB"})
    plan = {"SLUICE_FAILPOINT": "ndjson.prepare.before-write#2=kill"}
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE, environment=plan).code == -9
    run = Path(place.sink["path"]) / ".sluice" / "under-test-20260102T030405Z"
    (run / name).unlink(missing_ok=True)
    obstruct(run / name, obstacle, victim)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert victim.read_text() == "precious"


@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", ["symbolic link", "hard link", "pipe"])
def test_in_the_way_of_a_spool(sluice, server, write, tmp_path, obstacle):
    people, victim = tmp_path / "people.sqlite", tmp_path / "victim"
    with closing(sqlite3.connect(people)) as connection:
        connection.execute("CREATE TABLE people (id TEXT)")
        connection.executemany("INSERT INTO people VALUES (?)", [(f"user-{n}",) for n in range(60)])
        connection.commit()
    users = {"type": "sqlite", "path": str(people), "query": "SELECT id FROM people"}
    place = place_of("sqlite merge", tmp_path)
    pipeline = write(place.sink, users, state_directory="state")
    state = pipeline.folder / "state"
    plan = {"SLUICE_FAILPOINT": "spool.fill.before-finish=kill"}
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE, environment=plan).code == -9
    aside = next(state.glob("*.spool.new"))
    aside.unlink()
    obstruct(aside, obstacle, victim)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE, timeout=20).expect(0)
    assert victim.read_text() == "precious" and state.stat().st_mode & 0o777 == 0o700


@needs_root
@pytest.mark.limit(60)
@pytest.mark.parametrize("wrong", ["group", "others", "owner"])
@pytest.mark.parametrize("reader", ["sqlite", "standard input"])
def test_a_state_directory_of_others(sluice, server, write, tmp_path, reader, wrong):
    people = tmp_path / "people.sqlite"
    with closing(sqlite3.connect(people)) as connection:
        connection.execute("CREATE TABLE people AS SELECT 'user-1' AS id")
        connection.commit()
    users = {"type": "sqlite", "path": str(people), "query": "SELECT id FROM people"}
    if reader == "standard input":
        users = {"type": "file", "path": "-", "format": "lines"}
    pipeline = write(place_of("sqlite merge", tmp_path).sink, users, state_directory="state")
    state = pipeline.folder / "state"
    state.mkdir()
    state.chmod({"group": 0o770, "others": 0o707, "owner": 0o700}[wrong])
    if wrong == "owner":
        os.chown(state, 4711, 4711)

    def run():
        with open(tmp_path / "users.txt", "rb") as text:
            return sluice.run(pipeline, stdin=text if reader == "standard input" else None)

    result = run().expect(78)
    assert str(state) in result.message and not server.asked and not list(state.iterdir())
    state.chmod(0o755)
    os.chown(state, 0, 0)
    run().expect(0)


def held_run(sluice, write, server, place):
    """A run that hangs in its second commit."""
    pipeline = write(place.sink)
    first = sluice.start_run(
        pipeline, "--logical-date", LOGICAL_DATE,
        environment={"SLUICE_FAILPOINT": f"{WRITABLE[place.sink['type']]}#2=hang"},
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while len(server.asked) < 60:
        assert first.poll() is None, first.poll().err
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return pipeline, first


@pytest.mark.limit(60)
@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_file_that_is_deleted(sluice, server, write, tmp_path, kind):
    """The run that is at work stays the only one, and whoever comes second is told to come again: 75."""
    place = place_of(kind, tmp_path)
    pipeline, first = held_run(sluice, write, server, place)
    server.asked.clear()
    for arguments in [(), ("--fresh",)]:
        lock_of(place).unlink(missing_ok=True)
        second = sluice.run(pipeline, *arguments, timeout=20).expect(75)
        assert "under-test" in second.message and not server.asked, second.err
    lock_of(place).unlink(missing_ok=True)
    said = sluice("status", pipeline.file).out
    assert "running" in said and "interrupted" not in said
    first.kill()
    assert "interrupted" in sluice("status", pipeline.file).out
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    assert not lock_of(place).exists()
    place.content()


@pytest.mark.limit(60)
@pytest.mark.parametrize("obstacle", ["symbolic link", "dangling link"])
def test_in_the_way_of_whose_a_folder_is(sluice, server, write, tmp_path, obstacle):
    place = place_of("ndjson append", tmp_path)
    path, victim = Path(place.sink["path"]) / ".sluice" / "owner.json", tmp_path / "victim"
    obstruct(path, obstacle, victim)
    result = sluice.run(write(place.sink), timeout=20).expect(73)
    assert "symbolic link" in result.message and not server.asked
    assert victim.read_text() == "precious" and not (tmp_path / "not-there").exists()


def test_one_database_under_two_names(sluice, server, write, tmp_path):
    """A lock that the run itself holds isn't waited for: 78."""
    place = place_of("sqlite merge", tmp_path)
    sluice.run(write(place.sink)).expect(0)
    path = Path(place.sink["path"])
    other = path.parent / "other.sqlite"
    os.link(path, other)
    server.asked.clear()
    pipeline = write(place.sink)
    pipeline.document["sinks"].append({**place.sink, "name": "other", "path": str(other)})
    result = sluice.run(pipeline.write()).expect(78)
    assert "place" in result.message and not server.asked


def damage(path, how):
    if how == "cut off":
        path.write_bytes(path.read_bytes()[:100])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        text = path.read_text()
        assert '"format":2,' in text
        path.write_text(text.replace('"format":2,', '"format":3,'))


HOW = ["cut off", "empty", "another format"]


@pytest.mark.limit(60)
@pytest.mark.parametrize("how", HOW)
def test_what_is_published_and_cannot_be_read(sluice, server, write, tmp_path, how):
    """It isn't taken for nothing, or the brake would be silent: 78 before anybody is asked for."""
    place = place_of("ndjson replace", tmp_path)
    sluice.run(write(place.sink), "--logical-date", LOGICAL_DATE).expect(0)
    folder = Path(place.sink["path"])
    manifest = (folder / "current" / "manifest.json").resolve()
    whole, link = manifest.read_bytes(), os.readlink(folder / "current")
    damage(manifest, how)
    (tmp_path / "users.txt").write_text("user-000\n")
    server.asked.clear()
    for command in ("run", "retry"):
        result = sluice(command, write(place.sink).file).expect(78)
        assert str(manifest) in result.message or "current/manifest.json" in result.message
    assert not server.asked and os.readlink(folder / "current") == link
    # One that is gone can't be read either, but the record of its run tells what stood there.
    manifest.unlink()
    sluice.run(write(place.sink)).expect(76)
    manifest.write_bytes(whole)
    sluice.run(write(place.sink)).expect(76)
    # So does it where the link that leads there was deleted; and where nothing tells, nothing is guessed.
    (folder / "current").unlink()
    sluice.run(write(place.sink)).expect(76)
    os.symlink(link, folder / "current")
    manifest.unlink()
    for record in (folder / ".sluice" / "runs").iterdir():
        if record.stem.startswith(manifest.parent.name):
            record.unlink()
    result = sluice.run(write(place.sink), "--logical-date", "2026-03-01T00:00:00Z").expect(78)
    assert "manifest.json" in result.message


@pytest.mark.limit(90)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("which", ["record", "checkpoint"])
@pytest.mark.parametrize("kind", ["ndjson append", "ndjson replace"])
def test_a_file_of_the_history_that_cannot_be_read(sluice, server, write, tmp_path, kind, which, how):
    place = place_of(kind, tmp_path)
    pipeline = write(place.sink)
    plan = {"SLUICE_FAILPOINT": "ndjson.prepare.before-write#2=kill"}
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE, environment=plan).code == -9
    own = Path(place.sink["path"]) / ".sluice"
    run = "under-test-20260102T030405Z"
    path = own / "runs" / f"{run}.json" if which == "record" else own / run / "checkpoint.json"
    whole = path.read_bytes()
    damage(path, how)
    server.asked.clear()
    for command in ("run", "retry", "status", "verify"):
        result = sluice(command, pipeline.file).expect(78)
        assert str(path) in result.err, result.err
    assert not server.asked
    path.write_bytes(whole)
    assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0).summary["resumed_from"] == 20
    place.content()


def test_folders_of_others_beside_the_runs(sluice, server, write, tmp_path):
    """They may hold a manifest of their own; it is no run's."""
    place = place_of("ndjson replace", tmp_path)
    other = Path(place.sink["path"]) / "mine"
    other.mkdir(parents=True)
    (other / "manifest.json").write_text("[")
    for date in ("2026-01-01", "2026-01-02", "2026-01-03"):
        sluice.run(write(place.sink), "--logical-date", date).expect(0)
    for command in ("status", "verify"):
        sluice(command, write(place.sink).file).expect(0)
    assert (other / "manifest.json").read_text() == "["
