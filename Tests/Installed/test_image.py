"""The image, as a cluster of the strict kind runs it: nobody in particular, a root that can't be written, no capability."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from containers import Container, until
from support.content import TABLES, Store
from support.scripted_server import slow, well
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

IMAGE = os.environ.get("SLUICE_IMAGE", "localhost/sluice-check-image")
USERS = [f"user-{number:03d}" for number in range(400)]
DATED = ("--logical-date", "2026-01-02")
STRICT = ["--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges"]
PIPELINE = f"""
pipeline: nightly
source:
  type: pinpoint
  application_id: {APPLICATION}
  region: eu-central-1
  endpoint_url: ${{PINPOINT_ENDPOINT_URL}}
  users: {{type: file, path: users.txt}}
  concurrency: 16
sinks:
  - {{type: sqlite, path: out/nightly.sqlite}}
  - {{type: ndjson, path: out/files, mode: append}}
batch_size: 20
"""


class Volume:
    """A folder that belongs to the image's user, with a pipeline in it, and its containers."""

    def __init__(self, folder, url):
        self.folder, self.url, self.started = folder, url, []
        folder.mkdir()
        (folder / "nightly.yaml").write_text(PIPELINE)
        (folder / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
        os.chown(folder, 65532, 65532)

    def start(self, *arguments, **environment):
        values = {
            "PINPOINT_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true", **environment,
        }  # fmt: skip
        options = [f"-e{name}={value}" for name, value in values.items() if value is not None]
        self.started.append(Container(IMAGE, *arguments, options=[*STRICT, f"-v{self.folder}:/data", *options]))
        return self.started[-1]

    def run(self, *arguments, code=0, **environment):
        container = self.start(*arguments, **environment)
        assert container.wait() == code, container.log
        return container.log

    @property
    def store(self):
        return Store(self.folder / "out/nightly.sqlite")

    @property
    def committed(self):
        """How far the run has come. Whoever looks is root, and must not be the one who makes the file that readers and
        writers of a write-ahead log share: the container's user couldn't open it."""
        path = self.folder / "out/nightly.sqlite"
        try:
            with open(path, "rb") as file:
                logged = file.read(19)[18:] == b"\x02"
            if logged and not path.with_name(path.name + "-shm").exists():
                return 0
            return self.store.next_ordinal
        except Exception:  # nothing is there yet
            return 0

    def rows(self):
        return {table: self.store.rows(table) for table in TABLES}

    def bytes(self):
        """Of the data files that were published."""
        folder = (self.folder / "out/files/current").resolve()
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.gz")}
        assert len(files) > 1
        return files


@pytest.fixture
def volumes(tmp_path):
    made = []

    def make(name, url):
        made.append(Volume(tmp_path / name, url))
        return made[-1]

    yield make
    for volume in made:
        for container in volume.started:
            container.remove()


@pytest.fixture
def whole(volumes, scripted):
    """What an undisturbed run gives."""
    volume = volumes("whole", scripted(well).url)
    volume.run("run", "nightly.yaml", *DATED)
    return volume


def test_what_is_in_it():
    inspected = subprocess.run(
        ["podman", "image", "inspect", "--format", "{{.Config.User}} {{.Config.StopSignal}} {{.Config.Labels}}", IMAGE],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert inspected.startswith("65532:65532 SIGTERM") and "org.opencontainers.image.title:Sluice" in inspected
    saved = subprocess.run(f"podman save {IMAGE} | gzip -6 | wc -c", shell=True, check=True, capture_output=True)
    size = int(saved.stdout) / 2**20
    print(f"{size:.1f} MiB compressed")
    # Half of it is Debian; a third is the program, most of that Foundation's ICU.
    assert size <= 70


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_stopped_in_the_middle(volumes, scripted, whole, number):
    """Three times, each with another container over the same volume."""
    server = scripted(slow(0.3))
    volume = volumes("stopped", server.url)
    for end in (60, 140, 240):
        container = volume.start("run", "nightly.yaml", *DATED)
        until(lambda: volume.committed >= end)
        container.kill(number.name)
        code = container.wait()
        assert code == (137 if number == signal.SIGKILL else 75), container.log
        assert volume.committed < len(USERS)
    server.answer = well
    volume.run("run", "nightly.yaml", *DATED)
    assert volume.rows() == whole.rows() and volume.bytes() == whole.bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0, 0.005, 0.02])
