"""A limit that the client isn't told: 300 requests a second, enforced by nginx, beside botocore's adaptive mode.

nginx's log gives the program's figures, botocore's client counts itself; the first seconds of each case don't count.
"""

import json
import sqlite3
import threading
import time
from contextlib import closing

from ..contest import Unequal
from ..data import files
from ..data.population import Population
from ..measuring import clean_environment, measure
from ..results import Result, cpu_each, is_disturbed, size
from ..row import Row
from ..servers.nginx import Nginx
from ..workbench import CREDENTIALS

RATE = 300
ITEM = {"Id": "the-endpoint", "ChannelType": "EMAIL", "Attributes": {"a": ["1", "2"]}, "Metrics": {"m": 6}}


class LimitingNginx(Nginx):
    """One answer for all, and 429 beyond the limit."""

    def __init__(self, folder, burst):
        (folder / "www").mkdir()
        (folder / "www" / "body.json").write_text(json.dumps({"Item": [ITEM]}))
        # As the service words it: without a code botocore takes a 429 for no throttling.
        locations = (
            f"location / {{ limit_req zone=api burst={burst} nodelay; limit_req_status 429;"
            " try_files /body.json =500; add_header x-amzn-ErrorType $error_type always; }"
        )
        super().__init__(folder, locations, self.at(RATE), is_logging=True)

    def at(self, rate):
        return (
            f"limit_req_zone $server_name zone=api:1m rate={rate}r/s;"
            ' map $status $error_type { default ""; 429 TooManyRequestsException; }'
        )

    def set_rate(self, rate):
        """Another limit from now on."""
        self.reconfigure(behind=self.at(rate))


def export(bench, nginx, place, users, in_flight):
    """A run over so many users, the sample of it, and how many of them were lost."""
    listed = files.ids(Population(), users, place / "users.txt")
    limit = {"requests_per_second": 10_000, "burst": 100, "adaptive": True}
    source = bench.api_source(nginx.url, listed, concurrency=in_flight, rate_limit=limit)
    sample = bench.run(place, source, [{"type": "sqlite", "path": "out.sqlite"}], timeout=users / RATE * 4 + 60)
    with closing(sqlite3.connect(place / "out.sqlite")) as store:
        lost = users - store.execute("SELECT count(*) FROM users").fetchone()[0]
    return sample, lost


class Unknown(Row):
    name = "limit"
    peer = "botocore, adaptive retry mode"

    def measure(self, bench):
        length, settling = bench.sized(4, 15, 60), bench.sized(1, 5, 5)
        cases = bench.sized([(30, 64)], [(30, 64)], [(30, 64), (30, 512), (300, 64), (300, 512)])
        ours, theirs, facts, samples = [], [], [], []
        for burst, in_flight in cases:
            sample, mine = self.ours(bench, burst, in_flight, length, settling)
            other = self.theirs(bench, burst, in_flight, length, settling)
            samples.append(sample)
            ours.append(mine)
            theirs.append(other)
            what = f"burst {burst}, {in_flight} at once: filled, throttled, users lost"
            facts.append((what, *(f"{fill:.1%}, {throttled:.2%}, {lost}" for fill, throttled, lost in (other, mine))))
        lowest, highest = min(ours)[0], max(ours)[0]
        return Result(
            name=self.name,
            work=f"API with a limit that the client isn't told ({RATE}/s), {length} s, share of the limit that is used",
            peer=self.peer,
            target="≥ 99 %, ≤ 0.5 % throttled, nobody lost",
            theirs=f"{min(theirs)[0]:.0%} to {max(theirs)[0]:.0%}",
            ours=f"{lowest:.1%} to {highest:.1%}",
            ratio=f"{lowest / max(theirs)[0]:.2f} × to {highest / min(theirs)[0]:.2f} ×",
            reached=lowest >= 0.99 and all(throttled <= 0.005 and not lost for _, throttled, lost in ours),
            cpu=f"{cpu_each(samples, RATE * length)} µs a user",
            peak=size(max(sample.peak for sample in samples)),
            facts=facts,
            disturbed=is_disturbed(samples),
            figures={"cases": [[*case, *mine, *other] for case, mine, other in zip(cases, ours, theirs)]},
        )

    def ours(self, bench, burst, in_flight, length, settling):
        nginx = LimitingNginx(bench.folder("limit-nginx"), burst)
        try:
            sample, lost = export(bench, nginx, bench.folder("limit-ours"), RATE * length, in_flight)
            answers = nginx.answers()
        finally:
            nginx.stop()
        if lost:
            raise Unequal(f"{lost} of {RATE * length} users are lost, so no time counts")
        start = min(instant for instant, _ in answers) + settling
        end = max(instant for instant, _ in answers) - 1
        settled = [was_throttled for instant, was_throttled in answers if start <= instant < end]
        return sample, (settled.count(False) / (end - start) / RATE, settled.count(True) / len(settled), lost)

    def theirs(self, bench, burst, in_flight, length, settling):
        nginx = LimitingNginx(bench.folder("limit-nginx"), burst)
        place = bench.folder("limit-theirs")
        try:
            command = bench.python("botocore_adaptive.py", nginx.url, in_flight, length)
            measure(command, place, environment=clean_environment(place, **CREDENTIALS), timeout=length + 60)
        finally:
            nginx.stop()
        counts = json.loads((place / "stdout").read_text())
        accepted, throttled = sum(counts["accepted"][settling:]), sum(counts["throttled"][settling:])
        share = throttled / max(1, accepted + throttled)
        return accepted / (length - settling) / RATE, share, counts["failed"]


