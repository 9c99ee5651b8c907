"""Time, processor, memory and disk of a command with all that it starts."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
TICK = os.sysconf("SC_CLK_TCK")


class Broken(Exception):
    """A command that should have worked, and didn't."""


@dataclass
class Sample:
    """What one run of one side cost."""

    wall: float
    #: Seconds of processor, in user and kernel mode.
    cpu: float
    #: Bytes of the biggest process.
    peak: int
    #: Bytes that went to the disk.
    written: int
    #: Seconds of processor that the database server used meanwhile.
    server_cpu: float = 0.0
    #: The share of the machine that others used meanwhile.
    others: float = 0.0
    #: What else a row wants to tell of it.
    facts: dict = field(default_factory=dict)


def measure(command, folder, *, environment=None, stdin=None, server=None, others_ours=(), timeout=3600):
    """Runs a command within a folder; its output stays there as `stdout` and `stderr`.

    `server` and `others_ours` give seconds of processor: those of a server that works for the command, and of what
    else belongs to the measurement and isn't to count as a disturbance.
    """
    clocks = ([server] if server else []) + list(others_ours)
    with tempfile.NamedTemporaryFile(prefix="sluice-bench-") as report:
        launched = [sys.executable, "-I", "-S", LAUNCHER, report.name, str(timeout), *command]
        before, busy = [clock() for clock in clocks], busy_seconds()
        with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
            source = open(stdin, "rb") if stdin else subprocess.DEVNULL
            try:
                done = subprocess.run(
                    list(map(str, launched)), cwd=folder, env=environment or clean_environment(folder),
                    stdin=source, stdout=out, stderr=err, timeout=timeout + 30, check=False,
                )  # fmt: skip
            finally:
                if stdin:
                    source.close()
        busy = busy_seconds() - busy
        used = [clock() - start for clock, start in zip(clocks, before)]
        text = Path(report.name).read_text(encoding="utf-8")
    if done.returncode != 0 or not text:
        raise Broken(f"{describe(command)} couldn't be run: {tail(folder)}")
    figures = json.loads(text)
    if (status := figures.pop("status")) != 0:
        raise Broken(f"{describe(command)} ended with {status}: {tail(folder)}")
    foreign = busy - figures["cpu"] - sum(used)
    return Sample(
        **figures,
        server_cpu=used[0] if server else 0.0,
        others=max(0.0, foreign / (figures["wall"] * os.cpu_count())),
    )


def clean_environment(folder, **more):
    """Nothing of the caller's: neither credentials nor settings of PostgreSQL's clients."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC", **more}


def describe(command):
    return " ".join(Path(word).name for word in map(str, command[:3]))


def tail(folder):
    return (folder / "stderr").read_text(errors="replace")[-1500:].strip() or "it said nothing"


def busy_seconds():
    """Seconds that all processors together were busy since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, interrupt, soft, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + interrupt + soft) / TICK


def tree_seconds(process):
    """Seconds of processor of a process, of its children, and of those that it has buried."""
    total, names = 0, [process]
    try:
        names += map(int, Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split())
    except OSError:
        return 0.0
    for name in names:
        try:
            text = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # ended meanwhile; its parent's figures have it
        total += sum(map(int, text.rsplit(")", 1)[1].split()[11:15]))
    return total / TICK
