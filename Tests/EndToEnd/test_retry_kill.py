"""`sluice retry` killed at every step and at random moments, and called again: the content of a run in which nobody had
failed, in every sink; of a waiting `replace`, readers find the old content or the new one at any time."""

import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from support.kills import KILLS, differences, exits_of_an_error, first, first_and_last
from support.retries import DAY, EVE, FAILING, NEXT, Retrial, names
from support.stores import rows, same_rows

KINDS = ["sqlite replace + ndjson replace"]
MORE = [
    *KINDS,
    "postgres append",
    "sqlite merge + postgres append",
    "sqlite replace + postgres replace + ndjson replace",
]


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
    trial.rows = [rows(place) if place.sink["type"] == "ndjson" else None for place in trial.stores]
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
    """As the undisturbed one has left it, which is as the reference. How the lines of an amended file lie depends on
    where it was interrupted."""
    for place, content, found in zip(trial.stores, trial.wanted, trial.rows, strict=True):
        now = place.content()
        if place.sink["type"] == "ndjson":
            assert rows(place) == found, f"{moment}: other rows in {place.folder}"
        else:
            for part in set(now) - {"account"}:
                assert now[part] == content[part], f"{moment}: {differences(now, content)}"
            assert counted(now) == counted(content), f"{moment}: another account"


def counted(content):
    return [
        (row[2], row[3], [row[5][name] for name in ("found", "absent", "failed")]) for row in content["account"]["runs"]
    ]


@pytest.mark.limit(200)
@pytest.mark.parametrize("kinds", KINDS)
def test_killed_at_every_step(trial, kinds):
    killed_at_every_step(trial, kinds, first)


@pytest.mark.soak
@pytest.mark.limit(1800)
@pytest.mark.parametrize("kinds", MORE)
def test_killed_at_every_step_of_all(trial, kinds):
    killed_at_every_step(trial, kinds, first_and_last)


def killed_at_every_step(trial, kinds, moments):
    steps, _ = undisturbed(trial)
    for name, visit in moments(steps):
        trial.restore()
        kill_at(trial, f"{name}#{visit}")
        check_crashed(trial, f"at {name}#{visit}")
        again = trial.retry()
        assert again.code == 0, f"after {name}#{visit}: exit {again.code}\n{again.err}"
        check_done(trial, f"after {name}#{visit}")
    KILLS[f"at every step of a retry of {kinds}"] += trial.kills
    print(f"steps: {dict(steps)}")


@pytest.mark.limit(120)
@pytest.mark.parametrize("kinds", ["sqlite merge + postgres append"])
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


@pytest.mark.soak
@pytest.mark.limit(600)
@pytest.mark.parametrize("kinds", ["sqlite append + ndjson replace", "postgres replace"])
def test_an_io_error_at_every_step(trial, kinds):
    """It is told, nothing half done is seen, and the next call does the rest."""
    steps, _ = undisturbed(trial)
    for name in sorted(steps):
        trial.restore()
        result = trial.retry(environment={"SLUICE_FAILPOINT": f"{name}#1=error"})
        # An answer that was lost is looked up.
        codes = {0} if "lost-answer" in name else exits_of_an_error(name)
        assert result.code in codes, f"{name}: exit {result.code}\n{result.err}"
        check_crashed(trial, f"at {name}")
        again = trial.retry()
        assert again.code == 0, f"after {name}: exit {again.code}\n{again.err}"
        check_done(trial, f"after {name}")


@pytest.mark.limit(120)
@pytest.mark.parametrize("kinds", ["sqlite replace + ndjson replace", "sqlite merge + ndjson replace"])
def test_killed_and_then_the_next_run(trial, kinds):
    """Whoever doesn't call `retry` again isn't locked out: the next run begins, or says what to do."""
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


@pytest.mark.limit(120)
@pytest.mark.parametrize("kinds", ["sqlite merge + ndjson append"])
def test_a_run_that_asks_again_killed(sluice, scripted, postgres, tmp_path, kinds, dice):
    """`run --retry` killed while it amends and while it ends, then called again: as if nobody had failed."""
    trial = Retrial(sluice, scripted, postgres, tmp_path, kinds)
    trial.population.more = 1
    for pipeline in (trial.pipeline, trial.reference):
        sluice.run(pipeline, *EVE).expect(0)
    trial.population.more = 0
    sluice.run(trial.reference, *DAY).expect(0)
    trial.keep()
    failing = {int(names()[number][-3:]) for number in FAILING}

    def run(**environment):
        return sluice.run(trial.pipeline, *DAY, "--retry", environment=environment)

    trial.population.once = set(failing)
    trace = tmp_path / "trace"
    run(SLUICE_FAILPOINT_TRACE=trace).expect(0)
    if not trace.exists():
        pytest.skip("this program was built without the trait Failpoints")
    reached = trace.read_text().split()
    begins = next(number for number, name in enumerate(reached) if ".amend." in name)
    points = {
        f"{name}#{reached[: number + 1].count(name)}" for number, name in enumerate(reached) if number >= begins
    }  # fmt: skip
    for point in dice.sample(sorted(points), 16):
        trial.restore()
        trial.population.once = set(failing)
        assert run(SLUICE_FAILPOINT=f"{point}=kill").code == -signal.SIGKILL, point
        again = run()
        assert again.code == 0, f"after {point}: exit {again.code}\n{again.err}"
        for place, other in zip(trial.stores, trial.others, strict=True):
            same_rows(place, other)
        KILLS[f"of a run that asks again, {kinds}"] += 1
