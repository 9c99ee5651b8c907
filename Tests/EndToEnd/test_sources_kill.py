"""SIGKILL while any reader is at work, and run again: what a run that was never killed leaves, to the byte. And what is
kept aside of an input that can't be read twice: it is this user's alone, is made again where it was lost, and goes."""

import os
import signal
import time
from collections import Counter

import pytest
from support.kills import KILLS, NDJSONPlace, differences
from support.readers import (
    Input,
    files,
    fill_postgres,
    fill_sqlite,
    identities,
    postgres_input,
    spools,
    sqlite_input,
    whitespace_list,
)
from support.sluice import LOGICAL_DATE

COUNT = 800
BATCH = 50
DATED = ("--logical-date", LOGICAL_DATE)

NAMES = [
    "lines", "gzip members", "csv tab found", "csv of a spreadsheet", "ndjson escaped", "white space", "distinct",
    "standard input", "csv.gz at standard input", "sqlite", "postgres",
]  # fmt: skip


@pytest.fixture
def ids():
    return identities(COUNT, plain=True)


@pytest.fixture
def server(synthetic, ids):
    return synthetic(users=ids[1])


@pytest.fixture
def given(request, tmp_path, ids, dice):
    """The reader that the test's parameter names."""
    folder, users = tmp_path / "input", ids[0]
    folder.mkdir()
    name = request.param
    if name == "sqlite":
        return sqlite_input(folder, users, dice)
    if name == "postgres":
        return postgres_input(request.getfixturevalue("postgres")(), users, dice)
    if name == "white space":
        return whitespace_list(folder, users, dice)
    if name == "distinct":
        plain = next(each for each in files(folder, users + users[::3], dice) if each.name == "gzip members")
        return Input(name, {**plain.options, "distinct": True})
    return next(each for each in files(folder, users, dice) if each.name == name)


def write(sluice, name, server, given, place):
    return sluice.pipeline(
        name, server.url, given.options, batch_size=BATCH, concurrency=16, limits={"max_absent": "100%"},
        sinks=[place.sink],
    )  # fmt: skip


def baseline(sluice, server, given, tmp_path):
    """What an undisturbed run leaves, its steps, and how long it took."""
    place = NDJSONPlace(tmp_path / "baseline", "append", max_file_size="8KB")
    pipeline = write(sluice, "undisturbed", server, given, place)
    trace = tmp_path / "trace"
    result = given.run(sluice, pipeline, *DATED, environment={"SLUICE_FAILPOINT_TRACE": trace}).expect(0)
    if not trace.exists():
        pytest.skip("this program was built without the trait Failpoints")
    assert result.summary["records"] == COUNT and not spools(pipeline)
    return place.content(), Counter(trace.read_text().split()), result.elapsed


@pytest.mark.limit(120)
@pytest.mark.parametrize("given", NAMES, indirect=True, ids=[name.replace(" ", "-") for name in NAMES])
def test_killed(sluice, server, given, tmp_path, dice):
    right, steps, elapsed = baseline(sluice, server, given, tmp_path)
    place = NDJSONPlace(tmp_path / "store", "append", max_file_size="8KB")
    pipeline = write(sluice, "killed", server, given, place)
    kept = 0

    def killed(plan=None):
        nonlocal kept
        process = given.start(sluice, pipeline, *DATED, environment={"SLUICE_FAILPOINT": plan and f"{plan}=kill"})
        if not plan:
            time.sleep(dice.uniform(0.0, elapsed * 0.8))
        ended = process.wait() if plan else process.poll() or process.kill()
        assert ended.code in (-signal.SIGKILL, *(() if plan else (0,))), f"{plan}: exit {ended.code}\n{ended.err}"
        place.check_crashed()
        names = [path.name for path in spools(pipeline)]
        kept += any(name.endswith(".spool") for name in names)
        assert len(names) <= 1 and (given.spooled or not names), names
        return ended.code != 0

    def completed(after):
        result = given.run(sluice, pipeline, *DATED)
        assert result.code == 0, f"after {after}: exit {result.code}\n{result.err}"
        content = place.content()
        assert content == right, f"after {after}:\n  {differences(content, right)}"
        assert not spools(pipeline), f"after {after}: an input is still kept"
        place.clear()
        return result.err

    kills = 0
    # Several kills of one run, then steps that only this reader has, then moments that nobody chose.
    commit = max((name for name in steps if name.startswith("ndjson.commit")), key=lambda name: (steps[name], name))
    for visit in (3, 1, 4):
        kills += killed(f"{commit}#{visit}")
    said = completed(f"three kills at {commit}")
    assert ("as they were read when it began" in said) == given.spooled, said
    for step in sorted(name for name in steps if name.startswith("spool.") or ".users." in name):
        kills += killed(step)
        completed(step)
    for _ in range(3):
        kills += killed()
    completed("kills at random moments")
    assert kept > 0 or not given.spooled, "an input was kept aside"
    KILLS["of every reader"] += kills
    print(f"{kills} kills")


