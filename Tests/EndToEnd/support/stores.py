"""What stands in one or several sinks' stores at any moment, be the run complete or not, as plain values."""

import json

from support.content import DIAGNOSTICS, TABLES, Store
from support.kills import NDJSONPlace, SQLitePlace
from support.ndjson import Folder
from support.postgres_place import PostgresPlace
from support.values import columns

#: What a run's or a checkpoint's counts say of the records, whatever happened on the way.
COUNTS = ("records", "found", "absent", "failed", "endpoints")


def places(kinds, folder, postgres):
    """`"sqlite merge + ndjson append zstd + postgres merge"` as places in a folder of their own, in this order."""
    result = []
    for number, kind in enumerate(kinds.split(" + ")):
        sink, mode, *compression = kind.split()
        where = folder / f"{sink}-{number}"
        if sink == "postgres":
            result.append(PostgresPlace(postgres(), mode))
        else:
            options = {"compression": compression[0]} if compression else {}
            result.append((SQLitePlace if sink == "sqlite" else NDJSONPlace)(where, mode, **options))
    return result


def sinks(stores):
    """The sinks of a pipeline over places, each with a name of its own."""
    return [{"name": f"sink-{number}", **place.sink} for number, place in enumerate(stores)]


def reading(place):
    """The store as something with `query`, `rows` and `count`."""
    return Store(place.database) if isinstance(place, SQLitePlace) else place.store


def moment(place):
    """All that a store holds now, to the byte for files, as far as a commit speaks of it; times are left out."""
    if isinstance(place, NDJSONPlace):
        folder = Folder(place.folder)
        parts = {"current": folder.link, "runs": {name: run.data() for name, run in folder.runs.items()}}
        for run in folder.unfinished:
            checkpoint = run.check_prefix()
            parts[f"checkpoint of {run.folder.name}"] = {**checkpoint, "source_state": None, "updated_at": None}
        return parts
    store = reading(place)
    if isinstance(place, SQLitePlace) and not place.database.exists():
        return {}
    parts = {"account": store.account()}
    names = tables(place)
    for table in sorted(names):
        if not table.startswith("sluice_") or "next" in table:
            parts[table] = sorted(store.query(f"SELECT * FROM {table}"), key=repr)
    return parts


def tables(place):
    """The names of a database's own tables."""
    if isinstance(place, SQLitePlace):
        return [name for (name,) in reading(place).query("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [name for name in place.store.tables() if name != "user_attributes"]


def next_ordinal(place):
    """How far the run at hand has been committed."""
    if isinstance(place, NDJSONPlace):
        checkpoints = [run.check_prefix() for run in Folder(place.folder).unfinished]
        return found(checkpoints, "next_ordinal") or 0
    return reading(place).next_ordinal


def found(value, name):
    """A member of this name, at any depth."""
    if isinstance(value, dict) and name in value:
        return value[name]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((inner for inner in (found(member, name) for member in members) if inner is not None), None)


def run_states(place):
    """{run: state}"""
    if isinstance(place, NDJSONPlace):
        folder = Folder(place.folder)
        states = {}
        for path in sorted((place.folder / ".sluice").rglob("*.json")):
            document = json.loads(path.read_text())
            if found(document, "run_id") and found(document, "state"):
                states[found(document, "run_id")] = found(document, "state")
        states.update({name: "complete" for name in folder.runs})
        return states
    return dict(reading(place).query("SELECT run_id, state FROM sluice_runs"))


def rows(place, without=()):
    """{table: sorted rows} of the data that readers find, failures' diagnostics aside; of all runs in `append`."""
    if isinstance(place, NDJSONPlace):
        folder = Folder(place.folder)
        runs = folder.runs.values() if place.mode == "append" else [folder.current] if folder.current else []
        return {
            table: sorted((row for run in runs for row in newest(run, table, place.mode, without)), key=repr)
            for table in TABLES
        }
    store = reading(place)
    return {table: sorted(map(tuple, store.rows(table, without)), key=repr) for table in TABLES}


def newest(run, table, mode, without):
    names = columns(table, mode == "append")
    left_out = set(without) | (DIAGNOSTICS if table == "failures" else set())
    for row in run.rows(table, mode == "append"):
        yield tuple(repr(value) for name, value in zip(names, row, strict=True) if name not in left_out)


def same_rows(left, right, without=()):
    """Fails, with a few of the rows that differ, unless two places hold the same rows in every table."""
    one, other = rows(left, without), rows(right, without)
    for table in TABLES:
        if one[table] == other[table]:
            continue
        only = [row for row in one[table] if row not in other[table]]
        only_other = [row for row in other[table] if row not in one[table]]
        raise AssertionError(
            f"{left.sink['type']} {left.mode}, {table}: {len(one[table])} and {len(other[table])} rows;\n"
            f"  only in the first: {only[:3]}\n  only in the second: {only_other[:3]}"
        )


def counts(place, run_id):
    """What the store's own account says of a run's records."""
    if isinstance(place, NDJSONPlace):
        said = Folder(place.folder).runs[run_id].manifest["counts"]
    else:
        text = reading(place).value(f"SELECT counts FROM sluice_runs WHERE run_id = '{run_id}'")
        said = json.loads(text)
    return {name: found(said, name) for name in COUNTS if found(said, name) is not None}
