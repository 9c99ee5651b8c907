"""Fixtures of the end-to-end tests: the program as a whole, against servers on loopback.

The program is `$SLUICE_BIN`, built with the trait Failpoints; `Scripts/test end-to-end` does all of it. Each test has a
time limit (`@pytest.mark.limit(seconds)`, else 120 s). Tests marked `soak` are long forms that `Scripts/soak` runs.
"""

import os
import random
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from support.kills import KILLS  # noqa: E402
from support.postgres import pgbouncer, postgres, postgres_cluster  # noqa: E402, F401
from support.scripted_server import ScriptedServer  # noqa: E402
from support.sluice import Sluice, SyntheticServer  # noqa: E402

#: One test or two of each guarantee, for `Scripts/test quick`: by file and function.
SMOKE = {
    "test_kill": ["test_killed_while_it_hangs_in_a_commit"],
    "test_kill_sinks": ["test_failures_are_the_same_to_the_byte_after_kills"],
    "test_postgres_kill": ["test_killed_while_it_gives_a_run_up"],
    "test_archive": ["test_an_archive_is_what_the_api_says"],
    "test_round_trip": ["test_answers_of_the_synthetic_server"],
    "test_brakes": ["test_nothing_is_accepted", "test_a_replace_by_a_list_that_was_cut_off"],
    "test_outage": ["test_a_server_that_goes_away"],
    "test_verify": ["test_equal"],
    "test_status": ["test_a_complete_run", "test_it_only_looks"],
    "test_resume": ["test_an_unfinished_run_goes_on", "test_input_that_changed"],
    "test_ndjson_durability": ["test_the_order_of_every_commit", "test_the_order_of_publishing"],
    "test_modes": ["test_append_keeps_every_run", "test_replace_is_exactly_this_run"],
    "test_signals": ["test_a_graceful_stop", "test_two_runs_at_once"],
    "test_personal_data": ["test_no_id_and_no_secret_in_the_output"],
}
SOAKING = os.environ.get("SLUICE_SOAK") == "1"
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): the longest that the test may take")
    config.addinivalue_line("markers", "soak: a long form, run by Scripts/soak alone")
    config.addinivalue_line("markers", "smoke: one of the few that Scripts/test quick runs")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.originalname in SMOKE.get(item.path.stem, []):
            item.add_marker("smoke")
    if SOAKING:
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
    items[:] = [item for item in items if not item.get_closest_marker("soak")]


def pytest_sessionstart(session):
    path = binary()
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} isn't there; start the tests with Scripts/test, or name the program in SLUICE_BIN", 4)
    schema = subprocess.run([path, "--help"], capture_output=True, timeout=60, check=False)
    if schema.returncode != 0:
        pytest.exit(f"{path} --help ends with {schema.returncode}: {schema.stderr.decode()[:500]}", 4)


def pytest_terminal_summary(terminalreporter):
    for what, number in KILLS.items():
        terminalreporter.write_line(f"{number:5} kills {what}")
    if KILLS:
        terminalreporter.write_line(f"{sum(KILLS.values()):5} kills in all, each followed by a run that mends it")


def pytest_sessionfinish(session):
    # Of several processes each counts its own.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["kills"] = dict(KILLS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    KILLS.update(getattr(node, "workeroutput", {}).get("kills", {}))


def binary():
    return os.path.abspath(os.environ.get("SLUICE_BIN", os.path.join(REPOSITORY, ".build/release/sluice")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else 120

    def expired(signum, frame):
        raise TimeoutError(f"the test took longer than its {seconds} s")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def sluice(tmp_path):
    """Starts the program in a clean environment, and ends what a test leaves running."""
    runner = Sluice(binary(), tmp_path)
    yield runner
    runner.stop_all()


@pytest.fixture(scope="module")
def shared_sluice(tmp_path_factory):
    """The same, for what the tests of a file look at together."""
    runner = Sluice(binary(), tmp_path_factory.mktemp("shared"))
    yield runner
    runner.stop_all()


@pytest.fixture
def synthetic(sluice, tmp_path):
    """Starts `sluice serve --synthetic` on a free port: `synthetic(users=…, seed=…, faults=…)`."""
    servers = []

    def start(**options):
        server = SyntheticServer(sluice, tmp_path / f"server-{len(servers)}", **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def scripted():
    """Starts a server whose answers are a Python function: an API that isn't this project's."""
    servers = []

    def start(answer):
        server = ScriptedServer(answer)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def dice(request):
    """Random numbers from a seed that a failing test prints; SLUICE_TEST_SEED sets it."""
    seed = int(os.environ.get("SLUICE_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"SLUICE_TEST_SEED={seed}")
    return random.Random(seed)
