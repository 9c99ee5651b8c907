"""What every store says of its form: a later one, or one that can't be read, is refused by everybody and stays as it is;
an earlier one is brought up to date, wherever that is interrupted."""

import json
import sqlite3
from collections import Counter

import pytest
from support.kept import CASES, KeptStore, Nights
from support.refusals import refused_alike
from support.stores import reading

FIRST, SECOND = "2026-01-01", "2026-01-02"
SQL = ("sqlite", "postgres")


@pytest.fixture
def kept(tmp_path, postgres, sluice):
    nights = []

    def take(case, fresh=False, name=None):
        if not nights:
            nights.append(Nights(case.split("/")[0]))
        folder = tmp_path / (name or ("fresh" if fresh else "kept"))
        return KeptStore(case, folder, postgres, sluice, nights[0], fresh)

    yield take
    for each in nights:
        each.stop()


def change(store, *statements):
    for statement in statements:
        if store.kind == "sqlite":
            with sqlite3.connect(store.place.database) as database:
                database.execute(statement)
            database.close()
        else:
            store.place.store.psql(statement)


def place(store):
    """What messages call it."""
    return store.place.database if store.kind == "sqlite" else f"{store.database.name} pinpoint"


def complete(kept, kind):
    store = kept(f"0.1/{kind}-merge-complete", fresh=True)
    store.accept(3)
    assert store.run("first", FIRST).code == 0
    return store


@pytest.mark.parametrize("kind", SQL)
@pytest.mark.parametrize("statement", [
    "UPDATE sluice_format SET format = 3 WHERE part = 'ledger'",
    "UPDATE sluice_format SET format = 0 WHERE part = 'ledger'",
    "UPDATE sluice_format SET format = NULL WHERE part = 'ledger'",
    "DELETE FROM sluice_format",
])  # fmt: skip
def test_a_store_with_another_number_is_refused(kept, kind, statement):
    store = complete(kept, kind)
    change(store, statement)
    words = refused_alike(store, place(store), store.bytes)
    assert ("has the format 3" if "= 3" in statement else "can't be read") in words
    assert store("run", "--fresh").code == 78


def test_a_database_that_is_marked_newer_is_refused(kept):
    store = complete(kept, "sqlite")
    with sqlite3.connect(store.place.database) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x736C7563,)
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        database.execute("PRAGMA user_version = 3")
    database.close()
    assert "has the format 3" in refused_alike(store, place(store), store.bytes)


def test_a_database_that_others_use_too_is_not_marked(kept):
    """What an application has written into its file's header is its own."""
    store = kept("0.1/sqlite-merge-complete", fresh=True)
    store.place.database.parent.mkdir(parents=True, exist_ok=True)
    change(store, "CREATE TABLE theirs (x)", "PRAGMA user_version = 7")
    store.accept(3)
    assert store.run("first", FIRST).code == 0
    with sqlite3.connect(store.place.database) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0,)
        assert database.execute("PRAGMA user_version").fetchone() == (7,)
        assert database.execute("SELECT format FROM sluice_format WHERE part = 'ledger'").fetchone() == (2,)
    database.close()
    assert store("status").code == 0 and store("verify").code == 0


IN_COMMIT = {"sqlite": "sqlite.commit.before", "postgres": "postgres.commit.before"}


@pytest.mark.parametrize("kind", SQL)
def test_a_spool_with_a_flipped_bit_is_refused(kept, kind):
    store = kept(f"0.1/{kind}-merge-running-query", fresh=True)
    store.accept(3)
    assert store.run("first", FIRST, SLUICE_FAILPOINT=f"{IN_COMMIT[kind]}#2=kill").code == -9
    [spool] = (store.folder / ".sluice").glob("*.spool")
    whole = spool.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 12)):
        spool.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:])
        assert "can't be read" in refused_alike(store, spool, spool.read_bytes)
    later = whole[:-20] + b"spool 3\n" + whole[-12:]
    spool.write_bytes(later)
    assert "has the format 3" in refused_alike(store, spool, spool.read_bytes)
    spool.write_bytes(whole)
    done = store.run("first", None)
    assert done.code == 0 and json.loads(done.out)["resumed_from"] is not None, done.err


MIGRATED = [case for case in CASES if case.startswith("0.1/") and not case.endswith(("-archive", "-document"))
            and case.split("/")[1].startswith(SQL)]  # fmt: skip


@pytest.mark.parametrize("case", MIGRATED)
def test_killed_at_every_step_of_the_migration(kept, case, tmp_path):
    """Each kill leaves the old form or the new one, both are read, and the next opening ends it."""
    traced = kept(case, name="traced")
    trace = tmp_path / "trace"
    done = traced("retry", SLUICE_FAILPOINT_TRACE=str(trace))
    visits = Counter(line.split()[0] for line in trace.read_text().splitlines() if "sqlstore.migrate" in line)
    assert len(visits) == 3 and sum(visits.values()) >= 7, (visits, done.err)
    expected = ledger(traced)
    for name, count in sorted(visits.items()):
        for visit in range(1, count + 1):
            again = kept(case, name=f"{name}-{visit}")
            before = told(again)
            done = again("retry", SLUICE_FAILPOINT=f"{name}#{visit}=kill")
            assert done.code == -9, (name, visit, done.err)
            assert told(again) == before, (name, visit)
            again("retry")
            assert ledger(again) == expected, (name, visit)


def told(store):
    """What `status` says, times of the moment aside."""
    done = store("status", "--output", "json")
    assert done.code == 0, done.err
    status = json.loads(done.out)
    for sink in status["sinks"]:
        sink["target"] = None
    return without_ages(status["sinks"])


def without_ages(value):
    if isinstance(value, dict):
        return {key: without_ages(each) for key, each in value.items() if key != "age_seconds"}
    return [without_ages(each) for each in value] if isinstance(value, list) else value


def ledger(store):
    """The ledger's columns and rows, but for what tells the time of the moment."""
    found = {}
    for table in ("sluice_format", "sluice_runs", "sluice_checkpoints", "sluice_tables"):
        columns = [name for name in store.columns(table) if name not in ("updated_at", "counts", "finished_at")]
        rows = reading(store.place).query(f"SELECT {', '.join(columns)} FROM {table}")
        found[table] = (columns, sorted(map(repr, rows)))
    return found
