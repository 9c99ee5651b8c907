"""The program under test as a process, its pipelines, and its synthetic server."""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

APPLICATION = "0123456789abcdef0123456789abcdef"
ACCESS_KEY = "AKIDENDTOENDTEST"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LOGICAL_DATE = "2026-01-02T03:04:05Z"

#: What no message may hold, whatever went wrong: traces of a crash.
CRASH = re.compile(r"Fatal error|Program crashed|Stack dump|Backtrace|Thread \d+ .*crashed|Illegal instruction")


@dataclass
class Result:
    """What a finished process left behind."""

    code: int
    out: str
    err: str
    elapsed: float
    peak_mebibytes: float

    @property
    def summaries(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    @property
    def summary(self):
        assert len(self.summaries) == 1, f"one summary line expected on standard output:\n{self.out}\n{self.err}"
        return self.summaries[0]

    def expect(self, code):
        """Checks the exit code, and that nothing crashed and no secret was printed on the way."""
        assert self.code == code, f"exit {self.code}, expected {code}\nstderr:\n{self.err}\nstdout:\n{self.out}"
        assert not CRASH.search(self.err), self.err
        assert SECRET_KEY not in self.err + self.out
        return self

    @property
    def messages(self):
        """The messages on standard error that say why the program ended, without the log and progress lines.

        Where the log is JSON there is nothing else on standard error: the line at the end says it.
        """
        lines = self.err.splitlines()
        said = [line for line in lines if re.match(r"(sluice: )?([^ ]+(:\d+:\d+)?: )?error: ", line)]
        return said + [line for line in lines if line.startswith("{") and "error" in json.loads(line)]

    @property
    def message(self):
        """The one message, with its hint; fails where there are none or several."""
        assert len(self.messages) == 1, f"exactly one message expected on standard error:\n{self.err}"
        start = self.err.index(self.messages[0])
        return self.err[start:]


class Process:
    """A started program. Standard output and error go to files, so that no pipe can fill."""

    def __init__(self, command, environment, directory, stdin=None):
        self.out_path, self.err_path = directory / "stdout", directory / "stderr"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.started = time.monotonic()
            self.popen = subprocess.Popen(
                command, env=environment, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err
            )
        self.result = None
        self.peak_kibibytes = 0
        self.looked_at = 0.0

    @property
    def pid(self):
        return self.popen.pid

    def send(self, number):
        if self.result is None:
            os.kill(self.pid, number)

    def poll(self):
        """The result if the process has ended, else None."""
        if self.result is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.result = Result(
                    self.popen.returncode,
                    self.out_path.read_text(errors="replace"),
                    self.err_path.read_text(errors="replace"),
                    time.monotonic() - self.started,
                    self.peak_kibibytes / 1024,
                )
            elif time.monotonic() - self.looked_at > 0.02:
                self.look_at_memory()
        return self.result

    def look_at_memory(self):
        """Notes the peak of the resident memory. What wait4 tells begins with the peak of the process that forked."""
        self.looked_at = time.monotonic()
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
            has_begun = os.readlink(f"/proc/{self.pid}/exe") != os.readlink("/proc/self/exe")
        except OSError:
            return
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found and has_begun:
            self.peak_kibibytes = max(self.peak_kibibytes, int(found[1]))

    def wait(self, timeout=100):
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
                self.wait(10)
                raise TimeoutError(f"still running after {timeout} s:\n{self.result.err[-4000:]}")
            time.sleep(0.003)
        return self.result

    def kill(self):
        self.send(signal.SIGKILL)
        return self.wait(30)


@dataclass
class Pipeline:
    """A pipeline's file with its input and output, in a folder of its own."""

    folder: Path
    document: dict = field(default_factory=dict)

    @property
    def file(self):
        return self.folder / "pipeline.yaml"

    @property
    def database(self):
        return self.folder / self.document["sinks"][0]["path"]

    def write(self):
        # JSON is YAML.
        self.file.write_text(json.dumps(self.document, indent=2, ensure_ascii=False))
        return self


class Sluice:
    """Starts `sluice` in an environment that holds nothing of the machine's own AWS settings."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, Path(folder)
        self.processes = []
        self.home = self.folder / "home"
        self.home.mkdir()

    def environment(self, **changes):
        values = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        values.update(changes)
        return {name: str(value) for name, value in values.items() if value is not None}

    def start(self, *arguments, environment=None, prefix=(), stdin=None):
        directory = self.folder / f"process-{len(self.processes)}"
        directory.mkdir()
        command = [*prefix, self.binary, *[str(argument) for argument in arguments]]
        process = Process(command, self.environment(**(environment or {})), directory, stdin)
        self.processes.append(process)
        return process

    def __call__(self, *arguments, timeout=100, **options):
        return self.start(*arguments, **options).wait(timeout)

    def start_run(self, pipeline, *arguments, **options):
        return self.start("run", pipeline.file, "--output", "json", *arguments, **options)

    def run(self, pipeline, *arguments, timeout=100, **options):
        return self.start_run(pipeline, *arguments, **options).wait(timeout)

    def pipeline(self, name, endpoint_url, users, **settings):
        """Writes a pipeline in a folder called `name`. `users` is the reader's options, or a path to a file of lines.

        Settings go to the top level, except `concurrency`, `rate_limit`, `retry` and `timeout`, which go to the source.
        """
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if not isinstance(users, dict):
            users = {"type": "file", "path": str(users), "format": "lines"}
        source = {
            "type": "pinpoint",
            "application_id": APPLICATION,
            "region": "eu-central-1",
            "endpoint_url": endpoint_url,
            "users": users,
            "concurrency": 32,
            "rate_limit": {"requests_per_second": 20000, "burst": 1000, "adaptive": False},
        }
        for key in ("application_id", "concurrency", "rate_limit", "retry", "timeout", "region"):
            if key in settings:
                source[key] = settings.pop(key)
        document = {
            "pipeline": "under-test",
            "source": source,
            "sinks": [{"type": "sqlite", "path": "out/endpoints.sqlite", "mode": "merge"}],
        }
        document.update(settings)
        return Pipeline(folder, document).write()

    def stop_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()


class SyntheticServer:
    """`sluice serve --synthetic`, with the files it writes for tests."""

    def __init__(self, sluice, folder, users=1000, seed=1, listen="127.0.0.1:0", archive=False, **options):
        self.sluice, self.folder, self.users, self.seed = sluice, Path(folder), users, seed
        self.folder.mkdir(exist_ok=True)
        self.ids, self.outcomes = self.folder / "ids.txt", self.folder / "outcomes.csv"
        #: What an export of all users would be; a big file, so only where it's asked for.
        self.archive = self.folder / "archive.ndjson" if archive else None
        self.options = options
        self.process = None
        self.start(listen)

    def start(self, listen=None):
        """Starts the server, or starts it again on the port that it had."""
        arguments = ["--users", self.users, "--seed", self.seed, "--listen", listen or f"127.0.0.1:{self.port}"]
        arguments += ["--application-id", self.options.get("application_id", APPLICATION)]
        for name, value in self.options.items():
            if value is True:
                arguments.append("--" + name.replace("_", "-"))
            elif value is not None and name != "application_id":
                arguments += ["--" + name.replace("_", "-"), value]
        if not self.ids.exists():
            arguments += ["--ids", self.ids, "--outcomes", self.outcomes]
            if self.archive:
                arguments += ["--archive", self.archive]
        self.process = self.sluice.start("serve", "--synthetic", *arguments)
        deadline = time.monotonic() + 60
        while True:
            found = re.search(r"listening on (http://[^:\s]+:(\d+))", self.process.out_path.read_text())
            if found:
                break
            assert self.process.poll() is None, f"the server ended: {self.process.result.err}"
            assert time.monotonic() < deadline, "the server doesn't say where it listens"
            time.sleep(0.01)
        self.url, self.port = found[1], int(found[2])

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
