"""SIGKILL and I/O errors at every step of every sink in every mode, and at random moments: the content of a run that
was never disturbed, data files to the byte; of a `replace`, readers find the old content or the new one at any time."""

import os
import signal
import time

import pytest
from support.kills import FAULTS, KILLS, NDJSONPlace, SQLitePlace, Trial, first_and_last, first_or_last
from support.ndjson import Folder
from support.scripted_server import Answer, endpoints, error
from support.sluice import LOGICAL_DATE

#: Every sink and mode by itself.
SINGLE = ["sqlite merge", "sqlite append", "sqlite replace", "ndjson append", "ndjson replace", "ndjson append zstd"]
#: What covers every sink, mode and compression, most of them several at a time.
COVERING = [
    "sqlite append",
    "sqlite merge + ndjson append + ndjson append zstd",
    "sqlite replace + ndjson replace zstd + ndjson replace none",
]
#: Small enough for several files a table.
MAX_FILE_SIZE = "16KB"


@pytest.fixture
def places(tmp_path, kind):
    result = []
    for number, name in enumerate(kind.split(" + ")):
        sink, mode, *compression = name.split()
        folder = tmp_path / f"store-{number}"
        options = {"max_file_size": MAX_FILE_SIZE, **({"compression": compression[0]} if compression else {})}
        result.append(SQLitePlace(folder, mode) if sink == "sqlite" else NDJSONPlace(folder, mode, **options))
    return result


@pytest.mark.limit(600)
@pytest.mark.parametrize("kind", COVERING)
def test_killed_at_every_step(sluice, synthetic, tmp_path, places, kind, dice):
    trial = Trial(sluice, synthetic, tmp_path, places)
    trial.killed_at_every_step(first_or_last(dice))
    trial.count_kills(f"at every step of {kind}")


@pytest.mark.soak
@pytest.mark.limit(1200)
@pytest.mark.parametrize("kind", SINGLE + COVERING[1:])
def test_killed_at_every_step_twice(sluice, synthetic, tmp_path, places, kind):
    """When each step is reached for the first time, and for the last time."""
    trial = Trial(sluice, synthetic, tmp_path, places)
    trial.killed_at_every_step(first_and_last)
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


def failing_in_its_way(request):
    """Answers that are the same whenever one asks; a quarter of the users fails, in three ways."""
    kind = int(request.user[-3:]) % 12
    if kind == 0:
        answer = error(500, "InternalServerErrorException", "internal")
    elif kind == 1:
        answer = error(400, "BadRequestException", "bad")
    elif kind == 2:
        answer = Answer(body=b'{"Item":[{"Id":')
    else:
        answer = endpoints(request.user)
    answer.delay = 0.01
    return answer


@pytest.mark.limit(200)
def test_failures_are_the_same_to_the_byte_after_kills(sluice, scripted, tmp_path, dice):
    """Whatever a run was killed at, and however long its calls took: the same bytes in each data file, failures too."""
    (tmp_path / "users.txt").write_text("".join(f"user-{number:03d}\n" for number in range(240)))
    run = ("--logical-date", LOGICAL_DATE)

    def begin(name):
        server = scripted(failing_in_its_way)
        pipeline = sluice.pipeline(
            name, server.url, tmp_path / "users.txt", batch_size=20, concurrency=8,
            retry={"max_attempts": 2, "max_delay": "50ms"}, limits={"max_failed": "100%"},
            sinks=[{"type": "ndjson", "path": "out", "mode": "append"}],
        )  # fmt: skip
        return server, pipeline

    def files(pipeline):
        result = sluice.run(pipeline, *run).expect(65)
        assert (result.summary["found"], result.summary["failed"]) == (180, 60)
        (published,) = Folder(pipeline.folder / "out").runs.values()
        return {str(path.relative_to(published.folder)): path.read_bytes() for path in published.paths()}

    whole = files(begin("whole")[1])
    assert any(path.startswith("failures/") for path in whole)
    server, pipeline = begin("killed")
    for _ in range(6):
        process = sluice.start_run(pipeline, *run)
        enough = len(server.log) + dice.randrange(1, 40)
        while len(server.log) < enough:
            assert process.poll() is None, process.poll().err
            time.sleep(0.002)
        assert process.kill().code == -signal.SIGKILL
        KILLS["of NDJSON with failures"] += 1
    assert files(pipeline) == whole


@pytest.mark.soak
@pytest.mark.limit(3600)
@pytest.mark.parametrize("kind", SINGLE + COVERING[1:])
def test_killed_at_random_moments_for_long(sluice, synthetic, tmp_path, places, kind, dice):
    trial = Trial(sluice, synthetic, tmp_path, places, users=5000, batch=100, latency="4ms", faults=FAULTS)
    trial.killed_at_random(dice, int(os.environ["SLUICE_SOAK_KILLS"]))
    trial.count_kills(f"at random moments of {kind}")
