"""Stores of earlier versions: looked at as they are, and gone on with."""

import json
import re

import pytest
from support.content import DIAGNOSTICS
from support.kept import CASES, KeptStore, Nights
from support.ndjson import Folder
from support.stores import reading, run_states, tables

#: The first two were run when the stores were written.
FIRST, SECOND, THIRD = "2026-01-01", "2026-01-02", "2026-01-03"
JSON = {"extra", "attributes", "metrics", "user_attributes"}


@pytest.fixture
def kept(tmp_path, postgres, sluice):
    """Takes a store out of its archive; `fresh` gives its pipeline with nothing where the store was."""
    nights = []

    def take(case, fresh=False):
        if not nights:
            nights.append(Nights(case.split("/")[0]))
        return KeptStore(case, tmp_path / ("fresh" if fresh else "kept"), postgres, sluice, nights[0], fresh)

    yield take
    for each in nights:
        each.stop()


@pytest.mark.parametrize("case", CASES)
def test_status_and_verify_read_it_and_change_nothing(kept, case):
    store = kept(case)
    before = store.bytes()
    status = store("status", "--output", "json")
    assert status.code == 0, status.err
    told = json.loads(status.out)["sinks"][0]["last_run"]
    state = {"running": "interrupted", "failures": "complete"}.get(store.state, store.state)
    assert told["state"] == state
    assert told["run_id"] in ("kept-20260101T000000Z", "kept-20260102T000000Z")
    if (store.state, store.mode) != ("running", "merge"):  # there the complete run's rows are partly the next one's
        verified = store("verify")
        assert verified.code == 0, verified.err + verified.out
    if store.mode == "merge":
        # That version counted no changes and dated none.
        for sink in json.loads(store("changes", "--since", FIRST, "--output", "json").expect(0).out)["sinks"]:
            assert told["run_id"] in [run["run_id"] for run in sink["runs"]]
            assert sink["total"]["added"] is None and set(sink["total"]["removals"].values()) == {0}
        rows = store("changes", "--rows").expect(0)
        assert rows.out == "" and re.search(r"\d+ endpoints have no changed_at: an earlier version wrote them", rows.err)
    else:
        assert store("changes").code == 78
    assert store.bytes() == before


def fresh_twin(kept, case):
    """A store of this version that has seen the same nights, as far as they were complete."""
    twin = kept(case, fresh=True)
    limit = twin.document["limits"]["accept_failed"]
    twin.accept(3)
    assert twin.run("first", FIRST).code == 0
    twin.accept(limit)
    return twin


def ends(store):
    """How a run of the store's pipeline ends: three users of its list fail, or one line of its archive."""
    return 0 if store.document["limits"]["accept_failed"] >= 3 else 65


RUNNING = [case for case in CASES if "-running" in case]
#: Files were laid out otherwise, and records of archives numbered otherwise.
REFUSED = [
    case for case in CASES
    if "/ndjson-" in case and ("-running" in case or "-unpublished" in case) or case.endswith("-running-archive")
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_an_unfinished_run_of_another_form_is_refused(kept, case):
    """Nothing is mixed with what an earlier version has laid out otherwise; a new run takes its place."""
    store = kept(case)
    before = held(store)
    retry = [] if store.is_archive else [store("retry")]
    for done in [store.run("second", None), store.run("second", THIRD), *retry]:
        assert done.code == 78 and "kept-20260102T000000Z" in done.err and "--fresh" in done.err, done.err
        assert "begun by version 0.1" in done.err
        assert held(store, before) == before
    twin = fresh_twin(kept, case)
    for each in (store, twin):
        each.accept(3)
        done = each.run("second", SECOND, "--fresh")
        assert done.code == 0, done.err
    same_content(store, twin)


def held(store, before=None):
    """All that is stored: bytes, or the rows of a database, which may have this version's form by now; then in the columns
    and tables that it had before."""
    if store.kind == "ndjson":
        return store.bytes()
    names = before or {table: None for table in tables(store.place) if not table.startswith("sluice_")}
    found = {}
    for table, known in names.items():
        columns = known[0] if known else store.columns(table)
        rows = reading(store.place).query(f"SELECT {', '.join(columns)} FROM {table}")
        found[table] = columns, sorted(rows, key=repr)
    return found


@pytest.mark.parametrize("case", [case for case in RUNNING if case not in REFUSED])
def test_an_unfinished_run_is_gone_on_with(kept, case):
    store, twin = kept(case), fresh_twin(kept, case)
    assert twin.run("second", SECOND).code == 0
    store.accept(3)
    done = store.run("second", None)
    assert done.code == 0, done.err
    assert json.loads(done.out)["resumed_from"] == 20
    same_content(store, twin)


@pytest.mark.parametrize("case", [case for case in CASES if case not in RUNNING + REFUSED])
def test_the_next_run_gives_what_a_fresh_store_would_have(kept, case):
    store, twin = kept(case), fresh_twin(kept, case)
    code = ends(store)
    # What fails stays away from a `replace`: both keep what the first night has published.
    assert twin.run("second", SECOND).code == code
    for each in (store, twin):
        each.accept(3)
    for each in (store, twin):
        done = each.run("first", THIRD)
        assert done.code == 0, done.err
    same_content(store, twin)
    if store.mode == "merge":
        assert changed(twin) <= changed(store)
        assert removed(twin) == removed(store)


def same_content(store, twin):
    if store.kind == "ndjson":
        # Published files are never changed: earlier ones are as they were written.
        assert Folder(store.place.folder).current.data() == Folder(twin.place.folder).current.data()
    else:
        for table in tables(twin.place):
            if not table.startswith("sluice_") and table != "removals":  # 0.1 didn't note what it took away
                assert content(store, table, twin) == content(twin, table, twin), table
        assert store("verify").code == 0
        states = run_states(store.place)
        assert {run: states[run] for run in run_states(twin.place)} == run_states(twin.place)


def content(store, table, twin):
    """A table's rows by the columns of the fresh one, whatever order the store has them in."""
    apart = DIAGNOSTICS if table == "failures" else {"changed_at"}
    columns = [name for name in twin.columns(table) if name not in apart]
    rows = []
    values = list(columns)
    if store.is_archive and "ordinal" in columns:
        # 0.1 gave the records of archives other ordinals; what its runs have written keeps them.
        newest = "CASE WHEN run_id = (SELECT max(run_id) FROM sluice_runs) THEN ordinal END"
        values[columns.index("ordinal")] = newest
    for row in reading(store.place).query(f"SELECT {', '.join(values)} FROM {table}"):
        # 0.1 spelled JSON as it came.
        rows.append([spelled(value) if name in JSON else value for name, value in zip(columns, row, strict=True)])
    return sorted(rows, key=repr)


def changed(store):
    """The endpoints that the newest run has changed.

    0.1 didn't note that, and spelled JSON otherwise: of its rows, those that are only spelled anew change too.
    """
    changes = f"SELECT application_id, endpoint_id FROM endpoints WHERE changed_at >= '{THIRD}'"
    return {tuple(row) for row in reading(store.place).query(changes)}


def removed(store):
    """What the newest run noted as taken away."""
    columns = ", ".join(store.columns("removals"))
    found = f"SELECT {columns} FROM removals WHERE run_id = (SELECT max(run_id) FROM removals)"
    return sorted(reading(store.place).query(found), key=repr)


def spelled(value):
    return value and json.dumps(json.loads(value, parse_float=str), sort_keys=True)
