"""What a person sees on a terminal: one live line that always fits, a summary, tables or records, and colours where wanted."""

import json
import re
import subprocess
import time

import pytest
from support.scripted_server import Answer, endpoints, error
from support.terminal import Terminal

USERS = [f"user-{number:04d}" for number in range(4000)]


@pytest.fixture
def terminal(sluice):
    """Starts a command on a terminal: `terminal("run", pipeline.file, columns=120)`."""
    started = []

    def start(*arguments, columns=80, command=None, **environment):
        started.append(
            Terminal(command or [sluice.binary, *arguments], sluice.environment(**environment), columns)
        )
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def slow(sluice, scripted, tmp_path):
    """A pipeline over 4,000 users that takes 20 s, and its server."""
    server = scripted(lambda request: endpoints(request.user))
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    pipeline = sluice.pipeline(
        "slow", server.url, tmp_path / "users.txt", batch_size=50, concurrency=8, retry={"max_attempts": 1},
        rate_limit={"requests_per_second": 200, "burst": 1, "adaptive": False}, limits={"max_failed": 4000},
    )  # fmt: skip
    return pipeline, server


def done(line):
    found = re.search(r"\b(\d+) done", line)
    return int(found[1]) if found else 0


def test_the_live_line_fits_at_every_width(terminal, slow):
    """It shows what there is room for, is drawn anew when the terminal changes, and is gone at the end."""
    pipeline, server = slow
    failing = set(USERS[20:23])
    server.answer = lambda request: (
        error(400, "BadRequestException", "No") if request.user in failing else endpoints(request.user)
    )
    screen = terminal("run", pipeline.file, columns=120)
    line = screen.wait(lambda: done(screen.live) > 200 and "left" in screen.live and screen.live)
    whole = r"\d+ % · \d+ done · \d+/s · 3 failed · latency \d+ ms · \d+ s left"
    assert re.fullmatch(whole, line), line
    assert screen.colours("3 failed") == {"red"}
    parts = {120: whole, 50: r"\d+ % · \d+ done · \d+/s · 3 failed · \d+ s left", 40: r"\d+ % · \d+ done · \d+/s · 3 failed"}
    for columns in (50, 40, 80, 120, 18):
        before = done(screen.live)
        screen.resize(columns)
        wanted = parts.get(columns, whole if columns == 80 else r"\d+ % · \d+ done")
        line = screen.wait(lambda: re.fullmatch(wanted, screen.live) and screen.live)
        assert len(line) < columns and done(line) >= before
        assert sum("done" in row for row in screen.lines) == 1, screen.lines
    screen.resize(80)
    screen.child.kill(2)
    assert screen.end() == 75
    text = "\n".join(screen.lines)
    assert not re.search(r"\d done ·", text), "the live line is gone"
    assert "interrupted (75: stopped early or locked)" in text
    assert re.search(r"next +sluice run \S+slow/pipeline.yaml", re.sub(r"\n *", "", text)), text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_an_outage(terminal, slow, columns):
    """What is waited for is told as soon as it is known, and goes when the service is back."""
    pipeline, server = slow
    screen = terminal("run", pipeline.file, columns=columns)
    screen.wait(lambda: done(screen.live) > 20)
    server.answer = lambda request: error(503, "ServiceUnavailableException", "Service Unavailable")
    line = screen.wait(lambda: "waiting: no answer from" in screen.live and screen.live)
    assert done(line) > 0 and len(line) < columns
    if columns == 120:
        assert re.search(r"waiting: no answer from the service for \d+ s \(.*503", line), line
    assert screen.colours("waiting") == {"brown"}
    server.answer = lambda request: endpoints(request.user)
    screen.wait(lambda: done(screen.live) > done(line) + 20 and "waiting" not in screen.live)


def test_retry_after(terminal, slow):
    pipeline, server = slow
    screen = terminal("run", pipeline.file, columns=120)
    screen.wait(lambda: done(screen.live) > 20)

    def answer(request):
        wait = error(429, "TooManyRequestsException", "Slow down")
        wait.headers["Retry-After"] = "30"
        return wait

    server.answer = answer
    screen.wait(lambda: re.search(r"throttled.* · waiting: the service asked to wait for \d+ s", screen.live))


def test_credentials_that_do_not_come(terminal, slow, scripted):
    """Before there is anything else to tell."""
    pipeline, _ = slow
    away = scripted(lambda request: Answer(status=503, body=b"away"))
    screen = terminal(
        "run", pipeline.file, columns=120, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{away.url}/credentials",
    )  # fmt: skip
    screen.wait(lambda: re.search(r"0 done · waiting: no credentials for \d+ s", screen.live))


