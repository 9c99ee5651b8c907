"""Measures how well clients fill a limit that they aren't told: sluice, and botocore's adaptive mode, each against the
same servers. Started by Scripts/bench-rate.

Each case has a fresh server. The log of nginx, which stands in front of `sluice serve` as well, gives sluice's figures,
botocore's client counts itself; the first 5 s of each case don't count.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATE = 300
SETTLING = 5


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server doesn't start")
            time.sleep(0.05)


class Nginx:
    """nginx in front of what a subclass says, for its log."""

    #: Directives of the http block, and of the location.
    behind, answer = "", ""

    def start(self, folder):
        self.folder, self.port = folder, free_port()
        self.configure()
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [program, "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL
        )
        wait_for(self.port, self.process)

    def configure(self):
        text = (HERE / "nginx.conf.in").read_text()
        for key, value in {"ANSWER": self.answer, "BEHIND": self.behind}.items():
            text = text.replace(f"@{key}@", value)
        for key, value in {"FOLDER": self.folder, "PORT": self.port}.items():
            text = text.replace(f"@{key}@", str(value))
        (self.folder / "nginx.conf").write_text(text)

    def answers(self):
        """(instant, was throttled) of each answer, as nginx logged it."""
        time.sleep(1.2)  # its log is flushed each second
        for line in (self.folder / "access.log").read_text().splitlines():
            instant, status = line.split()
            yield float(instant), status == "429"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class LimitingNginx(Nginx):
    """nginx's own limit, in front of one answer for all."""

    name = "nginx"

    def __init__(self, folder, burst, options):
        (folder / "www").mkdir()
        item = {"Id": "the-endpoint", "ChannelType": "EMAIL", "Attributes": {"a": ["1", "2"]}, "Metrics": {"m": 6}}
        (folder / "www" / "body.json").write_text(json.dumps({"Item": [item]}))
        # As the service words it: without a code botocore takes a 429 for no throttling.
        self.answer = (
            f"limit_req zone=api burst={burst} nodelay; limit_req_status 429; try_files /body.json =500;"
            " add_header x-amzn-ErrorType $error_type always;"
        )
        self.set_rate(RATE)
        self.start(folder)

    def set_rate(self, rate):
        self.behind = (
            f"limit_req_zone $server_name zone=api:1m rate={rate}r/s;"
            ' map $status $error_type { default ""; 429 TooManyRequestsException; }'
        )

    def limit(self, rate):
        """Another limit from now on."""
        self.set_rate(rate)
        self.configure()
        self.process.send_signal(signal.SIGHUP)


