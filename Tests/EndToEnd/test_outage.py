"""An outage is not a failure of users: the run waits, goes on, and loses nobody."""

import shutil
import signal
import subprocess
import time

import pytest
from support.content import Store, same_content
from support.scripted_server import endpoints, error
from support.sluice import LOGICAL_DATE


def write_pipeline(sluice, name, server, **settings):
    settings.setdefault("rate_limit", {"requests_per_second": 1000, "burst": 50})
    return sluice.pipeline(name, server.url, server.ids, batch_size=100, **settings)


def wait_for_commit(process, pipeline, ordinal=1):
    """Waits until the run has committed something, so that what follows happens in mid-run."""
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"the run ended too early:\n{process.poll().err}"
        assert time.monotonic() < deadline, "nothing was committed"
        if pipeline.database.exists():
            try:
                if Store(pipeline.database).next_ordinal >= ordinal:
                    return
            except Exception:  # the tables aren't there yet
                pass
        time.sleep(0.02)


def server_away(sluice, synthetic, how, seconds):
    server = synthetic(users=4000)
    whole = write_pipeline(sluice, "whole", server)
    undisturbed = sluice.run(whole, "--logical-date", LOGICAL_DATE).expect(0)

    pipeline = write_pipeline(sluice, "away", server)
    process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
    wait_for_commit(process, pipeline)
    if how == "killed":
        server.stop()
        time.sleep(seconds)
        server.start()
    else:
        server.process.send(signal.SIGSTOP)
        time.sleep(seconds)
        server.process.send(signal.SIGCONT)
    result = process.wait(seconds + 90).expect(0)
    assert (result.summary["records"], result.summary["failed"]) == (4000, 0)
    assert result.summary["resumed_from"] is None, "it waits; it doesn't start again"
    same_content(Store(pipeline.database), Store(whole.database))
    cost = result.elapsed - undisturbed.elapsed
    print(f"the server was away for {seconds} s ({how}), which cost {cost:.1f} s")
    # A probe a second, and for a server that hangs the attempts that were under way (10 s each, then a retry).
    assert cost <= seconds + (5 if how == "killed" else 25)


@pytest.mark.limit(90)
def test_a_server_that_goes_away(sluice, synthetic):
    server_away(sluice, synthetic, "killed", 8)


@pytest.mark.soak
@pytest.mark.limit(240)
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_server_away_for_a_minute(sluice, synthetic, how):
    server_away(sluice, synthetic, how, 60)


@pytest.mark.limit(90)
def test_a_server_that_answers_503(sluice, scripted, tmp_path):
    """Nothing but 503 for 8 s opens the circuit: a probe a second, and then the run goes on."""
    away = [None]

    def answer(request):
        if away[0] is not None and time.monotonic() < away[0]:
            return error(503, "ServiceUnavailableException", "Service Unavailable")
        return endpoints(request.user)

    server = scripted(answer)
    server.ids = tmp_path / "users.txt"
    server.ids.write_text("".join(f"user-{number:05d}\n" for number in range(3000)))
    pipeline = write_pipeline(sluice, "away", server)
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    began = time.monotonic()
    away[0] = began + 8
    result = process.wait(60).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (3000, 0)
    # Once the circuit is open: a probe a second, not a storm.
    probes = sum(1 for instant, _ in server.log if began + 4 < instant < began + 8)
    assert 2 <= probes <= 12, f"{probes} requests in 4 s of an open circuit"


@pytest.mark.limit(90)
def test_an_outage_that_lasts(sluice, synthetic):
    """Beyond `retry.outage` the run stops, resumable; nobody has failed."""
    server = synthetic(users=4000)
    pipeline = write_pipeline(sluice, "away", server, retry={"outage": "3s"})
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    server.stop()
    result = process.wait(40).expect(69)
    assert result.message
    store = Store(pipeline.database)
    assert store.count("failures") == 0 and 0 < store.next_ordinal < 4000
    assert store.run_states == ["running"]
    committed = store.next_ordinal
    server.start()
    result = sluice.run(pipeline).expect(0)
    assert result.summary["resumed_from"] == committed
    assert (result.summary["records"], result.summary["failed"]) == (4000, 0)