def test_a_locked_table(terminal, slow, postgres):
    """Who holds the lock is told while it is waited for."""
    pipeline, _ = slow
    database = postgres()
    pipeline.document["sinks"] = [database.sink(name="warehouse")]
    pipeline.write()
    screen = terminal("run", pipeline.file, columns=160)
    schema = pipeline.document["sinks"][0]["schema"]
    screen.wait(lambda: done(screen.live) > 100)
    holder = subprocess.Popen(
        database.cluster.psql_command(database.name), env=database.cluster.psql_environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    try:
        holder.stdin.write(f"BEGIN; LOCK TABLE {schema}.endpoints; SELECT pg_backend_pid();\n")
        told = rf"waiting: sink 'warehouse': table {schema}.\w+ is locked by server process \d+ \(psql(, idle in transaction)?\)"
        line = screen.wait(lambda: re.search(told + r", for \d+ s$", screen.live) and screen.live)
        holder.stdin.write("COMMIT;\n")
        screen.wait(lambda: done(screen.live) > done(line) and "waiting" not in screen.live)
    finally:
        holder.stdin.close()
        holder.wait(30)


def test_stopped_and_continued(terminal, slow, sluice):
    """^Z, bg and fg in a real shell: the line is drawn only while the program has the terminal, and right again after it."""
    pipeline, _ = slow
    screen = terminal(command=["/bin/bash", "--norc", "--noprofile", "-i"], columns=80, PS1="shell> ")
    screen.wait(lambda: "shell>" in screen.live)
    screen.send(f"{sluice.binary} run {pipeline.file}\n")
    before = screen.wait(lambda: done(screen.live))
    screen.send("\x1a")
    screen.wait(lambda: "Stopped" in "\n".join(screen.lines) and screen.live.startswith("shell>"))
    screen.send("bg\n")
    screen.wait(lambda: re.search(r"\[1\]\+ [^\[]*&shell>", "".join(screen.lines)))
    # It works on, and the shell's line stays the shell's.
    screen.send("for n in $(seq 30); do sleep 0.05; done; echo waited\n")
    screen.wait(lambda: "waited" in screen.lines and screen.live.startswith("shell>"))
    rows = len([row for row in screen.lines if "done ·" in row])
    screen.send("fg\n")
    screen.wait(lambda: done(screen.live) > before and "left" in screen.live)
    assert re.match(r"\d+ % · ", screen.live), screen.live
    assert len([row for row in screen.lines if "done ·" in row]) <= rows + 1
    screen.send("\x03")
    screen.wait(lambda: screen.live.startswith("shell>") and "interrupted (75:" in "\n".join(screen.lines))
    screen.send("exit\n")
    screen.end()


# Colours -------------------------------------------------------------------------------------------------------------

COLOUR = rb"\x1b\[3[0-9]m"


@pytest.fixture
def quick(sluice, scripted, tmp_path):
    server = scripted(lambda request: endpoints(request.user))
    (tmp_path / "few.txt").write_text("".join(f"{user}\n" for user in USERS[:20]))
    return sluice.pipeline("quick", server.url, tmp_path / "few.txt")


def test_colours_are_sparing_and_can_be_refused(terminal, quick):
    def drawn(**environment):
        screen = terminal("run", quick.file, "--fresh", **environment)
        assert screen.end() == 0
        assert any(line.startswith("run under-test-") for line in screen.lines)
        return screen.bytes

    assert len(re.findall(COLOUR, drawn())) == 1, "the verdict alone"
    assert len(re.findall(COLOUR, drawn(NO_COLOR=""))) == 1, "an empty one isn't set (no-color.org)"
    assert not re.findall(COLOUR, drawn(NO_COLOR="1"))
    assert b"\x1b" not in drawn(TERM="dumb")


def test_nothing_but_text_where_nobody_watches(sluice, quick):
    result = sluice("run", quick.file).expect(0)
    assert "\x1b" not in result.out + result.err and "\r" not in result.out + result.err


# The summary ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_the_summary(terminal, quick, columns):
    """It fits into 80 columns; what it says balances."""
    quick.document["sinks"] = [
        {"type": "sqlite", "name": "local", "path": "out/a-folder-with-quite-a-long-name/endpoints-of-all-users.sqlite"},
        {"type": "ndjson", "path": "out/endpoints"},
    ]
    screen = terminal("run", quick.write().file, columns=columns)
    assert screen.end() == 0
    # The log's lines stand above it.
    start = next(place for place, line in enumerate(screen.lines) if line.startswith("run under-test-"))
    lines = screen.lines[start:]
    assert all(len(line) <= 80 for line in lines), lines
    text = "\n".join(lines)
    assert re.match(r"run under-test-\d{8}T\d{6}Z: complete\n  records     20 = 20 found \+ 0 absent \+ 0 failed\n", text)
    assert re.search(r"\n  calls       20 sent, 0 retries, 0 throttled\n  time        [\d.]+ s, \d+ records a second\n", text)
    for name in ("local: sqlite", "ndjson: ndjson"):
        assert re.search(rf"\n  sink        {name}\n(?:  {{12}}.*\n)+  rows        (?:.*\n)?.* endpoints 20,", text), text


# Preview -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_preview_turns_wide_tables_into_records(terminal, quick, columns):
    quick.document["transforms"] = [{"type": "keep", "paths": ["Address", "ChannelType", "Attributes"]}]
    screen = terminal("preview", quick.write().file, "--users", "2", columns=columns)
    assert screen.end() == 0
    text = screen.bytes.decode().replace("\r\n", "\n")
    lines = text.split("\n")
    wide = [line for line in lines if len(line) > columns and not line.startswith("(nothing in")]
    assert not wide, wide
    assert re.search(r"\nendpoints: 2 rows\n── 1 ─+\napplication_id +\w+\n", text), text
    records = re.findall(r"\nendpoint_id +(\S+)\n", text)
    assert "user-0000/0" in records and "user-0001/0" in records
    assert re.search(r"\naddress +user-0000-0@example.com\n", text)


def test_preview_stays_tables_on_a_pipe(sluice, quick):
    """Unless records are asked for."""
    tables = sluice("preview", quick.file, "--users", "2").expect(0).out
    assert re.search(r"^application_id +endpoint_id ", tables, re.M) and "── 1" not in tables
    records = sluice("preview", quick.file, "--users", "2", "--records").expect(0).out
    assert len(re.findall(r"^── 2 ─+$", records, re.M)) >= 2 and not re.search(r"^─+  ─+", records, re.M)
    assert json.loads(sluice("preview", quick.file, "--users", "2", "--records", "--output", "json").expect(0).out)