# What is kept aside --------------------------------------------------------------------------------------------------

SPOOLED = ["standard input", "sqlite", "postgres"]


@pytest.fixture
def stopped(sluice, server, given, tmp_path):
    """(pipeline, place, what an undisturbed run leaves): a run that was killed after some batches."""
    right, steps, _ = baseline(sluice, server, given, tmp_path)
    place = NDJSONPlace(tmp_path / "store", "append", max_file_size="8KB")
    pipeline = write(sluice, "killed", server, given, place)
    commit = max((name for name in steps if name.startswith("ndjson.commit")), key=lambda name: (steps[name], name))
    plan = {"SLUICE_FAILPOINT": f"{commit}#8=kill"}
    assert given.run(sluice, pipeline, *DATED, environment=plan).code == -signal.SIGKILL
    assert len(spools(pipeline)) == 1
    return pipeline, place, right


def change(given, ids, dice):
    """Gives the input another beginning."""
    changed = ["-another", *ids[0][3:]]
    if given.name == "sqlite":
        fill_sqlite(given.options["path"], changed, dice)
    elif given.name == "postgres":
        fill_postgres(given.database, changed, dice)
    else:
        given.stdin.write_bytes("".join(f"{identity}\n" for identity in changed).encode())


@pytest.mark.parametrize("given", SPOOLED, indirect=True)
def test_an_input_that_changed_behind_what_is_kept(sluice, stopped, given, ids, dice):
    """The run goes on with what it began with."""
    pipeline, place, right = stopped
    change(given, ids, dice)
    result = given.run(sluice, pipeline, *DATED).expect(0)
    assert result.summary["resumed_from"] > 0
    assert place.content() == right, differences(place.content(), right)
    assert not spools(pipeline)


@pytest.mark.parametrize("given", SPOOLED, indirect=True)
def test_what_was_kept_is_lost(sluice, stopped, given):
    """The same input once more: it is kept again, and the run goes on."""
    pipeline, place, right = stopped
    for path in spools(pipeline):
        path.unlink()
    result = given.run(sluice, pipeline, *DATED).expect(0)
    assert result.summary["resumed_from"] > 0
    assert place.content() == right, differences(place.content(), right)
    assert not spools(pipeline)


@pytest.mark.parametrize("given", SPOOLED, indirect=True)
def test_what_was_kept_is_lost_and_the_input_changed(sluice, stopped, given, ids, dice):
    pipeline, place, right = stopped
    for path in spools(pipeline):
        path.unlink()
    change(given, ids, dice)
    result = given.run(sluice, pipeline, *DATED).expect(66)
    assert "on_changed_input" in result.message or "--fresh" in result.message
    place.check_crashed()
    pipeline.document["on_changed_input"] = "restart"
    summary = given.run(sluice, pipeline.write(), *DATED).expect(0).summary
    assert summary["resumed_from"] is None and summary["records"] == COUNT - 2
    assert place.content() != right and not spools(pipeline)


@pytest.mark.parametrize("given", SPOOLED, indirect=True)
def test_what_was_kept_is_damaged(sluice, stopped, given):
    """Half of it is no whole input; nothing of the run is lost."""
    pipeline, place, right = stopped
    [path] = spools(pipeline)
    os.truncate(path, path.stat().st_size // 2)
    assert given.run(sluice, pipeline, *DATED).expect(78).message
    for path in spools(pipeline):
        path.unlink()
    given.run(sluice, pipeline, *DATED).expect(0)
    assert place.content() == right, differences(place.content(), right)


@pytest.mark.parametrize("given", ["sqlite"], indirect=True)
def test_a_run_is_given_up(sluice, stopped, given, ids, dice):
    """`--fresh` asks the database again."""
    pipeline, place, right = stopped
    change(given, ids, dice)
    summary = sluice.run(pipeline, *DATED, "--fresh").expect(0).summary
    assert summary["records"] == COUNT - 2 and place.content() != right
    assert not spools(pipeline)
