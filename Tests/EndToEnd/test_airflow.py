"""A scheduler of others: Apache Airflow runs the shipped DAG, one task for each of two exports, and is killed on the way.

Airflow is installed from PyPI into a folder of its own, or taken from the virtual environment `SLUICE_AIRFLOW`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.content import TABLES
from support.scripted_server import endpoints
from support.sluice import ACCESS_KEY, SECRET_KEY

DAGS = Path(__file__).parents[2] / "Examples/airflow"
FIRST, SECOND = "2026-01-01", "2026-01-02"
USERS = [f"user-{number:03d}" for number in range(400)]
EXPORTS = [
    {"EXPORT": f"shop-{region[:2]}", "PINPOINT_APP_ID": 8 * text, "AWS_REGION": region}
    for region, text in (("eu-central-1", "0123"), ("us-east-1", "4567"))
]


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
    def __init__(self, environment, home, variables):
        self.program = environment / "bin/airflow"
        self.environment = {
            "PATH": f"{environment}/bin:{os.environ['PATH']}",
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW_VAR_SLUICE_EXPORTS": json.dumps(EXPORTS),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
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

    def start(self, date):
        return self.call("dags", "test", "pinpoint_exports", date)

    def succeeded(self, process):
        """Whether a DAG run that was started succeeded."""
        code = process.wait(400)
        text = self.path.read_text(errors="replace")
        return code == 0 and "state=success" in text and "state=failed" not in text


@pytest.mark.soak
@pytest.mark.limit(1800)
@pytest.mark.parametrize("killed", ["the program", "all of Airflow"])
def test_two_dates(sluice, scripted, postgres, tmp_path, environment, killed):
    server = scripted(lambda request: endpoints(request.user))
    held, wanted = postgres(), postgres()
    text = (DAGS / "exports.yaml").read_text().replace("/var/lib/sluice", str(tmp_path))
    # A run takes about 5 s, so that there is a middle.
    text = text.replace("users:\n", "rate_limit: {requests_per_second: 80, burst: 1}\n  users:\n")
    pipeline = tmp_path / "exports.yaml"
    pipeline.write_text(text + "batch_size: 20\n")
    for export in EXPORTS:
        (tmp_path / export["EXPORT"]).mkdir()
        (tmp_path / export["EXPORT"] / "users.csv").write_text("user_id\n" + "".join(f"{user}\n" for user in USERS))
    variables = {
        "SLUICE": sluice.binary, "SLUICE_PIPELINE": str(pipeline), "AWS_ENDPOINT_URL_PINPOINT": server.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    for date in (FIRST, SECOND):
        for export in EXPORTS:
            everything = {**variables, **export, "DATABASE_URL": wanted.url()}
            sluice("run", pipeline, "--logical-date", date, environment=everything).expect(0)
    server.asked.clear()

    airflow = Airflow(environment, tmp_path / "airflow", {**variables, "DATABASE_URL": held.url()})
    process = airflow.start(FIRST)
    deadline = time.monotonic() + 240
    while committed(held) < 100:
        assert process.poll() is None, f"it has ended too early:\n{airflow.log}"
        assert time.monotonic() < deadline, airflow.log
        time.sleep(0.05)
    # Airflow's task has a session of its own, so the program is killed by its own number.
    for pid in running(sluice.binary, pipeline):
        os.kill(pid, signal.SIGKILL)
    if killed == "all of Airflow":
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(120)
        at = committed(held)
        assert 100 <= at < len(USERS) * len(EXPORTS), at
        process = airflow.start(FIRST)
    # Otherwise the task is tried again by Airflow itself, a minute later.
    assert airflow.succeeded(process), airflow.log
    assert airflow.succeeded(airflow.start(SECOND)), airflow.log
    asked = sum(server.asked.values())
    assert airflow.succeeded(airflow.start(FIRST)), airflow.log
    assert sum(server.asked.values()) == asked, "that date was done already"
    stores = [database.store("pinpoint") for database in (held, wanted)]
    for table in TABLES:
        left, right = (sorted(map(repr, store.rows(table))) for store in stores)
        assert left == right and (left or table == "failures"), table
    assert stores[0].count("users") == len(USERS) * len(EXPORTS)


def committed(database):
    try:
        return database.store("pinpoint").count("users")
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
