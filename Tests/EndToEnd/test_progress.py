"""What is shown of a run under way: the live line on a terminal, the line in the log every 30 s."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest
from support.readers import Input, file_input, sqlite_input, table

USERS = 4000
LINE = re.compile(r"(?:(\d+) % · )?(\d+) done(?: · \d+ found, \d+ absent)?(?: · (\d+)/s)?(?: · \d+ parked)?(?: · latency \d+ ms)?(?: · (.*) left)?$")


class Watched:
    """A run whose standard error is a terminal; what it shows is kept, line by line."""

    def __init__(self, sluice, pipeline, stdin):
        ours, theirs = pty.openpty()
        with open(stdin or os.devnull, "rb") as file:
            self.process = subprocess.Popen(
                [sluice.binary, "run", pipeline.file], env=sluice.environment(), stdin=file,
                stdout=subprocess.DEVNULL, stderr=theirs,
            )  # fmt: skip
        os.close(theirs)
        self.terminal, self.text = ours, b""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while data := os.read(self.terminal, 65536):
                self.text += data
        except OSError:
            pass  # Nobody writes any more.

    @property
    def lines(self):
        """The live lines that were drawn in full: another one has followed."""
        drawn = re.split(r"\r\x1b\[J|\n", self.text.decode(errors="replace"))[:-1]
        plain = (re.sub(r"\x1b\[\?7[lh]", "", line).strip() for line in drawn)
        return [found for found in map(LINE.match, plain) if found]

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.thread.join(30)
        os.close(self.terminal)


def inputs(folder, dice, ids):
    lines = "".join(f"{identity}\n" for identity in ids).encode()
    yield file_input(folder, "lines", "users.txt", lines)
    yield file_input(folder, "gzip", "users.csv.gz", gzip.compress(table(ids, ";")), column="user id")
    yield sqlite_input(folder, ids, dice)
    (folder / "stdin").write_bytes(gzip.compress(lines))
    yield Input("standard input", {"type": "file", "path": "-", "format": "lines"}, folder / "stdin")


def slow(sluice, server, given, name):
    return sluice.pipeline(
        name, server.url, given.options, batch_size=50, limits={"max_absent": "100%"},
        rate_limit={"requests_per_second": 200, "burst": 1, "adaptive": False},
    )  # fmt: skip


def test_the_live_line(sluice, synthetic, tmp_path, dice):
    """Whatever the users come from: the share that is done, the time that is left, and no rate before there is one."""
    ids = [f"user-{number:06d}" for number in range(USERS)]
    server = synthetic(users=USERS)
    watched = {}
    try:
        for number, given in enumerate(inputs(tmp_path, dice, ids)):
            watched[given.name] = Watched(sluice, slow(sluice, server, given, f"p{number}"), given.stdin)
        for name, run in watched.items():
            deadline = time.monotonic() + 60
            while not [line for line in run.lines if int(line[2]) >= 200]:
                assert run.process.poll() is None and time.monotonic() < deadline, f"{name}: {run.text}"
                time.sleep(0.05)
    finally:
        for run in watched.values():
            run.end()
    for name, run in watched.items():
        assert not [line[0] for line in run.lines if line[3] == "0"], f"{name}: {run.text}"
        last = [line for line in run.lines if int(line[2]) >= 200][0]
        left = re.fullmatch(r"(\d+) (s|min)", last[4] or "")
        assert left and last[1], f"{name}: {last[0]}"
        done, rate = int(last[2]), int(last[3])
        assert abs(int(last[1]) - 100 * done / USERS) < 2, f"{name}: {last[0]}"
        # Minutes are cut, and so is the rate.
        right, unit = (USERS - done) / rate, 60 if left[2] == "min" else 1
        assert abs(int(left[1]) * unit - right) < 0.1 * right + unit, f"{name}: {last[0]}"


@pytest.mark.soak
def test_the_line_in_the_log(sluice, synthetic, tmp_path, dice):
    """The same every 30 s where nobody watches: as text, and as fields."""
    server = synthetic(users=8000)
    given = file_input(tmp_path, "gzip", "users.txt.gz", gzip.compress(server.ids.read_bytes()))
    runs = {
        form: given.start(sluice, slow(sluice, server, given, form), "--log-format", form) for form in ("text", "json")
    }
    results = {form: run.wait(100).expect(0).err for form, run in runs.items()}
    line = re.search(r"info: (\d+) % · (\d+) done · .*?(\d+)/s · .*\b(\d+) s left$", results["text"], re.M)
    assert line, results["text"]
    event = next(
        event for event in map(json.loads, results["json"].splitlines()) if event.get("event") == "progress"
    )
    done, rate = event["records"], event["records_per_second"]
    assert abs(event["share"] - done / 8000) < 0.01 and rate > 100, event
    assert event["found"] + event["absent"] + event["failed"] == done and event["latency_ms"] > 0, event
    assert event["requests"] >= done and event["retries"] == event["throttled"] == 0, event
    assert abs(event["seconds_left"] - (8000 - done) / rate) < 3, event
