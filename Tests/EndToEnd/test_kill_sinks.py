"""SIGKILL and I/O errors at every step of every sink in every mode, and at random moments: the content of a run that
was never disturbed, data files to the byte; of a `replace`, readers find the old content or the new one at any time."""

import os

import pytest
from support.kills import FAULTS, NDJSONPlace, SQLitePlace, Trial

#: Every sink and mode by itself.
SINGLE = ["sqlite merge", "sqlite append", "sqlite replace", "ndjson append", "ndjson replace"]
#: What covers every sink and mode once, most of them two at a time.
COVERING = ["sqlite append", "sqlite merge + ndjson append", "sqlite replace + ndjson replace"]
#: Small enough for several files a table.
MAX_FILE_SIZE = "16KB"


@pytest.fixture
def places(tmp_path, kind):
    result = []
    for number, name in enumerate(kind.split(" + ")):
        sink, mode = name.split()
        folder = tmp_path / f"store-{number}"
        result.append(
            SQLitePlace(folder, mode) if sink == "sqlite" else NDJSONPlace(folder, mode, max_file_size=MAX_FILE_SIZE)
        )
    return result


@pytest.mark.limit(600)
@pytest.mark.parametrize("kind", COVERING)
def test_killed_at_every_step(sluice, synthetic, tmp_path, places, kind):
    trial = Trial(sluice, synthetic, tmp_path, places)
    trial.killed_at_every_step()
    trial.count_kills(f"at every step of {kind}")


@pytest.mark.limit(400)
@pytest.mark.parametrize("kind", COVERING)
def test_an_io_error_at_every_step(sluice, synthetic, tmp_path, places):
    Trial(sluice, synthetic, tmp_path, places, users=100).error_at_every_step()


@pytest.mark.limit(120)
@pytest.mark.parametrize("kind", COVERING)
def test_killed_while_it_gives_a_run_up(sluice, synthetic, tmp_path, places, kind):
    trial = Trial(sluice, synthetic, tmp_path, places, users=200)
    trial.killed_while_giving_up()
    trial.count_kills(f"while giving up a run of {kind}")


@pytest.mark.limit(120)
@pytest.mark.parametrize("kind", SINGLE)
def test_killed_at_random_moments(sluice, synthetic, tmp_path, places, kind, dice):
    trial = Trial(sluice, synthetic, tmp_path, places, users=1000, latency="4ms", faults=FAULTS)
    trial.killed_at_random(dice, 20)
    trial.count_kills(f"at random moments of {kind}")


@pytest.mark.soak
@pytest.mark.limit(3600)
@pytest.mark.parametrize("kind", SINGLE + COVERING[1:])
def test_killed_at_random_moments_for_long(sluice, synthetic, tmp_path, places, kind, dice):
    trial = Trial(sluice, synthetic, tmp_path, places, users=5000, batch=100, latency="4ms", faults=FAULTS)
    trial.killed_at_random(dice, int(os.environ["SLUICE_SOAK_KILLS"]))
    trial.count_kills(f"at random moments of {kind}")