class Synthetic(Nginx):
    """`sluice serve` with its own limit; nginx hands on, and logs what comes back."""

    name = "sluice serve"

    def __init__(self, folder, burst, options):
        port = free_port()
        self.server = subprocess.Popen(
            [options.sluice, "serve", "--synthetic", "--users", "100000", "--listen", f"127.0.0.1:{port}"]
            + ["--application-id", "a" * 32, "--rate", str(RATE), "--burst", str(burst)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(port, self.server)
        self.behind = f"upstream serve {{ server 127.0.0.1:{port}; keepalive 512; keepalive_requests 1000000; }}"
        self.answer = (
            'proxy_pass http://serve; proxy_http_version 1.1; proxy_set_header Connection "";'
            " proxy_set_header Host $http_host;"
        )
        self.start(folder)

    def stop(self):
        super().stop()
        self.server.kill()
        self.server.wait(10)


def environment(folder):
    keys = {"AWS_ACCESS_KEY_ID": "AKIDBENCHMARK", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true", **keys}


def pipeline(folder, port, in_flight, users):
    document = {
        "pipeline": "rate",
        "source": {
            "type": "pinpoint",
            "application_id": "a" * 32,
            "region": "eu-central-1",
            "endpoint_url": f"http://127.0.0.1:{port}",
            "users": {"type": "file", "path": "users.txt", "format": "lines"},
            "concurrency": in_flight,
            "rate_limit": {"requests_per_second": 10000, "burst": 100, "adaptive": True},
        },
        "sinks": [{"type": "sqlite", "path": "out.sqlite"}],
    }
    (folder / "users.txt").write_text("".join(f"user-{number:06d}\n" for number in range(users)))
    (folder / "pipeline.yaml").write_text(json.dumps(document))
    return folder / "pipeline.yaml"


def run_sluice(server, folder, in_flight, options):
    """One run over as many users as the limit lets through in the time; every one of them must be accounted for."""
    return export(server, folder, in_flight, RATE * options.seconds, options)


def export(server, folder, in_flight, users, options):
    file = pipeline(folder, server.port, in_flight, users)
    with open(folder / "stderr", "wb") as err:
        run = subprocess.run(
            [options.sluice, "run", file, "--output", "json"],
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=err,
            timeout=users / RATE * 4 + 60,
            check=False,
        )
    if run.returncode != 0:
        sys.exit(f"sluice run ended with {run.returncode}: {(folder / 'stderr').read_text()[-2000:]}")
    summary = json.loads(run.stdout)
    lost = users - summary["found"] - summary["absent"]
    with sqlite3.connect(folder / "out.sqlite") as store:
        lost += users - store.execute("SELECT count(*) FROM users").fetchone()[0]
    return (*figures(list(server.answers())), lost)


def run_botocore(server, folder, in_flight, options):
    output = subprocess.run(
        [sys.executable, HERE / "botocore_adaptive.py", f"http://127.0.0.1:{server.port}"]
        + [str(in_flight), str(options.seconds)],
        env=environment(folder),
        stdout=subprocess.PIPE,
        timeout=options.seconds + 60,
        check=True,
    ).stdout
    counts = json.loads(output)
    accepted, throttled = sum(counts["accepted"][SETTLING:]), sum(counts["throttled"][SETTLING:])
    return accepted / (options.seconds - SETTLING), 100 * throttled / max(1, accepted + throttled), counts["failed"]


def figures(answers):
    """Accepted per second, and the share that was throttled, between the first 5 s and the last second."""
    start = min(instant for instant, _ in answers) + SETTLING
    end = max(instant for instant, _ in answers) - 1
    settled = [was_throttled for instant, was_throttled in answers if start <= instant < end]
    return settled.count(False) / (end - start), 100 * settled.count(True) / len(settled)


# A limit that moves: seconds, and the limit in them.
PHASES = [(30, RATE), (40, RATE // 3), (40, RATE)]


def move(folder, burst, in_flight, options):
    """Seconds after each change until the limit is filled to 95 % for good, by three seconds at a time; None if never."""
    server = LimitingNginx(folder, burst, options)
    changes = []

    def change():
        for (seconds, _), (_, limit) in zip(PHASES, PHASES[1:]):
            time.sleep(seconds)
            server.limit(limit)
            changes.append(time.time())

    try:
        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        _, _, lost = export(server, folder, in_flight, sum(seconds * limit for seconds, limit in PHASES), options)
        accepted = [instant for instant, was_throttled in server.answers() if not was_throttled]
    finally:
        server.stop()
    return [
        settled(accepted, begin, end, limit)
        for begin, end, (_, limit) in zip(changes, [*changes[1:], max(accepted) - 1], PHASES[1:])
    ], lost


def settled(accepted, begin, end, limit):
    found = None
    second = begin
    while second + 3 <= end:
        if sum(second <= instant < second + 3 for instant in accepted) < 0.95 * 3 * limit:
            found = None
        elif found is None:
            found = second - begin
        second += 0.5
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--servers", default="nginx,serve")
    parser.add_argument("--without-botocore", action="store_true")
    parser.add_argument("--moving", action="store_true")
    options = parser.parse_args()
    servers = [{"nginx": LimitingNginx, "serve": Synthetic}[name] for name in options.servers.split(",")]
    clients = [("sluice", run_sluice)] + ([] if options.without_botocore else [("botocore adaptive", run_botocore)])
    print(f"{'server':<13} {'burst':>5} {'in flight':>9}  {'client':<18} {'rate/s':>7} {'of limit':>8} {'throttled':>9} lost")
    for server_type in servers:
        for burst in (30, 300):
            for in_flight in (64, 512):
                for client, run in clients:
                    with tempfile.TemporaryDirectory(prefix="bench-rate-") as name:
                        folder = Path(name)
                        folder.chmod(0o755)  # nginx's worker isn't root
                        server = server_type(folder, burst, options)
                        try:
                            rate, throttled, lost = run(server, folder, in_flight, options)
                        finally:
                            server.stop()
                    print(
                        f"{server_type.name:<13} {burst:>5} {in_flight:>9}  {client:<18} {rate:>7.1f} "
                        f"{100 * rate / RATE:>7.1f}% {throttled:>8.2f}% {lost:>4}",
                        flush=True,
                    )

    if options.moving:
        print(f"\nnginx, {RATE} -> {RATE // 3} -> {RATE}: seconds until 95 % of the new limit are filled for good, and lost")
        for burst in (30, 300):
            for in_flight in (64, 512):
                with tempfile.TemporaryDirectory(prefix="bench-rate-") as name:
                    folder = Path(name)
                    folder.chmod(0o755)
                    times, lost = move(folder, burst, in_flight, options)
                words = ["never" if seconds is None else f"{seconds:.1f}" for seconds in times]
                print(f"burst {burst:>3}, {in_flight:>3} in flight: {' and '.join(words)}; lost {lost}", flush=True)


main()
