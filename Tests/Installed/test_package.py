"""The Debian package on a machine without Swift, under systemd."""

import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from containers import Container, until
from support.scripted_server import error, slow, well
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

README = Path(__file__).parents[2] / "README.md"
USERS = [f"user-{number:03d}" for number in range(400)]
PIPELINE = f"""
pipeline: nightly
source:
  type: pinpoint
  application_id: {APPLICATION}
  region: eu-central-1
  endpoint_url: ${{PINPOINT_ENDPOINT_URL}}
  users: {{type: file, path: /etc/sluice/users.txt}}
  concurrency: 16
sinks:
  - {{type: sqlite, path: /var/lib/sluice/nightly/endpoints.sqlite}}
batch_size: 20
state_directory: /var/lib/sluice/nightly/state
"""


class Machine(Container):
    """Debian 12 with systemd and the package, as if it had booted."""

    def __init__(self):
        super().__init__(
            "localhost/sluice-check-installed", "/lib/systemd/systemd", options=["--systemd=always", "--privileged"]
        )
        until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"))

    def configure(self, url, text=PIPELINE):
        values = {
            "PINPOINT_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        self.write("/etc/sluice/nightly.yaml", text)
        self.write("/etc/sluice/users.txt", "".join(f"{user}\n" for user in USERS))
        # Root's alone: systemd reads it, the service needn't.
        self.write("/etc/sluice/nightly.env", "".join(f"{name}={value}\n" for name, value in values.items()), "0600")

    def drop_in(self, unit, text):
        self("mkdir", "-p", f"/etc/systemd/system/{unit}.d")
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self("systemctl", "daemon-reload")

    def shows(self, name, unit="sluice@nightly.service"):
        return self("systemctl", "show", "-P", name, unit).strip()

    @property
    def journal(self):
        return self("journalctl", "--no-pager", "-o", "cat", "-u", "sluice@nightly.service")

    def users(self, tmp_path):
        """The users in the sink's table."""
        self("sh", "-c", "rm -rf /tmp/copy && cp -r /var/lib/sluice/nightly /tmp/copy")
        self.take("/tmp/copy", tmp_path / "copy")
        with sqlite3.connect(tmp_path / "copy/endpoints.sqlite") as database:
            found = [identity for (identity,) in database.execute("SELECT user_id FROM users ORDER BY 1")]
        return found


@pytest.fixture
def machine():
    made = Machine()
    yield made
    made.remove()


def test_installed(machine):
    """Without Swift: the program, its manual, completions, schema, units; nothing is missing and nobody else may look."""
    assert machine("sh", "-c", "command -v swift", code=None) == ""
    assert "not found" not in machine("ldd", "/usr/bin/sluice")
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", machine("sluice", "--version"))
    symbols = subprocess.run(["objdump", "-T", os.environ["SLUICE_BIN"]], check=True, capture_output=True, text=True).stdout
    oldest = max(tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([0-9.]+)", symbols))
    assert f"with glibc {oldest[0]}.{oldest[1]}," in README.read_text()
    schema = json.loads(machine("cat", "/usr/share/sluice/sluice.schema.json"))
    assert "pipeline" in schema["properties"]
    commands = re.findall(r"^  (\w+) {2,}", machine("sluice", "--help").split("SUBCOMMANDS:")[1], re.MULTILINE)
    listed = machine("dpkg", "-L", "sluice").splitlines()
    for command in commands:
        assert f"/usr/share/man/man1/sluice-{command}.1.gz" in listed
    assert "/usr/share/doc/sluice/examples/cron" in listed
    machine("bash", "-c", ". /usr/share/bash-completion/completions/sluice && complete -p sluice")
    assert machine("stat", "-c", "%a %U %G", "/etc/sluice").split() == ["750", "root", "sluice"]
    assert machine("stat", "-c", "%a %U %G", "/var/lib/sluice").split() == ["750", "sluice", "sluice"]
    assert machine("dpkg", "-V", "sluice") == ""
    said = machine("systemd-analyze", "security", "--no-pager", "sluice@nightly.service")
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)[1])
    print(f"exposure {exposure}")
    assert exposure <= 2.5


def test_the_demo(machine):
    said = machine("sh", "-c", "cd /tmp && sluice demo --users 300 --directory /tmp/demo 2>&1")
    assert "balance" in said or "300" in said
    assert machine("sh", "-c", "ls /tmp/demo").strip()


