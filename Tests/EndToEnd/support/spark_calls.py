"""Spark in an environment of its own, and a stage some of whose first attempts die."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
EXAMPLE = REPOSITORY / "Examples/spark"
PACKAGES = ["pyspark==3.5.7", "setuptools<80", "psycopg[binary]"]

#: Stands for the program. The first attempt of a file with a mark ends as the mark says, with some of its rows written: by
#: SIGKILL of itself, of the process that has called it, or of the executor above both; or it is slow.
STAGE = """#!/bin/bash
program={program} marks={marks}
mark="$marks/$(basename "${{@: -1}}")"
if [ "$1 $2" = "flatten --quiet" ] && mv "$mark" "$mark.done" 2>"/dev/null"; then
    what=$(cat "$mark.done")
    if [ "$what" = slow ]; then sleep 20; exec "$program" "$@"; fi
    "$program" "$@" | head -c 30000
    victim=$$
    if [ "$what" = caller ]; then victim=$PPID; fi
    while [ "$what" = executor ] && [ "$(cat /proc/$victim/comm)" != java ]; do
        victim=$(cut -d " " -f 4 "/proc/$victim/stat")
    done
    kill -9 "$victim"
    sleep 60
fi
exec "$program" "$@"
"""


@pytest.fixture(scope="session")
def spark():
    """The folder of a virtual environment; SLUICE_SPARK names one that is there already. It is installed once."""
    if "SLUICE_SPARK" in os.environ:
        return Path(os.environ["SLUICE_SPARK"])
    if not shutil.which("java"):
        pytest.fail("java isn't there; install the package 'openjdk-17-jre-headless', or start the tests with Scripts/test")
    folder = REPOSITORY / ".build" / "spark"
    folder.parent.mkdir(exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = folder / "packages.json"
        if not installed.exists() or json.loads(installed.read_text()) != PACKAGES:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            command = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
            subprocess.run(command, check=True, timeout=900)
            installed.write_text(json.dumps(PACKAGES))
    return folder


class Cluster:
    """Two executors of one core on this machine, that come and go with a job."""

    def __init__(self, spark, folder):
        self.spark, self.folder = spark, folder
        self.marks = folder / "marks"
        self.marks.mkdir(parents=True)

    def stage(self, program, fates):
        """The program with a fate for the first attempt of some files, by name."""
        for name, fate in fates.items():
            (self.marks / name).write_text(fate)
        path = self.folder / "stage"
        path.write_text(STAGE.format(program=program, marks=self.marks))
        path.chmod(0o755)
        return path

    @property
    def met(self):
        """The files whose fate was met."""
        return {path.stem for path in self.marks.glob("*.done")}

    def submit(self, *arguments, timeout=400):
        """Runs the example; returns its exit code."""
        settings = {
            "spark.speculation": "true", "spark.speculation.interval": "200ms", "spark.speculation.quantile": "0.5",
            "spark.speculation.multiplier": "1.5", "spark.task.maxFailures": "6", "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2", "spark.local.dir": self.folder / "local", "spark.driver.memory": "512m",
            "spark.sql.warehouse.dir": self.folder / "warehouse",
        }  # fmt: skip
        options = [text for name, value in settings.items() for text in ("--conf", f"{name}={value}")]
        command = [
            self.spark / "bin/spark-submit", "--master", "local-cluster[2,1,1024]", *options,
            "--py-files", EXAMPLE / "stores.py", EXAMPLE / "export.py", *arguments,
        ]  # fmt: skip
        self.log = self.folder / "printed"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": str(self.spark / "bin/python"), "PYSPARK_DRIVER_PYTHON": str(self.spark / "bin/python"),
            "SPARK_SCALA_VERSION": "2.12", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        with open(self.log, "wb") as log:
            call = subprocess.run(
                list(map(str, command)), env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, timeout=timeout, check=False,
            )  # fmt: skip
        return call.returncode

    @property
    def printed(self):
        return self.log.read_text(errors="replace")