def test_stopped_between_the_last_commit_and_the_exit(volumes, scripted, whole, number, delay):
    volume = volumes("stopped", scripted(well).url)
    container = volume.start("run", "nightly.yaml", *DATED)
    deadline = time.monotonic() + 60
    while volume.committed < len(USERS):
        assert time.monotonic() < deadline, container.log
        time.sleep(0.0005)
    time.sleep(delay)
    try:
        container.kill(number.name)
    except subprocess.CalledProcessError:
        pass  # it has ended already
    code = container.wait()
    assert code in ((137, 0) if number == signal.SIGKILL else (75, 0)), container.log
    print(f"{number.name} {delay * 1000:.0f} ms after the last commit: {code}")
    volume.run("run", "nightly.yaml", *DATED)
    assert volume.rows() == whole.rows() and volume.bytes() == whole.bytes()


def test_a_stop_by_the_engine(volumes, scripted):
    """Also for commands that wait for something else than a run: nothing waits for the engine's patience to end."""
    volume = volumes("stopped", scripted(slow(0.3)).url)
    serve = ["serve", "--synthetic", "--listen", "127.0.0.1:0"]
    for arguments in (["run", "nightly.yaml"], serve, ["preview", "nightly.yaml"]):
        container = volume.start(*arguments)
        until(lambda: container.log or volume.committed)
        started = time.monotonic()
        subprocess.run(["podman", "stop", "-t", "60", container.id], check=True, capture_output=True)
        assert time.monotonic() - started < 10, arguments


def test_children_are_reaped(volumes, scripted):
    """A credential process that leaves a child behind leaves no zombie, and its credentials count."""
    volume = volumes("children", scripted(slow(0.3)).url)
    script = volume.folder / "credentials.sh"
    said = f'{{"Version":1,"AccessKeyId":"{ACCESS_KEY}","SecretAccessKey":"{SECRET_KEY}"}}'
    script.write_text(f"#!/bin/sh\n(sleep 1 >/dev/null 2>&1 &)\necho '{said}'\n")
    script.chmod(0o755)
    (volume.folder / ".aws").mkdir()
    (volume.folder / ".aws/config").write_text("[default]\ncredential_process = /data/credentials.sh\n")
    container = volume.start("run", "nightly.yaml", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    until(lambda: volume.committed >= 100)
    states = container("sh", "-c", "cat /proc/[0-9]*/status | grep ^State")
    assert re.search(r"[RS] \(", states) and "Z (" not in states, states
    # The child that was left behind ends after a second, while the run goes on.
    until(lambda: "sleep" not in container("sh", "-c", "cat /proc/[0-9]*/comm"))
    assert "Z (" not in container("sh", "-c", "cat /proc/[0-9]*/status | grep ^State")
    assert container.wait() == 0, container.log


def test_the_server_and_a_run_as_in_compose(volumes):
    """The server of compose.yaml by its own command, its list of users in the volume, the health check, and status after."""
    compose = yaml.safe_load((Path(__file__).parents[2] / "Docker/compose.yaml").read_text())
    command = [word.replace("0.0.0.0", "127.0.0.1") for word in compose["services"]["pinpoint"]["command"]]
    volume = volumes("compose", "http://127.0.0.1:4100")
    # The server writes the list, as into a volume that is new.
    (volume.folder / "users.txt").unlink()
    server = volume.start(*[word.replace("10000", "500").replace("=300", "=3000") for word in command])
    check = compose["services"]["pinpoint"]["healthcheck"]["test"][1:]
    until(lambda: server.run(*check).returncode == 0)
    said = volume.run("run", "nightly.yaml", "--retry", PINPOINT_APP_ID=APPLICATION)
    assert "500" in said
    volume.run("status", "nightly.yaml", "--max-age", "26h")
