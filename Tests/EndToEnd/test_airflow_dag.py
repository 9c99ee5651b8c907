"""The shipped DAG's own part, with as much around it as it uses of Airflow. `test_airflow.py` has Airflow itself."""

import os
import runpy
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from support.scripted_server import well
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

DAG = Path(__file__).parents[2] / "Examples/airflow/exports.py"
USERS = [f"user-{number:03d}" for number in range(50)]
PIPELINE = """
pipeline: ${EXPORT}
source:
  type: pinpoint
  application_id: ${PINPOINT_APP_ID}
  region: eu-central-1
  users: {type: file, path: users.txt}
sinks:
  - {type: sqlite, path: out/nightly.sqlite}
"""


class TryAgain(Exception):
    """Airflow tries the task again."""


class GiveUp(TryAgain):
    """Airflow doesn't."""


class Task:
    functions = {}

    def __init__(self, function):
        self.function = function

    def __call__(self):
        return None

    def expand(self, **arguments):
        Task.functions[self.function.__name__] = self.function


@pytest.fixture
def program(sluice):
    return sluice.binary


@pytest.fixture
def run(program, tmp_path, monkeypatch):
    """The function that is a task, called with an export and what the task's context says besides."""
    (tmp_path / "nightly.yaml").write_text(PIPELINE)
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    context = {}
    modules = {name: ModuleType(name) for name in ("airflow", "airflow.sdk", "airflow.sdk.exceptions", "pendulum")}
    vars(modules["airflow.sdk"]).update(
        DAG=lambda *arguments, **options: nullcontext(), Variable=None, get_current_context=lambda: context,
        task=lambda function=None, **options: Task if function is None else Task(function),
    )  # fmt: skip
    vars(modules["airflow.sdk.exceptions"]).update(AirflowException=TryAgain, AirflowFailException=GiveUp)
    modules["pendulum"].datetime = lambda *arguments, **options: None
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    values = {
        "SLUICE": str(program), "SLUICE_PIPELINE": str(tmp_path / "nightly.yaml"), "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    monkeypatch.setattr(os, "environ", {**os.environ, **values})
    runpy.run_path(str(DAG))

    def call(url, **said):
        context.clear()
        context.update(said)
        Task.functions["run"]({"EXPORT": "shop", "PINPOINT_APP_ID": APPLICATION, "AWS_ENDPOINT_URL_PINPOINT": url})
        assert context["name"] == "shop"

    return call


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_date_of_a_run(run, scripted, by_hand):
    """It is Airflow's, also of a run that was triggered by hand at some fraction of a second, and the same for all tries."""
    server = scripted(well)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    said = {"dag_run": SimpleNamespace(run_after=moment), "logical_date": None if by_hand else moment}
    run(server.url, **said)
    assert set(server.asked) == set(USERS)
    run(server.url, **said)
    assert sum(server.asked.values()) == len(USERS), "that date was done already"


class TestEnds:
    """Of a program that does nothing else."""

    @pytest.fixture
    def program(self, tmp_path):
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n. {tmp_path}/end\n")
        path.chmod(0o755)
        return path

    @pytest.mark.parametrize("end, raised", [
        *((f"exit {code}", TryAgain) for code in (69, 74, 75)),
        ("kill -KILL $$", TryAgain),
        *((f"exit {code}", GiveUp) for code in (64, 65, 66, 70, 73, 76, 77, 78)),
    ])  # fmt: skip
    def test_what_is_tried_again(self, run, tmp_path, end, raised):
        (tmp_path / "end").write_text(end)
        with pytest.raises(TryAgain) as error:
            run("http://127.0.0.1:9", logical_date=datetime(2026, 1, 2, tzinfo=UTC))
        assert error.type is raised and end.removeprefix("exit ").replace("kill -KILL $$", "-9") in str(error.value)
