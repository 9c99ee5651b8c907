"""What starts runs by the clock, as it is shipped: cron's lines, systemd's units, the manifests for Kubernetes.

The lines and the arguments are taken from the files themselves. What needs a container or systemd is tried by
`Scripts/check-docker` and `Scripts/check-package`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from support.content import TABLES
from support.scripted_server import endpoints, error, slow, well
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "Docker/kubernetes"
CRON = ROOT / "Packaging/cron/sluice"
USERS = [f"user-{number:03d}" for number in range(300)]

PIPELINE = f"""
pipeline: nightly
source:
  type: pinpoint
  application_id: {APPLICATION}
  region: eu-central-1
  endpoint_url: ${{PINPOINT_ENDPOINT_URL}}
  users: {{type: file, path: users.txt}}
  retry: {{outage: 1s}}
  rate_limit: {{requests_per_second: 5000, burst: 500}}
sinks:
  - {{type: sqlite, path: out/nightly.sqlite}}
limits: {{max_absent: 10}}
"""


def denied(request):
    return error(403, "AccessDeniedException", "No")


def unknown(request):
    return error(404, "NotFoundException", "No such user")


def refused(request):
    if request.user == USERS[7]:
        return error(400, "BadRequestException", "No")
    return endpoints(request.user)


# cron ----------------------------------------------------------------------------------------------------------------


class Cron:
    """The lines of the file, each as cron's shell runs it, in a folder in place of /etc/sluice."""

    def __init__(self, folder, binary):
        self.folder = folder
        folder.mkdir()
        lines = [line for line in CRON.read_text().splitlines() if re.match(r"[0-9*]", line)]
        self.lines = []
        for line in lines:
            *times, user, command = line.split(None, 6)
            assert len(times) == 5 and user == "sluice" and "%" not in command
            # Only where things are differs from an installed system.
            command = command.replace("/etc/sluice", str(folder))
            command = re.sub("^sluice", binary, command)
            self.lines.append(command)

    def __call__(self, number=0):
        # cron's own environment: no more than this.
        environment = {"HOME": str(self.folder), "LOGNAME": "sluice", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            ["/bin/sh", "-c", self.lines[number]], env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def cron(tmp_path, sluice):
    made = Cron(tmp_path / "etc", sluice.binary)
    (made.folder / "nightly.yaml").write_text(PIPELINE)
    (made.folder / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    return made


def settings(cron, url):
    values = {
        "PINPOINT_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    (cron.folder / "nightly.env").write_text("".join(f"{name}='{value}'\n" for name, value in values.items()))


@pytest.mark.parametrize("code, answer, words", [
    (0, well, ""),
    (65, refused, "failures"),
    (69, "nobody listens", "127.0.0.1"),
    (75, "another one runs", "lock"),
    (76, unknown, "max_absent"),
    (77, denied, "403"),
    (78, "a wrong file", "nightly.yaml"),
])  # fmt: skip
def test_a_line_of_cron(cron, scripted, code, answer, words):
    """Nothing is printed for a run that ends well; otherwise the line's code is the run's, and one message says why."""
    server = scripted(answer if callable(answer) else well)
    settings(cron, "http://127.0.0.1:9" if answer == "nobody listens" else server.url)
    if answer == "a wrong file":
        (cron.folder / "nightly.yaml").write_text(PIPELINE.replace("type: sqlite, ", "type: sqlite, mode: merg, "))
    holder = None
    if answer == "another one runs":
        server.answer = slow(0.5)
        holder = subprocess.Popen(
            ["/bin/sh", "-c", cron.lines[0]], cwd=cron.folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "HOME": str(cron.folder)},
        )  # fmt: skip
        wait_for(lambda: len(server.asked) > 0)
    done = cron()
    if holder is not None:
        for pid in [*children(holder.pid), holder.pid]:
            os.kill(pid, signal.SIGTERM)
        holder.communicate(timeout=30)
    assert done.returncode == code, done
    if code == 0:
        assert (done.stdout, done.stderr) == ("", "")
        # The second line finds that run, and says nothing either.
        later = cron(1)
        assert (later.returncode, later.stdout, later.stderr) == (0, "", "")
        return
    # A run that is complete all the same tells it as it is: no error, but what to do.
    said = [line for line in done.stderr.splitlines() if re.search(r"^sluice: (?!warning)|^\S+: error: ", line)]
    assert len(said) == 1 and words in done.stderr, done.stderr
    # What has become of it goes into the same mail.
    printed = done.stdout + done.stderr
    assert SECRET_KEY not in printed and not any(user in printed for user in USERS)


@pytest.mark.parametrize("text, code, words", [
    (None, 66, "nightly.env: error: can't be read: No such file"),
    ("PINPOINT_ENDPOINT_URL=http://127.0.0.1:9\nAWS_SECRET_ACCESS_KEY=a b\n", 78, "nightly.env:2:1: error: "),
])  # fmt: skip
def test_a_line_of_cron_without_its_settings(cron, text, code, words):
    """It is told what is missing, and the line fails: nothing runs with half of its settings."""
    if text is not None:
        (cron.folder / "nightly.env").write_text(text)
    done = cron()
    assert (done.returncode, done.stdout) == (code, "") and words in done.stderr, done
    assert not (cron.folder / "out").exists()


def test_a_line_of_cron_that_is_killed(cron, scripted):
    """The next night goes on where it stopped."""
    server = scripted(slow(0.5))
    settings(cron, server.url)
    process = subprocess.Popen(
        ["/bin/sh", "-c", cron.lines[0]], cwd=cron.folder, env={"PATH": "/usr/bin:/bin", "HOME": str(cron.folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: len(server.asked) > 100)
    for pid in [*children(process.pid), process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(30)
    server.answer = well
    done = cron()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert set(server.asked) == set(USERS) and sum(server.asked.values()) < 1.5 * len(USERS)


def children(pid):
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# systemd -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path, sluice):
    """The units as they are shipped, with the program where it stands here."""
    folder = tmp_path / "units"
    folder.mkdir()
    for path in (ROOT / "Packaging/systemd").iterdir():
        text = path.read_text().replace("/usr/bin/sluice", sluice.binary).replace("man:sluice(1)", "man:man(1)")
        (folder / path.name.replace("@", "@nightly")).write_text(text)
    return folder


def test_the_units(units):
    """systemd takes them as they are, and calls the service well locked in: 2.5 of 10 at most."""
    paths = sorted(str(path) for path in units.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "sluice" in line and "'man man(1)'" not in line]
    assert said == [], done.stderr
    service = units / "sluice@nightly.service"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", service],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure and float(exposure[1]) <= 2.5, done.stdout
    times = re.findall(r"^OnCalendar=(.*)$", (units / "sluice@nightly.timer").read_text(), re.MULTILINE)
    for text in times:
        subprocess.run(["systemd-analyze", "calendar", text], capture_output=True, check=True)


# Kubernetes and Compose ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(KUBERNETES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_manifest(path):
    """Strictly as the API's schema says; every pod as the profile `restricted` wants it."""
    document = yaml.safe_load(path.read_text())
    if document["kind"] == "Kustomization":
        assert sorted(document["resources"]) == sorted(
            other.name for other in KUBERNETES.glob("*.yaml") if other.name not in (path.name, "shards.yaml")
        )
        return
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "sluice"
    for pod in pods(document):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["seccompProfile"]["type"] == "RuntimeDefault"
        assert security["runAsUser"] == 65532
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}
            assert own["readOnlyRootFilesystem"] is True


def pods(document):
    if isinstance(document, dict):
        if "containers" in document:
            yield document
        for value in document.values():
            yield from pods(value)


def test_the_pipelines_in_manifests(sluice, tmp_path):
    environment = {
        "PINPOINT_APP_ID": APPLICATION, "AWS_REGION": "eu-central-1", "DATABASE_URL": "postgresql://db/sluice",
        "PINPOINT_ENDPOINT_URL": "http://pinpoint:4100", "EXPORT": "shop-eu",
    }  # fmt: skip
    texts = yaml.safe_load((KUBERNETES / "configmap.yaml").read_text())["data"]
    texts["compose.yaml"] = (ROOT / "Docker/pipeline.yaml").read_text()
    texts["airflow.yaml"] = (ROOT / "Examples/airflow/exports.yaml").read_text()
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        sluice("validate", tmp_path / name, environment=environment).expect(0)


def test_the_compose_file():
    # Beside the interpreter, where it comes from a virtual environment.
    program = shutil.which("check-jsonschema", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [program, "--builtin-schema", "vendor.compose-spec", ROOT / "Docker/compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_indexed_job(sluice, scripted, postgres, tmp_path):
    """Each pod as a process with what Kubernetes tells it; one is killed, and started again as the job does it."""
    job = yaml.safe_load((KUBERNETES / "shards.yaml").read_text())
    container = job["spec"]["template"]["spec"]["containers"][0]
    count = job["spec"]["completions"]
    text = yaml.safe_load((KUBERNETES / "configmap.yaml").read_text())["data"]["nightly.yaml"]
    server = scripted(well)
    one, all_of_them = postgres(), postgres()
    for database in (one, all_of_them):
        database.psql(
            "CREATE TABLE people AS SELECT 'user-' || lpad(n::text, 3, '0') AS id FROM generate_series(0, 299) n",
            "GRANT SELECT ON people TO PUBLIC",
        )

    def start(database, *arguments, index=None):
        folder = tmp_path / f"{database.name}-{index}"
        folder.mkdir(exist_ok=True)
        # A pod's own volume, and its mount of the pipelines.
        (folder / "nightly.yaml").write_text(text.replace("/data", str(folder)))
        environment = {
            "PINPOINT_APP_ID": APPLICATION, "AWS_REGION": "eu-central-1", "DATABASE_URL": database.url(),
            "AWS_ENDPOINT_URL_PINPOINT": server.url,
        }  # fmt: skip
        if index is not None:
            environment["JOB_COMPLETION_INDEX"] = index
        command = [word.replace("/etc/sluice", str(folder)) for word in arguments]
        return sluice.start(*command, environment=environment)

    whole = [word for word in container["args"] if word not in ("--shards", str(count))]
    start(one, *whole).wait().expect(0)

    server.answer = slow(0.5)
    server.asked.clear()
    processes = [start(all_of_them, *container["args"], index=index) for index in range(count)]
    wait_for(lambda: len(server.asked) > 100)
    processes[1].kill()
    server.answer = well
    processes[1] = start(all_of_them, *container["args"], index=1)
    for process in processes:
        process.wait().expect(0)
    left, right = ({table: sorted(map(repr, made.store("pinpoint").rows(table))) for table in TABLES}
                   for made in (one, all_of_them))  # fmt: skip
    assert left == right and len(left["users"]) == len(USERS)