def throttled_for_ever(users):
    def answer(request):
        if request.user in users:
            return error(429, "TooManyRequestsException", "Rate exceeded")
        return endpoints(request.user)

    return answer


RETRY = {"outage": "5s", "deadline": "5s"}


@pytest.mark.limit(90)
def test_everybody_is_throttled_for_ever(sluice, scripted, tmp_path):
    """Nobody gets through: that is an outage, however it's answered, and no user's fault."""
    users = write_users(tmp_path, 20)
    server = scripted(throttled_for_ever(set(users.read_text().split())))
    pipeline = sluice.pipeline("throttled", server.url, users, concurrency=20, retry=RETRY)
    result = sluice.run(pipeline, timeout=60).expect(69)
    assert result.elapsed < 45, f"{result.elapsed:.1f} s"
    assert Store(pipeline.database).count("failures") == 0


@pytest.mark.limit(90)
def test_one_among_many_is_throttled_for_ever(sluice, scripted, tmp_path):
    """While others are answered, one who never is fails by itself, and doesn't hold the run."""
    users = write_users(tmp_path, 60)
    server = scripted(throttled_for_ever({"user-00030"}))
    pipeline = sluice.pipeline("throttled", server.url, users, concurrency=20, retry=RETRY)
    result = sluice.run(pipeline, timeout=60).expect(65)
    assert result.elapsed < 45, f"{result.elapsed:.1f} s"
    assert (result.summary["found"], result.summary["failed"]) == (59, 1)
    assert Store(pipeline.database).query("SELECT user_id, code FROM failures") == [("user-00030", "Throttled")]


def write_users(tmp_path, count):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"user-{number:05d}\n" for number in range(count)))
    return path


def check_whole(result, pipeline, users):
    """Nobody failed, and everybody is there, in one process that went on by itself."""
    result.expect(0)
    summary = result.summary
    assert (summary["records"], summary["found"], summary["absent"], summary["failed"]) == (users, users, 0, 0)
    assert summary["resumed_from"] is None
    store = Store(pipeline.database)
    assert (store.count("users"), store.count("endpoints"), store.count("failures")) == (users, users, 0)
    assert store.run_states == ["complete"]


class Names:
    """A machine of the program's own, as far as names go: its hosts file is ours, and its name server answers nothing.

    The resolver then says that it failed for now (EAI_AGAIN), not that the name doesn't exist.
    """

    HOST = "pinpoint.sluice-test.example"

    def __init__(self, folder):
        self.hosts = folder / "hosts"
        (folder / "resolv.conf").write_text("nameserver 127.77.77.77\noptions timeout:1 attempts:1\n")
        self.know()
        script = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'
        self.prefix = ["unshare", "--mount", "sh", "-c", script, str(folder)]

    def know(self):
        # Written in place, because the mount is of this very file.
        self.hosts.write_text(f"127.0.0.1 localhost {self.HOST}\n")

    def forget(self):
        self.hosts.write_text("127.0.0.1 localhost\n")


