"""The bench's command: rows in order, each with its data made, measured and cleared away."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from . import machine, page
from .contest import Unequal
from .measuring import Broken
from .results import Result
from .rows import ROWS
from .unfinished import Unfinished
from .workbench import ROUNDS, Workbench

ROOT = Path(__file__).resolve().parent.parent.parent
SCRATCH = ROOT / "out/bench"


def main():
    options = parse()
    if options.list:
        for row in ROWS:
            print(f"{row.name:<26} {'(long) ' if row.is_long else ''}{row.peer}")
        return 0
    if options.page:
        page.write(json.loads(Path(options.page).read_text(encoding="utf-8")), options.out or Path(options.page).parent)
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    about = {"size": options.size, "runs": options.runs, "machine": machine.describe(options.sluice)}
    unfinished = Unfinished((options.out or SCRATCH) / "unfinished.json", about, options.sluice)
    kept = unfinished.read() if options.go_on else {}
    # What a peer or a server is given by path must stay readable for others than root.
    os.umask(0o022)
    work = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    work.chmod(0o755)
    try:
        with Workbench(work, options.sluice, options.json_check, options.size, options.runs, say) as bench:
            before = machine.load()
            if before > 0.5:
                say(f"this machine has a load of {before:.1f} already: times will say less")
            for row in chosen(options):
                if row.name not in kept:
                    kept[row.name] = [result.as_json() for result in measured(row, bench)]
                    unfinished.write(kept)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    rows = [result for row in chosen(options) for result in kept[row.name]]
    document = {**about, "is_whole": not options.only, "load_before": before, "rows": rows}
    page.write(document, options.out or default_folder(options))
    unfinished.remove()
    print(page.text_table(document))
    return 1 if any(row["failed"] for row in rows) else 0


def parse():
    parser = argparse.ArgumentParser(prog="Scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", dest="size", action="store_const", const="quick", default="full",
                        help="small sizes and two runs: about five minutes on two cores")  # fmt: skip
    parser.add_argument("--size", choices=["tiny", "quick", "full"], help="tiny is for tests of the bench itself")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this row alone; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the rows' names and peers")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds of each comparison; the best of each side counts")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="where page, JSON and charts go: docs for a whole run, else out/bench")  # fmt: skip
    parser.add_argument("--continue", dest="go_on", action="store_true",
                        help="take over what a run that was stopped has measured, on this machine and with this program")
    parser.add_argument("--page", metavar="JSON", help="only write the page again, from an earlier run's JSON")
    parser.add_argument("--sluice", default=os.environ.get("SLUICE_BIN"), help=argparse.SUPPRESS)
    parser.add_argument("--json-check", default=os.environ.get("JSON_CHECK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.only) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no row is called {', '.join(sorted(unknown))}; --list names them")
    if options.runs is not None and options.runs < 1:
        parser.error("--runs needs a number from 1 on")
    if not options.sluice and not options.list and not options.page:
        parser.error("SLUICE_BIN names no program")
    options.runs = options.runs or ROUNDS[options.size]
    return options


def chosen(options):
    if options.only:
        return [row for row in ROWS if row.name in options.only]
    return [row for row in ROWS if options.size == "full" or not row.is_long]


def default_folder(options):
    """A partial or small run never takes the place of the figures that are published."""
    return ROOT / "docs" if options.size == "full" and not options.only else SCRATCH


def measured(row, bench):
    """The results of a row; what goes wrong in one doesn't take the others' figures away."""
    reason = row.why_not(bench)
    if reason:
        say(f"{row.name}: left out, {reason}")
        return [Result(name=row.name, work=row.name, peer=row.peer, skipped=reason)]
    say(row.name)
    try:
        found = row.measure(bench)
    except (Unequal, Broken, RuntimeError, OSError, LookupError, ValueError) as error:
        if not isinstance(error, (Unequal, Broken, RuntimeError)):
            traceback.print_exc()
        # A message may name the folder of this run, which is nobody's business later.
        words = str(error).replace(str(bench.work), "…")
        say(f"{row.name}: FAILED, {words}")
        return [Result(name=row.name, work=row.name, peer=row.peer, failed=words)]
    finally:
        bench.clear()
    found = found if isinstance(found, list) else [found]
    for result in found:
        say(f"{result.name}: theirs {result.theirs}, ours {result.ours}, {result.ratio}")
    return found


def say(words):
    print(f"== {words}", file=sys.stderr, flush=True)


sys.exit(main())
