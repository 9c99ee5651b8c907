"""`sluice status`: how a pipeline's last run stands, from the sinks alone, at any time and from anywhere."""

import json
import re
import shutil
import sqlite3
import time

import pytest
from support.content import Store
from support.ndjson import Folder
from support.scripted_server import endpoints, error
from support.sluice import Pipeline
from support.stores import moment, places, sinks
from test_outage import wait_for_commit

DAY, NEXT = ("--logical-date", "2026-01-02"), ("--logical-date", "2026-01-03")
RUN, LATER = "under-test-20260102T000000Z", "under-test-20260103T000000Z"
ALL = "sqlite merge + postgres append + ndjson append"
USERS = [f"user-{number:03d}" for number in range(120)]
FAILS = error(400, "BadRequestException", "No")


@pytest.fixture
def server(scripted):
    return scripted(lambda request: endpoints(request.user))


class Scene:
    def __init__(self, sluice, server, tmp_path, postgres, kinds=ALL, **settings):
        self.sluice, self.server, self.stores = sluice, server, places(kinds, tmp_path, postgres)
        (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
        self.pipeline = sluice.pipeline(
            "looked-at", server.url, tmp_path / "users.txt", batch_size=20, sinks=sinks(self.stores),
            retry={"max_attempts": 1}, **settings,
        )  # fmt: skip

    def run(self, *arguments):
        return self.sluice.run(self.pipeline, *arguments)

    def status(self, *arguments, code=0, pipeline=None):
        """The status as JSON, and the sinks' states."""
        file = (pipeline or self.pipeline).file
        result = self.sluice("status", file, "--output", "json", *arguments, timeout=60).expect(code)
        assert result.out.count("\n") == 1, "one line"
        said = json.loads(result.out)
        assert said["exit_code"] == code and said["pipeline"] == "under-test"
        assert "user-0" not in result.out + result.err
        return said, [sink["state"] for sink in said["sinks"]]


@pytest.fixture
def scene(sluice, server, tmp_path, postgres):
    return Scene(sluice, server, tmp_path, postgres)


def test_before_the_first_run(scene):
    """Nothing yet is no error, and looking at it makes nothing; but it isn't younger than anything."""
    said, states = scene.status()
    assert states == ["none"] * 3
    assert all(sink["last_run"] is None and sink["last_complete_run"] is None for sink in said["sinks"])
    said, _ = scene.status("--max-age", "26h", code=65)
    assert said["fresh"] is False
    assert not scene.stores[0].folder.exists() and not scene.stores[2].folder.exists()
    assert scene.stores[1].store.tables() == []
    assert not (scene.pipeline.folder / ".sluice").exists()


def test_a_complete_run(scene):
    summary = scene.run(*DAY).expect(0).summary
    scene.server.asked.clear()
    said, states = scene.status("--max-age", "26h")
    assert states == ["complete"] * 3 and said["fresh"] is True and said["max_age_seconds"] == 26 * 3600
    for sink, store in zip(said["sinks"], scene.pipeline.document["sinks"], strict=True):
        assert (sink["name"], sink["type"], sink["mode"], sink["error"]) == (
            store["name"], store["type"], store["mode"], None
        )  # fmt: skip
        run = sink["last_run"]
        assert run == sink["last_complete_run"]
        assert (run["run_id"], run["state"], run["logical_date"]) == (RUN, "complete", "2026-01-02T00:00:00.000Z")
        for name in ("records", "found", "absent", "failed", "endpoints"):
            assert run[name] == summary[name], name
        assert run["next_ordinal"] == 120 and run["input_ended"] is True and 0 <= run["age_seconds"] < 60
        assert run["started_at"] <= run["finished_at"]
    text = scene.sluice("status", scene.pipeline.file, "--max-age", "26h").expect(0)
    for word in (RUN, "complete", "120", "sqlite", "postgres", "ndjson"):
        assert word in text.out, text.out
    assert max(map(len, text.out.splitlines())) <= 80, text.out
    assert not text.err and not scene.server.asked


def test_the_age(scene):
    """Of the last complete run, counted from its end, whatever its logical date is."""
    scene.run("--logical-date", "2020-01-01").expect(0)
    scene.status("--max-age", "1h")
    time.sleep(1.2)
    said, states = scene.status("--max-age", "1s", code=65)
    assert said["fresh"] is False and states == ["complete"] * 3
    text = scene.sluice("status", scene.pipeline.file, "--max-age", "1s").expect(65)
    assert text.out or text.err
    # A date that is done changes nothing, another one does.
    scene.run("--logical-date", "2020-01-01").expect(0)
    scene.status("--max-age", "1s", code=65)
    scene.run(*DAY).expect(0)
    scene.status("--max-age", "30s")


def test_one_sink_that_lags_is_enough(scene):
    """Fresh is what is fresh everywhere."""
    scene.run(*DAY).expect(0)
    kept = scene.pipeline.document["sinks"]
    scene.pipeline.document["sinks"] = [*kept, {"name": "new", "type": "sqlite", "path": "elsewhere.sqlite"}]
    scene.pipeline.write()
    said, states = scene.status("--max-age", "26h", code=65)
    assert states == ["complete"] * 3 + ["none"] and said["fresh"] is False


@pytest.mark.parametrize("age", ["", "26", "soon", "-1h", "0s", "1d2", "26 h"])
def test_no_age(scene, age):
    scene.sluice("status", scene.pipeline.file, f"--max-age={age}").expect(64)


def test_a_run_under_way(sluice, server, tmp_path, postgres):
    """It goes on undisturbed, and is seen to move; what was complete before it stays the last complete run."""
    limit = {"requests_per_second": 60, "burst": 1}
    scene = Scene(sluice, server, tmp_path, postgres)
    scene.run(*DAY).expect(0)
    scene.pipeline.document["source"]["rate_limit"] = limit
    process = sluice.start_run(scene.pipeline.write(), *NEXT)
    ordinals = []
    deadline = time.monotonic() + 30
    while len(set(ordinals)) < 3:
        assert process.poll() is None, process.poll().err
        assert time.monotonic() < deadline
        said, states = scene.status("--max-age", "1h")
        if said["sinks"][0]["last_run"]["run_id"] != LATER:
            continue
        assert states[0] == "running", states
        runs = [(sink["last_run"]["run_id"], sink["last_complete_run"]["run_id"]) for sink in said["sinks"]]
        assert set(runs) <= {(LATER, RUN), (RUN, RUN)}
        at = [sink["last_run"]["next_ordinal"] for sink in said["sinks"] if sink["state"] == "running"]
        assert max(at) - min(at) <= 20
        ordinals.append(at[0])
    assert ordinals == sorted(ordinals)
    process.wait(30).expect(0)
    assert scene.status("--max-age", "1h")[1] == ["complete"] * 3


def test_without_a_complete_run(scene):
    """One that is under way, stopped or given up isn't complete, however young it is."""
    scene.pipeline.document["limits"] = {"min_records": 500}
    scene.pipeline.write()
    scene.run(*DAY).expect(76)
    said, states = scene.status("--max-age", "26h", code=65)
    assert states == ["interrupted"] * 3
    for sink in said["sinks"]:
        assert sink["last_complete_run"] is None
        assert sink["last_run"]["next_ordinal"] == sink["last_run"]["records"] == 120
        assert sink["last_run"]["input_ended"] is False, "the commit that would have ended it was refused"
    scene.status()
    scene.run(*NEXT, "--fresh").expect(76)
    assert scene.status()[1] == ["interrupted"] * 3
    scene.run(*NEXT, "--accept", "empty").expect(0)
    said, _ = scene.status("--max-age", "26h")
    assert said["sinks"][0]["last_run"]["run_id"] == LATER


@pytest.mark.parametrize("kinds", ["sqlite replace + ndjson replace", "postgres replace"])
def test_a_replace_that_waits(sluice, server, tmp_path, postgres, kinds):
    scene = Scene(sluice, server, tmp_path, postgres, kinds)
    server.answer = lambda request: FAILS if request.user == "user-007" else endpoints(request.user)
    scene.run(*DAY).expect(65)
    said, states = scene.status()
    assert set(states) == {"unpublished"}
    assert all(sink["last_run"]["failed"] == 1 and sink["last_complete_run"] is None for sink in said["sinks"])
    scene.status("--max-age", "26h", code=65)
    server.answer = lambda request: endpoints(request.user)
    sluice("retry", scene.pipeline.file).expect(0)
    said, states = scene.status("--max-age", "26h")
    assert set(states) == {"complete"} and {sink["last_run"]["failed"] for sink in said["sinks"]} == {0}


def test_with_failures(scene):
    """Complete is complete; how many have failed stands beside it."""
    scene.server.answer = lambda request: FAILS if request.user == "user-007" else endpoints(request.user)
    scene.run(*DAY).expect(65)
    said, states = scene.status("--max-age", "26h")
    assert states == ["complete"] * 3
    assert [sink["last_run"]["failed"] for sink in said["sinks"]] == [1] * 3


# Where it is asked from ----------------------------------------------------------------------------------------------


def test_from_another_machine(scene, tmp_path):
    """With the pipeline's file and the sinks; no list, no state, no credentials, nothing beside it."""
    scene.pipeline.document["limits"] = {"min_records": 500}
    scene.run(*DAY)
    here, _ = scene.status()
    shutil.rmtree(scene.pipeline.folder)
    (tmp_path / "users.txt").unlink()
    there = Pipeline(tmp_path / "there", scene.pipeline.document)
    there.folder.mkdir()
    result = scene.sluice(
        "status", there.write().file, "--output", "json",
        environment={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "HOME": "/nonexistent"},
    ).expect(0)  # fmt: skip
    assert timeless(json.loads(result.out)) == timeless(here)
    assert [path.name for path in there.folder.iterdir()] == ["pipeline.yaml"], "it leaves nothing there"


def timeless(value):
    if isinstance(value, dict):
        return {name: timeless(member) for name, member in value.items() if name not in ("checked_at", "age_seconds")}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def test_it_only_looks(scene):
    """Also at what a run left that was killed."""
    scene.pipeline.document["limits"] = {"min_records": 500}
    scene.pipeline.write()
    scene.run(*DAY).expect(76)
    before = [moment(place) for place in scene.stores]
    files = {path: path.read_bytes() for place in (scene.stores[0], scene.stores[2]) for path in data(place)}
    for _ in range(2):
        scene.status()
    assert {path: path.read_bytes() for place in (scene.stores[0], scene.stores[2]) for path in data(place)} == files
    assert [moment(place) for place in scene.stores] == before


def data(place):
    # What SQLite shares among processes is no content.
    return [path for path in sorted(place.folder.rglob("*")) if path.is_file() and path.suffix != ".sqlite-shm"]


@pytest.mark.limit(90)
def test_a_killed_run(sluice, server, tmp_path, postgres):
    """Its log isn't in the database's file yet; it counts all the same."""
    scene = Scene(sluice, server, tmp_path, postgres, "sqlite merge + ndjson append")
    scene.pipeline.document["source"]["rate_limit"] = {"requests_per_second": 100, "burst": 1}
    process = sluice.start_run(scene.pipeline.write(), *DAY)
    scene.pipeline.document["sinks"][0]["path"] = str(scene.stores[0].database)
    wait_for_commit(process, scene.pipeline, 40)
    process.kill()
    said, states = scene.status()
    assert states == ["interrupted"] * 2
    ordinals = [sink["last_run"]["next_ordinal"] for sink in said["sinks"]]
    assert max(ordinals) >= 40 and max(ordinals) - min(ordinals) <= 20
    assert ordinals[0] == Store(scene.stores[0].database).next_ordinal
    scene.pipeline.document["source"]["rate_limit"] = {"requests_per_second": 10000, "burst": 100}
    assert scene.sluice.run(scene.pipeline.write(), *DAY).expect(0).summary["resumed_from"] == min(ordinals)


@pytest.mark.parametrize("how", ["away", "no such database", "wrong password", "not a database", "a folder"])
def test_a_sink_that_cannot_be_looked_at(scene, how):
    """It is named with its reason, and the others are shown."""
    scene.run(*DAY).expect(0)
    options, database = scene.pipeline.document["sinks"], scene.stores[1].database
    place = 1
    if how == "away":
        options[1]["url"], codes = database.url(port=1), {69}
    elif how == "no such database":
        options[1]["url"], codes = database.url(database="nowhere"), {66, 69, 73, 77, 78}
    elif how == "wrong password":
        options[1]["url"], codes = database.url(password="wrong"), {77}
    else:
        place, codes = 0, {66, 73, 74, 78}
        scene.stores[0].database.unlink()
        if how == "a folder":
            scene.stores[0].database.mkdir()
        else:
            scene.stores[0].database.write_bytes(b"This is a letter, not a database." * 200)
    scene.pipeline.write()
    result = scene.sluice("status", scene.pipeline.file, "--output", "json", timeout=60)
    assert result.code in codes, (result.code, result.err)
    said = json.loads(result.out)
    states = [sink["state"] for sink in said["sinks"]]
    assert states == ["unreachable" if number == place else "complete" for number in range(3)]
    assert said["sinks"][place]["error"]["message"] and said["exit_code"] == result.code
    assert f"sink-{place}" in result.err and re.search(r"error: ", result.err)
    text = scene.sluice("status", scene.pipeline.file, timeout=60)
    assert text.code == result.code and RUN in text.out and f"sink-{place}" in text.out


def test_a_store_of_somebody_else(scene, tmp_path):
    """A database without any of this is one without a run, and stays as it is."""

    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE users (name TEXT)")
    before = path.read_bytes()
    scene.pipeline.document["sinks"] = [{"type": "sqlite", "path": str(path)}]
    scene.pipeline.write()
    result = scene.sluice("status", scene.pipeline.file, "--output", "json")
    assert result.code == 0 and json.loads(result.out)["sinks"][0]["state"] == "none", (result.code, result.err)
    assert path.read_bytes() == before and not list(tmp_path.glob("other.sqlite-*"))


def test_shards(sluice, server, tmp_path, postgres):
    """A run in parts is complete when each of its parts is."""
    scene = Scene(sluice, server, tmp_path, postgres, "sqlite merge + ndjson append")
    for index, state in [(0, "interrupted"), (2, "interrupted"), (1, "complete")]:
        scene.run(*DAY, "--shard", f"{index}/3").expect(0)
        said, states = scene.status()
        # A database knows the parts that have begun, files how many there are.
        assert states[1] == state, (index, said)
    run = said["sinks"][1]["last_run"]
    assert run["records"] == 120 and sorted(part["shard"] for part in run["shards"]) == [0, 1, 2]
    assert states == ["complete"] * 2
    assert sorted(Folder(scene.stores[1].folder).runs) == [f"{RUN}.shard{index}" for index in range(3)]
    scene.status("--max-age", "1h")
