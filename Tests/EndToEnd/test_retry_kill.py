"""`sluice retry` killed at every step and at random moments, and called again: the content of a run in which nobody had
failed, in every sink; of a waiting `replace`, readers find the old content or the new one at any time."""

import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from support.kills import KILLS, differences, first_and_last
from support.retries import NEXT, Retrial

KINDS = ["sqlite merge + postgres append", "sqlite replace + postgres replace + ndjson replace"]


@pytest.fixture
def trial(sluice, scripted, postgres, tmp_path, kinds):
    trial = Retrial(sluice, scripted, postgres, tmp_path, kinds)
    trial.begin()
    trial.keep()
    trial.old = [place.published() if place.mode == "replace" else None for place in trial.stores]
    trial.kills = 0
    return trial


def undisturbed(trial):
    """The steps of a retry, how long it takes, and what it leaves."""
    trace = Path(tempfile.mkstemp(prefix="trace-")[1])
    elapsed = trial.retry(environment={"SLUICE_FAILPOINT_TRACE": trace}).expect(0).elapsed
    trial.check_mended()
    trial.new = [place.published() if place.mode == "replace" else None for place in trial.stores]
    trial.wanted = [place.content() for place in trial.stores]
    steps = Counter(trace.read_text().split())
    trace.unlink()
    if not steps:
        pytest.skip("this program was built without the trait Failpoints")
    trial.restore()
    return steps, elapsed


def kill_at(trial, plan):
    result = trial.retry(environment={"SLUICE_FAILPOINT": f"{plan}=kill"})
    assert result.code == -signal.SIGKILL, f"{plan}: exit {result.code}\n{result.err}"
    trial.kills += 1


def check_crashed(trial, moment):
    for place, old, new in zip(trial.stores, trial.old, trial.new, strict=True):
        if place.mode == "replace":
            seen = place.published()
            assert seen in (old, new), f"{moment}: neither the old nor the new content in {place.sink['type']}"


def check_done(trial, moment):
    """As the undisturbed one has left it. How an amended file's lines lie depends on where it was interrupted."""
    try:
        trial.check_mended()
    except AssertionError as error:
        raise AssertionError(f"{moment}: {error}") from error
    for place, wanted in zip(trial.stores, trial.wanted, strict=True):
        if place.sink["type"] != "ndjson":
            content = place.content()
            for part in set(content) - {"account"}:
                assert content[part] == wanted[part], f"{moment}: {differences(content, wanted)}"


@pytest.mark.limit(300)
@pytest.mark.parametrize("kinds", KINDS)
def test_killed_at_every_step(trial, kinds):
    steps, _ = undisturbed(trial)
    for name, visit in first_and_last(steps):
        trial.restore()
        kill_at(trial, f"{name}#{visit}")
        check_crashed(trial, f"at {name}#{visit}")
        again = trial.retry()
        assert again.code == 0, f"after {name}#{visit}: exit {again.code}\n{again.err}"
        check_done(trial, f"after {name}#{visit}")
    KILLS[f"at every step of a retry of {kinds}"] += trial.kills
    print(f"steps: {dict(steps)}")


@pytest.mark.limit(120)
@pytest.mark.parametrize("kinds", KINDS)
def test_killed_at_random_moments(trial, kinds, dice):
    _, elapsed = undisturbed(trial)
    wanted = int(os.environ.get("SLUICE_SOAK_KILLS", 8))
    while trial.kills < wanted:
        process = trial.start_retry()
        time.sleep(dice.uniform(0, elapsed * dice.choice([0.3, 0.6, 0.95])))
        ended = process.poll() or process.kill()
        if ended.code == -signal.SIGKILL:
            trial.kills += 1
            check_crashed(trial, f"kill {trial.kills}")
        else:
            ended.expect(0)
            check_done(trial, f"after {trial.kills} kills")
            trial.restore()
    trial.retry().expect(0)
    check_done(trial, f"after {trial.kills} kills")
    KILLS[f"at random moments of a retry of {kinds}"] += trial.kills


@pytest.mark.limit(120)
@pytest.mark.parametrize("kinds", KINDS)
def test_killed_and_then_the_next_run(trial, kinds):
    """Whoever doesn't call `retry` again isn't locked out: the next run begins, or says what to do about the waiting one."""
    steps, _ = undisturbed(trial)
    commits = sorted(name for name in steps if ".commit." in name)
    for name in commits[:: max(1, len(commits) // 3)]:
        trial.restore()
        kill_at(trial, f"{name}#1")
        result = trial.run(*NEXT)
        if "replace" in kinds and result.code == 65:
            assert "retry" in result.err, f"after {name}: {result.err}"
            trial.retry().expect(0)
            check_done(trial, f"after {name}")
        else:
            # Where nothing has failed any more, what waits is published first.
            assert result.code == 0, f"after {name}: exit {result.code}\n{result.err}"
            assert result.summaries[-1]["run_id"].endswith("20260103T000000Z")