def test_a_postgres_pipeline(machine, scripted, postgres):
    server, database = scripted(well), postgres()
    sink = f'{{type: postgres, url: "{database.url()}", schema: pinpoint}}'
    machine.configure(server.url, re.sub(r"\{type: sqlite.*\}", sink, PIPELINE))
    machine("systemctl", "start", "sluice@nightly.service")
    assert database.store("pinpoint").count("users") == len(USERS)


def test_by_the_clock(machine, scripted, tmp_path):
    """The timer starts it; a kill is mended by itself; a stop finishes the commit at hand, and the next start goes on."""
    server = scripted(slow(0.3))
    machine.configure(server.url)
    machine.drop_in("sluice@nightly.timer", "[Timer]\nOnCalendar=\nOnCalendar=*-*-* *:*:0/2\nAccuracySec=100ms\n")
    machine.drop_in("sluice@nightly.service", "[Service]\nRestartSec=1\n")
    machine("systemctl", "enable", "--now", "sluice@nightly.timer")
    until(lambda: len(server.asked) > 60)
    machine("systemctl", "stop", "sluice@nightly.timer")
    machine("systemctl", "kill", "-s", "KILL", "sluice@nightly.service")
    until(lambda: machine.shows("NRestarts") == "1")
    asked = len(server.asked)
    until(lambda: len(server.asked) > asked + 60)
    machine("systemctl", "stop", "sluice@nightly.service")
    assert machine.shows("ExecMainStatus") == "75" and machine.shows("Result") == "exit-code"
    server.answer = well
    machine("systemctl", "start", "sluice@nightly.service")
    assert machine.shows("Result") == "success"
    assert machine.users(tmp_path) == USERS
    assert "resum" in machine.journal
    # What the runtime library has to say of a priority that it wasn't given is nobody's business.
    assert "thread priority" not in machine.journal
    assert SECRET_KEY not in machine.journal and USERS[3] not in machine.journal
    # What it wrote is for its own user and group alone.
    for line in machine("find", "/var/lib/sluice/nightly", "-printf", "%m %u %p\n").splitlines():
        mode, owner, path = line.split(" ", 2)
        assert int(mode, 8) & 0o007 == 0 and owner == "sluice", line


def test_a_run_that_fails(machine, scripted):
    """It is seen in `systemctl status`, with its code in words, and isn't started again by itself."""
    server = scripted(lambda request: error(403, "AccessDeniedException", "No"))
    machine.configure(server.url)
    machine.drop_in("sluice@nightly.service", "[Service]\nRestartSec=1\n")
    machine("systemctl", "start", "sluice@nightly.service", code=1)
    said = machine("systemctl", "status", "--no-pager", "sluice@nightly.service", code=3)
    print(said)
    assert "status=77/NOPERM" in said and "sluice: error: " in said
    assert machine.shows("NRestarts") == "0" and machine.shows("ActiveState") == "failed"


def test_a_server_that_is_away(machine, scripted, tmp_path):
    """69 is tried again by itself, until it is back."""
    server = scripted(well)
    port = server.url.rsplit(":", 1)[1]
    machine.configure("http://127.0.0.1:9")
    machine.drop_in("sluice@nightly.service", "[Service]\nRestartSec=1\n")
    machine("systemctl", "start", "--no-block", "sluice@nightly.service")
    until(lambda: int(machine.shows("NRestarts")) >= 1)
    assert machine.shows("ExecMainStatus") in ("69", "0")
    machine.configure(f"http://127.0.0.1:{port}")
    until(lambda: machine.shows("ActiveState") == "inactive" and machine.shows("Result") == "success")
    assert machine.users(tmp_path) == USERS


def test_upgraded_in_the_middle_of_a_run(machine, scripted, tmp_path):
    """The run ends with the program that it began with; the next one has the new program, and everything that was there."""
    server = scripted(slow(0.3))
    machine.configure(server.url)
    machine("chmod", "0755", "/etc/sluice")
    machine("systemctl", "start", "--no-block", "sluice@nightly.service")
    until(lambda: len(server.asked) > 60)
    machine.copy(os.environ["SLUICE_NEXT_DEB"], "/tmp/next.deb")
    machine("dpkg", "-i", "/tmp/next.deb")
    assert machine("dpkg-query", "-W", "-f", "${Version}", "sluice").endswith("-2")
    assert machine.shows("ActiveState") == "activating"
    until(lambda: machine.shows("ActiveState") == "inactive")
    assert machine.shows("Result") == "success"
    assert machine.users(tmp_path) == USERS
    server.answer = well
    machine("systemctl", "start", "sluice@nightly.service")
    assert machine("stat", "-c", "%a", "/etc/sluice").strip() == "755", "the administrator's mode stays"


