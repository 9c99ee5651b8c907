"""SIGKILL, and I/O errors, wherever a run may be: what every sink must survive, in every mode.

A `Place` is one sink's store as these tests see it; `Trial` runs a pipeline into one or several of them, again and again.
"""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from support.content import TABLES, Store, snapshot
from support.ndjson import Folder, lasting, same_bytes
from support.sluice import LOGICAL_DATE

EARLIER = "2025-05-05T00:00:00Z"
#: Dated after `EARLIER`, before `LOGICAL_DATE`.
GIVEN_UP = "2025-11-11T00:00:00Z"

FAULTS = "status:500=0.01,reset=0.005,truncate=0.003,html=0.002"

#: How many processes were killed, by the test; printed at the end of all tests.
KILLS = Counter()


class Place:
    """One sink's store. Contents are plain values that `==` compares."""

    #: `merge`, `append` or `replace`.
    mode = None

    @property
    def sink(self):
        """The sink's options in a pipeline."""
        raise NotImplementedError

    def clear(self):
        """Leaves nothing, as before the first run."""
        raise NotImplementedError

    def keep(self):
        """Remembers what is there for `restore`."""
        raise NotImplementedError

    def restore(self):
        """Puts back what `keep` remembered."""
        raise NotImplementedError

    def content(self):
        """All there is once a run has ended: {part: value}, without times and diagnostics; leftovers count."""
        raise NotImplementedError

    def published(self):
        """The rows that a reader finds, of a `replace`, whether a run was killed or not: {part: value}; {} for nothing."""
        raise NotImplementedError

    def check_crashed(self):
        """Checks what is there after a kill, and changes nothing of it."""


class FolderPlace(Place):
    """A store that is a folder of files."""

    def __init__(self, folder, mode):
        self.folder, self.mode = Path(folder), mode
        self.kept = self.folder.with_name(self.folder.name + "-kept")

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self):
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.folder, self.kept, symlinks=True)

    def restore(self):
        self.clear()
        shutil.copytree(self.kept, self.folder, symlinks=True)


class SQLitePlace(FolderPlace):
    def __init__(self, folder, mode):
        super().__init__(folder, mode)
        self.database = self.folder / "endpoints.sqlite"

    @property
    def sink(self):
        return {"type": "sqlite", "path": str(self.database), "mode": self.mode}

    def content(self):
        store = Store(self.database)
        store.check()
        assert os.listdir(self.folder) == ["endpoints.sqlite"], "a complete store is one file"
        return {
            **data(store),
            "schema": store.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"),
            "failures": store.rows("failures"),
            "account": store.account(),
        }

    def published(self):
        if not self.database.exists():
            return {}
        store = snapshot(self.database, None)
        try:
            return data(store)
        finally:
            shutil.rmtree(store.path.parent)

    def check_crashed(self):
        if self.database.exists():
            store = snapshot(self.database, None)
            try:
                store.check()
            finally:
                shutil.rmtree(store.path.parent)