class Moving(Row):
    """How long it takes to fill a limit that is cut to a third in mid-run, and comes back."""

    name = "limit-moving"
    is_long = True
    #: Seconds, and the limit in them.
    PHASES = [(30, RATE), (40, RATE // 3), (40, RATE)]

    def measure(self, bench):
        found = {}
        for burst, in_flight in ((30, 64), (300, 512)):
            found[f"burst {burst}, {in_flight} at once"] = self.move(bench, burst, in_flight)
        facts = [(what, "", " and ".join(map(self.words, times))) for what, times in found.items()]
        return Result(
            name=self.name,
            work="a limit of 300/s that falls to 100 and comes back: seconds until 95 % of it are filled for good",
            peer=self.peer,
            ours="; ".join(words for _, _, words in facts),
            facts=facts,
            figures={"seconds": found},
        )

    def words(self, time):
        return "never" if time is None else f"{time:.1f} s"

    def move(self, bench, burst, in_flight):
        nginx = LimitingNginx(bench.folder("limit-nginx"), burst)
        changes, is_over = [], threading.Event()

        def change():
            for (length, _), (_, limit) in zip(self.PHASES, self.PHASES[1:]):
                if is_over.wait(length):
                    return
                nginx.set_rate(limit)
                changes.append(time.time())

        thread = threading.Thread(target=change, daemon=True)
        try:
            thread.start()
            users = sum(length * limit for length, limit in self.PHASES)
            _, lost = export(bench, nginx, bench.folder("limit-ours"), users, in_flight)
            accepted = [instant for instant, was_throttled in nginx.answers() if not was_throttled]
        finally:
            is_over.set()
            thread.join()
            nginx.stop()
        if lost:
            raise Unequal(f"{lost} of {users} users are lost, so no time counts")
        ends = [*changes[1:], max(accepted) - 1]
        return [
            filled_after(accepted, begin, end, limit)
            for begin, end, (_, limit) in zip(changes, ends, self.PHASES[1:])
        ]


def filled_after(accepted, begin, end, limit):
    """Seconds after `begin` from which on every three seconds fill 95 % of the limit; None if there are none."""
    found, second = None, begin
    while second + 3 <= end:
        if sum(second <= instant < second + 3 for instant in accepted) < 0.95 * 3 * limit:
            found = None
        elif found is None:
            found = second - begin
        second += 0.5
    return found
