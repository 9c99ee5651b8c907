"""What is handed out, tried as it is: images and packages in containers. `Scripts/check-docker` and `Scripts/check-package`
build it and start these tests; the program that serves and compares is theirs too (`$SLUICE_BIN`)."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "EndToEnd"))
sys.path.insert(0, str(Path(__file__).parent))

from support.postgres import postgres, postgres_cluster  # noqa: F401
from support.scripted_server import ScriptedServer
from support.sluice import Sluice


@pytest.fixture
def sluice(tmp_path):
    runner = Sluice(os.environ["SLUICE_BIN"], tmp_path)
    yield runner
    runner.stop_all()


@pytest.fixture
def scripted():
    servers = []

    def start(answer):
        servers.append(ScriptedServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
