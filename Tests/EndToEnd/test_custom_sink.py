"""A sink of another package, in an executable of its own: it is killed as ours are, and ends as one that never was.

The program is `$SLUICE_CSV_BIN`, built from `Examples/CustomSink`; `Scripts/test` does that."""

import os
import signal
import time

import pytest
from support.kills import KILLS
from support.sluice import LOGICAL_DATE, Sluice

DATED = ("--logical-date", LOGICAL_DATE)
KILLED = 10


@pytest.fixture
def custom(tmp_path):
    binary = os.environ.get("SLUICE_CSV_BIN")
    if not binary:
        pytest.skip("Examples/CustomSink isn't built; Scripts/test does that")
    (tmp_path / "custom").mkdir()
    runner = Sluice(os.path.abspath(binary), tmp_path / "custom")
    yield runner
    runner.stop_all()


def files(pipeline):
    """The published rows, by their place: {path: bytes}."""
    run = (pipeline.folder / "out" / "csv" / "current").resolve()
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*.csv"))}


@pytest.mark.limit(300)
def test_it_is_killed_and_ends_equal(custom, synthetic, dice):
    server = synthetic(users=3000, latency="20ms")
    sinks = [{"type": "csv-folder", "path": "out/csv"}, {"type": "sqlite", "path": "out/endpoints.sqlite"}]

    def write(name):
        return custom.pipeline(name, server.url, server.ids, sinks=sinks, batch_size=100)

    whole = write("whole")
    took = custom.run(whole, *DATED).expect(0)
    killed, kills = write("killed"), 0
    while kills < KILLED:
        process = custom.start_run(killed, *DATED)
        # The moment of the kill, nothing that is waited for: together they take less time than the whole run.
        time.sleep(dice.uniform(0.0, took.elapsed / KILLED))
        ended = process.poll() or process.kill()
        assert ended.code == -signal.SIGKILL, ended.err
        kills += 1
    KILLS["of a run into a sink of another package"] += kills
    custom.run(killed, *DATED).expect(0)
    assert files(killed) == files(whole) and len(files(whole)) >= 5
    custom("verify", killed.file).expect(0)