def test_removed_and_installed_again(machine):
    """What was enabled is started again at once; nobody else may look into a folder that was empty in between."""
    machine.copy(os.environ["SLUICE_NEXT_DEB"], "/tmp/next.deb")
    machine("systemctl", "enable", "--now", "sluice@nightly.timer")
    machine("dpkg", "--remove", "sluice")
    assert machine.shows("ActiveState", "sluice@nightly.timer") == "inactive"
    machine("dpkg", "-i", "/tmp/next.deb")
    assert machine.shows("ActiveState", "sluice@nightly.timer") == "active"
    assert machine("stat", "-c", "%a %U %G", "/etc/sluice").split() == ["750", "root", "sluice"]
    # A timer that was stopped by hand isn't started by an upgrade.
    machine("systemctl", "stop", "sluice@nightly.timer")
    machine("dpkg", "-i", "/tmp/next.deb")
    assert machine.shows("ActiveState", "sluice@nightly.timer") == "inactive"
    # There is nothing to lose, so nothing is asked, and nothing is left.
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "sluice")
    assert done.returncode == 0 and "were kept" not in done.stderr, done
    assert machine.run("ls", "/etc/sluice").returncode != 0 and machine.run("ls", "/var/lib/sluice").returncode != 0


def test_the_tarball(machine, scripted, tmp_path):
    """As the README says it, on a machine that has the libraries: the program, and the units with a user made by hand."""
    server = scripted(well)
    machine("dpkg", "--purge", "sluice")
    machine("mkdir", "/tmp/unpacked")
    machine.copy(os.environ["SLUICE_TARBALL"], "/tmp/sluice.tar.gz")
    machine("tar", "-xzf", "/tmp/sluice.tar.gz", "-C", "/tmp/unpacked", "--strip-components=1")
    machine("sh", "-c", "cd /tmp/unpacked && ls LICENSE README.md THIRD-PARTY-NOTICES && cp -r bin lib share /usr/local/")
    machine("useradd", "--system", "--home-dir", "/var/lib/sluice", "sluice")
    machine("systemctl", "daemon-reload")
    machine("systemd-analyze", "verify", "--man=no", "sluice@nightly.timer", "sluice@nightly.service")
    machine("mkdir", "-p", "/etc/sluice")
    machine.configure(server.url)
    machine("systemctl", "start", "sluice@nightly.service")
    assert machine.users(tmp_path) == USERS


def test_removed_and_purged(machine, scripted):
    """Removing stops the timer and keeps everything; purging asks, and keeps everything unless it is told to delete it."""
    server = scripted(well)
    machine.configure(server.url)
    machine("systemctl", "start", "sluice@nightly.service")
    machine("systemctl", "enable", "--now", "sluice@nightly.timer")
    machine("apt-get", "-y", "remove", "sluice")
    assert machine.run("sh", "-c", "command -v sluice").stdout == ""
    assert "sluice@" not in machine("systemctl", "list-timers", "--no-pager")
    kept = ["/etc/sluice/nightly.yaml", "/etc/sluice/nightly.env", "/var/lib/sluice/nightly/endpoints.sqlite"]
    machine("ls", *kept)
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "sluice")
    assert done.returncode == 0 and "were kept" in done.stderr, done
    machine("ls", *kept)

    machine.copy(os.environ["SLUICE_NEXT_DEB"], "/tmp/next.deb")
    machine("dpkg", "-i", "/tmp/next.deb")
    machine("ls", *kept)
    machine("debconf-set-selections", stdin="sluice sluice/delete_state boolean true\n")
    # The answer as somebody gives it to the question.
    frontend = ["env", "DEBIAN_FRONTEND=teletype", "dpkg", "--purge", "sluice"]
    done = machine.run(*frontend, stdin="yes\n")
    assert done.returncode == 0, done
    assert "Delete Sluice's pipelines" in done.stdout + done.stderr
    assert machine.run("ls", "/etc/sluice", "/var/lib/sluice").returncode != 0
    assert machine.run("getent", "passwd", "sluice").returncode != 0
