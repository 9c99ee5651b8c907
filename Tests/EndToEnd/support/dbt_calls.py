"""dbt in an environment of its own, and a process of it that is called several times: most of a call is Python starting."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
#: Later versions fetch a part of theirs from elsewhere than PyPI.
PACKAGES = ["dbt-core>=1.10.5,<1.11", "dbt-postgres", "dbt-duckdb"]

#: Calls come on standard input, a line of JSON each, and so do answers; what dbt prints goes to a file.
DRIVER = """
import json, os, sys
answers = os.fdopen(os.dup(1), "w", buffering=1)
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 1), os.dup2(log, 2)
from dbt.cli.main import dbtRunner
for line in sys.stdin:
    call = json.loads(line)
    os.environ.update(call["environment"])
    done = dbtRunner().invoke(call["arguments"])
    sys.stdout.flush()
    results = [[one.node.unique_id, str(one.status), one.message] for one in getattr(done.result, "results", [])]
    print(json.dumps({"success": done.success, "error": done.exception and str(done.exception), "results": results}), file=answers)
"""


@pytest.fixture(scope="session")
def dbt():
    """The program; SLUICE_DBT names one that is there already. It is installed once, beside what is built."""
    if "SLUICE_DBT" in os.environ:
        return Path(os.environ["SLUICE_DBT"])
    folder = REPOSITORY / ".build" / "dbt"
    folder.parent.mkdir(exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = folder / "packages.json"
        if not installed.exists() or json.loads(installed.read_text()) != PACKAGES:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            command = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
            subprocess.run(command, check=True, timeout=600)
            installed.write_text(json.dumps(PACKAGES))
    return folder / "bin/dbt"


class Project:
    """A copy of a project, and a process of dbt that works on it."""

    def __init__(self, dbt, folder, environment):
        self.folder, self.log = folder, folder / "printed"
        clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        self.process = subprocess.Popen(
            [dbt.parent / "python", "-c", DRIVER, self.log], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**clean, **environment}, cwd=folder,
        )  # fmt: skip

    def __call__(self, *arguments, variables=None, **environment):
        """What a call came to: whether it succeeded, and each node's status and message by its ID."""
        # What was parsed for other variables is no use: each environment keeps its own.
        target = self.folder / "-".join(["target", *environment.values()])
        place = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder), "--target-path", str(target)]
        options = ["--vars", json.dumps(variables)] if variables else []
        call = {"arguments": [*arguments, *place, *options], "environment": environment}
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"dbt has ended:\n{self.printed}"
        answer = json.loads(answer)
        assert answer["error"] is None, f"{answer['error']}\n{self.printed}"
        return answer["success"], {name: (status, message) for name, status, message in answer["results"]}

    @property
    def printed(self):
        return self.log.read_text(errors="replace")[-6000:]

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
