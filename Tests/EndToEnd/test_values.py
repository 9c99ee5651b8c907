"""Values that hurt, read back and held against what an independent flattening makes of the wire bytes."""

import functools

import pytest
from support.content import TABLES, Store
from support.ndjson import Folder
from support.sluice import LOGICAL_DATE
from support.values import Values, columns, compare, expected

RUN, DATE = "under-test-20260102T030405Z", "2026-01-02T03:04:05.000Z"


@pytest.fixture
def values(dice):
    return Values(dice)


def pipeline_of(sluice, scripted, values, tmp_path, name, **settings):
    server = scripted(values.answer)
    return sluice.pipeline(
        name, server.url, values.reader(tmp_path / "users.ndjson"), batch_size=40, limits={"accept_failed": "100%"},
        **settings,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_values_in_sqlite(sluice, scripted, values, tmp_path, mode):
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": mode}]
    pipeline = pipeline_of(sluice, scripted, values, tmp_path, mode, sinks=sinks)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = Store(pipeline.database)
    want = expected(values, RUN, DATE, append=mode == "append")
    assert {table for table in TABLES if want[table]} == set(TABLES), "there is something of every kind"

    def read(table):
        return store.query(f"SELECT {', '.join(columns(table, mode == 'append'))} FROM {table}")

    print(f"{compare(read, want, append=mode == 'append')} rows of {len(values.users)} users")


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_values_in_ndjson(sluice, scripted, values, tmp_path, mode):
    sinks = [{"type": "ndjson", "path": str(tmp_path / "out"), "mode": mode}]
    pipeline = pipeline_of(sluice, scripted, values, tmp_path, mode, sinks=sinks)
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    run = Folder(tmp_path / "out").current
    run.check()
    want = expected(values, RUN, DATE, append=mode == "append")
    read = functools.partial(run.rows, append=mode == "append")
    print(f"{compare(read, want, append=mode == 'append')} rows of {len(values.users)} users")