def data(store):
    """The rows of all data tables; {} where there is none."""
    names = {name for (name,) in store.query("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "users" not in names:
        return {}
    rows = {table: in_order(store.query(f"SELECT * FROM {table}")) for table in TABLES if table != "failures"}
    return rows if any(rows.values()) else {}


def in_order(rows):
    return sorted(rows, key=lambda row: [(value is None, value) for value in row])


class NDJSONPlace(FolderPlace):
    def __init__(self, folder, mode, **options):
        super().__init__(folder, mode)
        self.options = options

    @property
    def sink(self):
        return {"type": "ndjson", "path": str(self.folder), "mode": self.mode, **self.options}

    def content(self):
        folder = Folder(self.folder)
        parts = {"current": folder.link, "latest": lasting(folder.latest), "own": folder.own()}
        for name, run in folder.runs.items():
            run.check()
            assert not (run.folder / "checkpoint.json").exists(), "a published run has no checkpoint"
            parts[f"account of {name}"] = run.account()
            parts[f"rows of {name}"] = {table: len(run.rows(table, self.mode == "append")) for table in run.tables}
            # Byte by byte, as the files are, failures' messages aside.
            parts[f"bytes of {name}"] = run.data()
        return parts

    def published(self):
        current = Folder(self.folder).current
        if not current:
            return {}
        current.check()
        return {name: data for name, data in current.data().items() if not name.startswith("failures/")}

    def check_crashed(self):
        for run in Folder(self.folder).unfinished:
            run.check_prefix()


def differences(left, right):
    """What differs between two contents, in words."""
    words = []
    for part in sorted(set(left) | set(right)):
        one, other = left.get(part), right.get(part)
        if one == other:
            continue
        if isinstance(one, list) and isinstance(other, list):
            only, only_other = [row for row in one if row not in other], [row for row in other if row not in one]
            words.append(f"{part}: {len(one)} and {len(other)} rows; {only[:2]}\n    against {only_other[:2]}")
        elif part.startswith("bytes"):
            words.append(f"{part}: {same_bytes(one, other)}")
        else:
            words.append(f"{part}: {str(one)[:1500]}\n    against {str(other)[:1500]}")
    return "\n  ".join(words)


class Trial:
    """A run over synthetic users into these places, where an earlier run over other users has left its content."""

    def __init__(self, sluice, synthetic, tmp_path, places, users=200, batch=50, latency=None, faults=None):
        self.sluice, self.places, self.folder = sluice, places, Path(tmp_path)
        self.server = synthetic(users=users, seed=1, faults=faults, latency=latency)
        self.other = synthetic(users=users * 3 // 4, seed=2)
        self.pipeline = self.write("killed", self.server, batch)
        self.earlier = self.write("earlier", self.other, batch)
        self.kills = 0

    def write(self, name, server, batch):
        return self.sluice.pipeline(
            name, server.url, server.ids, batch_size=batch, concurrency=16, limits={"max_removed": "100%"},
            sinks=[{"name": f"sink-{number}", **place.sink} for number, place in enumerate(self.places)],
        )  # fmt: skip

    # Runs ------------------------------------------------------------------------------------------------------------

    def run(self, *arguments, plan=None, date=LOGICAL_DATE, trace=None):
        environment = {"SLUICE_FAILPOINT": plan, "SLUICE_FAILPOINT_TRACE": trace}
        return self.sluice.run(self.pipeline, "--logical-date", date, *arguments, environment=environment)

    def traced(self, *arguments, date=LOGICAL_DATE, code=0):
        """How often each step is reached by a run."""
        trace = Path(tempfile.mkstemp(dir=self.folder, prefix="trace-")[1])
        self.run(*arguments, date=date, trace=trace).expect(code)
        steps = Counter(trace.read_text().split())
        if not steps:
            pytest.skip("this program was built without the trait Failpoints")
        return steps

    def kill_at(self, plan, *arguments, date=LOGICAL_DATE):
        result = self.run(*arguments, plan=f"{plan}=kill", date=date)
        assert result.code == -signal.SIGKILL, f"{plan}: exit {result.code}\n{result.err}"
        self.kills += 1

    def count_kills(self, what):
        KILLS[what] += self.kills
        print(f"{self.kills} kills: {what}")

    # Contents --------------------------------------------------------------------------------------------------------

    def clear(self):
        for place in self.places:
            place.clear()

    def restore(self):
        for place in self.places:
            place.restore()

    def begin_with_an_earlier_run(self):
        """Leaves an earlier run's content in the places, for `restore`."""
        self.clear()
        self.sluice.run(self.earlier, "--logical-date", EARLIER).expect(0)
        for place in self.places:
            place.keep()
        self.old = [place.published() if place.mode == "replace" else None for place in self.places]

    def note_baseline(self):
        """What an undisturbed run has left: what all others are compared with."""
        self.baseline = [place.content() for place in self.places]
        self.new = [place.published() if place.mode == "replace" else None for place in self.places]

    def check_crashed(self, moment):
        """After a kill: each store is sound, and of a `replace` there is the old content or the new one, whole."""
        for place, old, new in zip(self.places, self.old, self.new, strict=True):
            place.check_crashed()
            if place.mode == "replace":
                seen = place.published()
                assert seen in (old, new), (
                    f"{moment}: a reader finds neither the old nor the new content in {place.sink['type']}:\n"
                    f"  old: {differences(seen, old)}\n  new: {differences(seen, new)}"
                )

    def check_completed(self, moment):
        for place, baseline in zip(self.places, self.baseline, strict=True):
            content = place.content()
            assert content == baseline, f"{moment}: {place.sink['type']}:\n  {differences(content, baseline)}"

    # What is tried ---------------------------------------------------------------------------------------------------

    def fail_at_every_step(self, check, moments):
        """Learns the steps of a run over an earlier run's content, and of one from nothing, and checks each of them.

        `check` is told a step with its visit, one of `moments` of all steps, and gets the places as they are before the
        run.
        """
        self.begin_with_an_earlier_run()
        self.steps = self.traced()
        self.note_baseline()
        assert len(self.steps) >= 3 * len(self.places), f"a run has more steps than {sorted(self.steps)}"
        for name, visit in moments(self.steps):
            self.restore()
            check(f"{name}#{visit}")
        self.clear()
        own = {name: count for name, count in self.traced().items() if name not in self.steps}
        if own:
            self.old = [{} if place.mode == "replace" else None for place in self.places]
            self.note_baseline()
            for name, visit in moments(own):
                self.clear()
                check(f"{name}#{visit}")
        print(f"steps: {dict(self.steps)}, of the first run alone: {own}")

    def killed_at_every_step(self, moments):
        """Killed at each step and run again; then killed once more at each step that only a resuming run has."""
        recovering = {}

        def check(plan):
            self.kill_at(plan)
            self.check_crashed(f"at {plan}")
            steps = self.traced()
            self.check_completed(f"after {plan}")
            recovering.update({name: plan for name in steps if name not in self.steps and name not in recovering})

        self.fail_at_every_step(check, moments)
        self.begin_with_an_earlier_run()
        self.run().expect(0)
        self.note_baseline()
        for name, plan in sorted(recovering.items()):
            if plan.split("#")[0] not in self.steps:
                continue
            self.killed_twice(plan, name)
            self.run().expect(0)
            self.check_completed(f"after {plan}, then {name}")
        print(f"steps of a resuming run alone: {recovering}")

    def killed_twice(self, plan, name):
        """Killed at `plan`, then at `name`, a step that a run reached once that went on after `plan`.

        Two sinks commit side by side, so the same crash may leave the other sink a step further, where `name` isn't
        reached: such a run has to complete, and the crash is tried again.
        """
        for _ in range(10):
            self.restore()
            self.kill_at(plan)
            second = self.run(plan=f"{name}=kill")
            if second.code == -signal.SIGKILL:
                self.kills += 1
                return self.check_crashed(f"at {plan}, then at {name}")
            second.expect(0)
            self.check_completed(f"after {plan}")
        raise AssertionError(f"no crash at {plan} left anything that reaches {name}")

    def error_at_every_step(self):
        def check(plan):
            first = self.run(plan=f"{plan}=error")
            assert first.code in exits_of_an_error(plan), f"{plan}: exit {first.code}\n{first.err}"
            assert first.code == 0 or first.message
            self.check_crashed(f"at {plan}")
            second = self.run()
            assert second.code == 0, f"after {plan}: exit {second.code}\n{second.err}"
            self.check_completed(f"after {plan}")

        self.fail_at_every_step(check, first)

    def killed_while_giving_up(self):
        """`--fresh` over an unfinished run, and dead in the middle of that."""
        self.begin_with_an_earlier_run()
        steps = self.traced()
        self.note_baseline()
        crash = next(f"{name}#{min(3, count)}" for name, count in sorted(steps.items()) if in_a_batch(name))

        self.restore()
        self.kill_at(crash, date=GIVEN_UP)
        # All begin with this crash: another one may leave one of two sinks a commit further.
        for place in self.places:
            place.keep()
        own = [name for name in self.traced("--fresh") if name not in steps]
        assert own, "giving a run up has steps of its own"
        self.note_baseline()
        for name in own:
            self.restore()
            self.kill_at(name, "--fresh")
            self.check_crashed(name)
            again = self.run("--fresh")
            assert again.code == 0, f"after {name}: exit {again.code}\n{again.err}"
            self.check_completed(f"after {name}")

    def killed_at_random(self, dice, kills):
        self.begin_with_an_earlier_run()
        elapsed = self.run().expect(0).elapsed
        self.note_baseline()
        self.restore()
        completed = 0
        while self.kills < kills:
            process = self.sluice.start_run(self.pipeline, "--logical-date", LOGICAL_DATE)
            # Now and then so early that the program isn't up yet, mostly somewhere in a part of the run.
            time.sleep(dice.uniform(0.0, elapsed * dice.choice([0.1, 0.4, 0.9])))
            ended = process.poll() or process.kill()
            if ended.code == -signal.SIGKILL:
                self.kills += 1
                self.check_crashed(f"kill {self.kills}")
            else:
                ended.expect(0)
                self.check_completed(f"after {self.kills} kills")
                completed += 1
                self.restore()
        self.run().expect(0)
        self.check_completed(f"after {self.kills} kills")
        print(f"over {completed + 1} runs")


def first(steps):
    """(step, visit): the first visit of each."""
    return [(name, 1) for name in sorted(steps)]


def first_and_last(steps):
    return [(name, visit) for name, count in sorted(steps.items()) for visit in sorted({1, count})]


def first_or_last(dice):
    """One of the two for each step: both of them take twice as long, and are tried by the long form."""

    def chosen(steps):
        return [(name, dice.choice([1, count])) for name, count in sorted(steps.items())]

    return chosen


def in_a_batch(step):
    return ".prepare." in step or ".commit." in step


def exits_of_an_error(plan):
    """While a store is opened it can't be created; once the run is complete, tidying up is no part of it."""
    if ".open." in plan:
        return {73, 74}
    return {0, 74} if ".close." in plan else {74}