@pytest.fixture
def names(tmp_path):
    names = Names(tmp_path)
    if not shutil.which("unshare") or subprocess.run([*names.prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("a hosts file of one's own needs root and unshare")
    names.forget()
    asked = subprocess.run([*names.prefix, "getent", "ahosts", names.HOST], capture_output=True, timeout=30)
    assert asked.returncode != 0, "the name must not be known from elsewhere"
    names.know()
    return names


def resolver_away(sluice, scripted, names, tmp_path, seconds):
    """Every answer closes its connection, so that each attempt looks the name up."""

    def answer(request):
        found = endpoints(request.user)
        found.headers["Connection"] = "close"
        return found

    server = scripted(answer)
    users = write_users(tmp_path, 4000)
    limit = {"requests_per_second": 400, "burst": 20, "adaptive": False}
    url = f"http://{names.HOST}:{server.port}"
    pipeline = sluice.pipeline("names", url, users, batch_size=100, rate_limit=limit)
    process = sluice.start_run(pipeline, prefix=names.prefix)
    wait_for_commit(process, pipeline)
    names.forget()
    began = time.monotonic()
    time.sleep(seconds)
    names.know()
    result = process.wait(seconds + 90)
    check_whole(result, pipeline, 4000)
    asked = sum(1 for instant, _ in server.log if began + 2 < instant < began + seconds - 0.5)
    assert asked == 0, f"{asked} requests came through while the name couldn't be resolved"


@pytest.mark.limit(120)
def test_a_resolver_that_fails_for_a_while(sluice, scripted, names, tmp_path):
    resolver_away(sluice, scripted, names, tmp_path, 8)


@pytest.mark.soak
@pytest.mark.limit(240)
def test_a_resolver_that_fails_for_a_minute(sluice, scripted, names, tmp_path):
    resolver_away(sluice, scripted, names, tmp_path, 60)


@pytest.mark.limit(90)
def test_a_resolver_that_fails_at_the_start(sluice, scripted, names, tmp_path):
    """A machine that has just booted: the first attempts can't resolve the name, and that ends nothing."""
    server = scripted(lambda request: endpoints(request.user))
    names.forget()
    pipeline = sluice.pipeline("early", f"http://{names.HOST}:{server.port}", write_users(tmp_path, 300))
    process = sluice.start_run(pipeline, prefix=names.prefix)
    time.sleep(5)
    assert process.poll() is None, f"it gave up at once:\n{process.poll().err}"
    assert not server.log
    names.know()
    check_whole(process.wait(60), pipeline, 300)


def hanging(request):
    """The head and most of the body, and then nothing: the connection stays open."""
    found = endpoints(request.user)
    found.headers["Content-Length"] = str(len(found.body) + 10)
    return found


@pytest.mark.limit(120)
def test_connections_that_hang_in_the_body(sluice, scripted, tmp_path):
    """One user in forty, at the first attempt: the others don't wait, and the attempt is repeated."""
    server = scripted(
        lambda request: hanging(request)
        if request.attempt == 1 and int(request.user[5:]) % 40 == 7
        else endpoints(request.user)
    )
    users = write_users(tmp_path, 2000)
    pipeline = sluice.pipeline("hanging", server.url, users, batch_size=100, timeout={"request": "2s"})
    check_whole(sluice.run(pipeline), pipeline, 2000)
    repeated = {user for user, count in server.asked.items() if count > 1}
    assert {user for user in server.asked if int(user[5:]) % 40 == 7} <= repeated


def all_hang(sluice, scripted, tmp_path, seconds):
    until = [None]
    server = scripted(
        lambda request: hanging(request) if until[0] and time.monotonic() < until[0] else endpoints(request.user)
    )
    limit = {"requests_per_second": 400, "burst": 20, "adaptive": False}
    users = write_users(tmp_path, 4000)
    pipeline = sluice.pipeline(
        "hanging", server.url, users, batch_size=100, rate_limit=limit, timeout={"request": "1s"}
    )
    process = sluice.start_run(pipeline)
    wait_for_commit(process, pipeline)
    began = time.monotonic()
    until[0] = began + seconds
    check_whole(process.wait(seconds + 90), pipeline, 4000)
    # After the attempts under way and their retries the circuit is open: a probe a second.
    probes = sum(1 for instant, _ in server.log if began + 4 < instant < began + seconds)
    assert 1 <= probes <= seconds + 8, f"{probes} requests in {seconds - 4} s in which every answer hangs"


@pytest.mark.limit(120)
def test_all_connections_hang_in_the_body(sluice, scripted, tmp_path):
    all_hang(sluice, scripted, tmp_path, 8)


@pytest.mark.soak
@pytest.mark.limit(240)
def test_all_connections_hang_for_a_minute(sluice, scripted, tmp_path):
    all_hang(sluice, scripted, tmp_path, 60)
