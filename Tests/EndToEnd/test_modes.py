"""What `append` and `replace` leave after several runs, and after one that is done again."""

import pytest
from support.content import Store
from support.ndjson import Folder
from support.scripted_server import error
from test_merge import check_parts, of_ids

FIRST, SECOND, THIRD = "2026-01-01", "2026-01-02", "2026-01-03"


def run_id(date):
    return f"under-test-{date.replace('-', '')}T000000Z"


@pytest.fixture
def runs(sluice, scripted, tmp_path):
    """Runs a pipeline into SQLite and NDJSON over {user: endpoint IDs or None}; returns both stores and the summary."""
    server = scripted(None)
    path = tmp_path / "users.txt"

    def run(mode, date, users, *arguments, code=0):
        def answer(request):
            ids = users[request.user]
            return of_ids(request.user, ids) if ids is not None else error(404, "NotFoundException", "User not found")

        server.answer = answer
        path.write_text("".join(f"{user}\n" for user in users))
        sinks = [
            {"type": "sqlite", "path": str(tmp_path / "endpoints.sqlite"), "mode": mode},
            {"type": "ndjson", "path": str(tmp_path / "endpoints"), "mode": mode},
        ]
        pipeline = sluice.pipeline("modes", server.url, path, batch_size=2, sinks=sinks, limits={"max_removed": "100%"})
        result = sluice.run(pipeline, "--logical-date", date, *arguments).expect(code)
        return Store(tmp_path / "endpoints.sqlite"), Folder(tmp_path / "endpoints"), result.summary

    return run


def held(store):
    """{run: {endpoint: user}}"""
    result = {}
    for run, endpoint, user in store.query("SELECT run_id, endpoint_id, user_id FROM endpoints"):
        result.setdefault(run, {})[endpoint] = user
    return result


def filed(run):
    """{endpoint: user} in the files; the last one of equal keys."""
    return {row[1]: row[2] for row in run.rows("endpoints")}


def test_append_keeps_every_run(runs):
    runs("append", FIRST, {"anna": ["a1", "a2"], "bert": ["b1"], "carla": None})
    store, folder, summary = runs("append", SECOND, {"anna": ["a1"], "bert": ["b1", "a2"], "carla": ["c1"]})
    content = {
        run_id(FIRST): {"a1": "anna", "a2": "anna", "b1": "bert"},
        run_id(SECOND): {"a1": "anna", "a2": "bert", "b1": "bert", "c1": "carla"},
    }
    assert held(store) == content
    assert {name: filed(run) for name, run in folder.runs.items()} == content
    assert (summary["removed"], summary["superseded"]) == (0, 0), "other runs' rows are none of its business"
    # The view is about the latest complete run.
    assert set(store.query("SELECT DISTINCT user_id FROM user_attributes")) == {("anna",), ("bert",), ("carla",)}
    assert store.value("SELECT count(*) FROM user_attributes") == 3
    for table in ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"):
        assert store.columns(table)[-1] == "run_id"
        keys = {row[5]: row[1] for row in store.query(f"PRAGMA table_info({table})") if row[5]}
        assert keys[1] == "run_id", "run_id leads the key"

    # Done again, a run takes the place of its own rows, and of nothing else's.
    store, folder, _ = runs("append", FIRST, {"dora": ["d1"], "anna": ["a9"]}, "--fresh")
    content[run_id(FIRST)] = {"d1": "dora", "a9": "anna"}
    assert held(store) == content
    assert {name: filed(run) for name, run in folder.runs.items()} == content
    # The latest by its date, not the one that ran last.
    assert set(store.query("SELECT DISTINCT user_id FROM user_attributes")) == {("anna",), ("bert",), ("carla",)}


def test_append_within_one_run(runs):
    """A key that one run brings twice: the later commit wins in SQLite, files keep both."""
    store, folder, summary = runs("append", FIRST, {"anna": ["x", "a"], "carla": ["c"], "bert": ["x"]})
    assert held(store) == {run_id(FIRST): {"x": "bert", "a": "anna", "c": "carla"}}
    assert [(row[1], row[2]) for row in folder.current.rows("endpoints")] == [
        ("x", "anna"), ("a", "anna"), ("c", "carla"), ("x", "bert"),
    ]  # fmt: skip
    by_name = {sink["type"]: sink for sink in summary["sinks"]}
    assert summary["superseded"] == 1 and set(by_name) == {"sqlite", "ndjson"}


def test_replace_is_exactly_this_run(runs):
    runs("replace", FIRST, {"anna": ["a1", "a2"], "bert": ["b1"], "carla": None})
    store, folder, summary = runs("replace", SECOND, {"bert": ["b1", "b2"], "dora": ["a2"]})
    content = {"b1": "bert", "b2": "bert", "a2": "dora"}
    assert held(store) == {run_id(SECOND): content} and filed(folder.current) == content
    assert store.query("SELECT user_id FROM users ORDER BY 1") == [("bert",), ("dora",)]
    check_parts(store)
    assert summary["removed"] == 1, "a1 is gone"
    assert list(folder.runs) == [run_id(FIRST), run_id(SECOND)], "readers of the run before may still be at it"
    store, folder, summary = runs("replace", THIRD, {"bert": ["b1"]})
    assert held(store) == {run_id(THIRD): {"b1": "bert"}} and filed(folder.current) == {"b1": "bert"}
    assert list(folder.runs) == [run_id(SECOND), run_id(THIRD)]
    # Done again in its own place.
    store, folder, summary = runs("replace", THIRD, {"bert": ["b7"], "emil": ["e1"]}, "--fresh")
    assert held(store) == {run_id(THIRD): {"b7": "bert", "e1": "emil"}}
    assert filed(folder.current) == {"b7": "bert", "e1": "emil"} and folder.link == f"runs/{run_id(THIRD)}"
    assert store.run_states == ["complete"] * 3


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_failures_stand_beside_their_run(runs, mode):
    """Diagnostics: a `replace` keeps those of the run that it shows."""
    store, folder, _ = runs(mode, FIRST, {"anna": ["a1"], ".": None}, code=65)
    if mode == "replace":
        assert held(store) == {} and folder.current is None, "nothing is published with a failure too many"
        return
    assert [(row[2], row[8]) for row in folder.current.rows("failures", append=True)] == [(1, "InvalidUserId")]
    assert store.failures("run_id", "ordinal", "code") == [(run_id(FIRST), 1, "InvalidUserId")]
    store, folder, _ = runs(mode, SECOND, {"anna": ["a1"]})
    assert store.failures("run_id") == [(run_id(FIRST),)], "of the earlier run"
    assert folder.current.rows("failures", append=True) == []
