"""A scheduler of others: Apache Airflow runs a pipeline for two dates, and is killed in the middle of the first one.

Airflow is installed from PyPI into a folder of its own, or taken from the virtual environment `SLUICE_AIRFLOW`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.content import Store
from support.ndjson import Folder
from support.scripted_server import endpoints
from support.sluice import ACCESS_KEY, SECRET_KEY
from support.stores import places, same_rows, sinks

DAGS = Path(__file__).parent / "airflow"
FIRST, SECOND = "2026-01-01", "2026-01-02"
RUNS = ["under-test-20260101T000000Z", "under-test-20260102T000000Z"]
USERS = [f"user-{number:03d}" for number in range(400)]
KINDS = "sqlite append + ndjson append"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The folder of a virtual environment with Airflow."""
    given = os.environ.get("SLUICE_AIRFLOW")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("airflow")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    # Any version from 3.0 on; the newest is what people get.
    subprocess.run([folder / "bin/pip", "install", "-q", "apache-airflow>=3"], check=True, timeout=1200)
    return folder


class Airflow:
    def __init__(self, environment, home, sluice, pipeline):
        self.program = environment / "bin/airflow"
        self.environment = {
            "PATH": f"{environment}/bin:{os.environ['PATH']}",
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SLUICE_BIN": sluice.binary,
            "SLUICE_PIPELINE": str(pipeline.file),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        home.mkdir()
        self.home, self.calls = home, 0
        migrated = self.call("db", "migrate")
        assert migrated.wait(300) == 0, self.log

    def call(self, *arguments):
        self.calls += 1
        self.path = self.home / f"call-{self.calls}.log"
        with open(self.path, "wb") as log:
            return subprocess.Popen(
                [self.program, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def log(self):
        return self.path.read_text(errors="replace")[-4000:]

    def test(self, date):
        """`airflow dags test` to its end; whether the DAG run succeeded."""
        process = self.call("dags", "test", "export", date)
        code = process.wait(300)
        text = self.path.read_text(errors="replace")
        return code == 0 and "state=success" in text and "state=failed" not in text


@pytest.mark.soak
@pytest.mark.limit(1800)
@pytest.mark.parametrize("killed", ["the program", "all of Airflow"])
def test_two_dates(sluice, scripted, postgres, tmp_path, environment, killed):
    server = scripted(lambda request: endpoints(request.user))
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    stores, others = (places(KINDS, tmp_path / name, postgres) for name in ("held", "others"))
    # About 5 s, so that there is a middle.
    pipeline = sluice.pipeline(
        "scheduled", server.url, tmp_path / "users.txt", batch_size=20, sinks=sinks(stores),
        rate_limit={"requests_per_second": 80, "burst": 1},
    )  # fmt: skip
    reference = sluice.pipeline("reference", server.url, tmp_path / "users.txt", batch_size=20, sinks=sinks(others))
    for date in (FIRST, SECOND):
        sluice.run(reference, "--logical-date", date).expect(0)
    server.asked.clear()

    airflow = Airflow(environment, tmp_path / "airflow", sluice, pipeline)
    process = airflow.call("dags", "test", "export", FIRST)
    deadline = time.monotonic() + 240
    while committed(stores[0]) < 100:
        assert process.poll() is None, f"it has ended too early:\n{airflow.log}"
        assert time.monotonic() < deadline, airflow.log
        time.sleep(0.05)
    # Airflow's task has a session of its own, so the program is killed by its own number.
    for pid in running(sluice.binary, pipeline.file):
        os.kill(pid, signal.SIGKILL)
    if killed == "all of Airflow":
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(120)
    at = committed(stores[0])
    assert 100 <= at < len(USERS), at
    assert Store(stores[0].database).run_states == ["running"]

    # The scheduler goes on with the next date, and comes back to the first one.
    started = time.monotonic()
    assert airflow.test(SECOND), airflow.log
    print(f"{killed} was killed at ordinal {at}; the second date took {time.monotonic() - started:.1f} s")
    assert Store(stores[0].database).run_states == ["complete", "complete"]
    asked = sum(server.asked.values())
    assert airflow.test(FIRST), airflow.log
    assert sum(server.asked.values()) == asked, "that date was done already"

    for place, other in zip(stores, others, strict=True):
        same_rows(place, other)
    held, wanted = Folder(stores[1].folder), Folder(others[1].folder)
    assert sorted(held.runs) == RUNS and held.link == wanted.link
    for run in RUNS:
        held.runs[run].check()
        assert held.runs[run].data() == wanted.runs[run].data(), "to the byte"


def committed(place):
    try:
        return Store(place.database).next_ordinal
    except Exception:  # nothing is there yet
        return 0


def running(*words):
    """The processes in whose command line all of these stand, in the first place of it the first one."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if entry.name.isdigit() and command[0] == str(words[0]).encode() and str(words[1]).encode() in command:
            found.append(int(entry.name))
    return found
