"""One user in a thousand whose first answer stalls for 9 s costs next to nothing."""

import pytest
from support.content import Store, same_content
from support.scripted_server import endpoints
from support.sluice import LOGICAL_DATE

RATE = 300
STALL = 9


def stalling(users):
    """Answers at once, but the first time that one of `users` is asked for."""

    def answer(request):
        result = endpoints(request.user)
        if request.user in users and request.attempt == 1:
            result.delay = STALL
        return result

    return answer


def seconds_to_ask_all(server):
    """From the first request to the first request for the last new user."""
    first = {}
    for instant, user in server.log:
        first.setdefault(user, instant)
    return max(first.values()) - min(first.values())


def compare(sluice, scripted, tmp_path, seconds, dice):
    """Runs both forms at once, each against a server of its own: neither comes near what the machine can do."""
    users = [f"user-{number:06d}" for number in range(RATE * seconds)]
    (tmp_path / "users.txt").write_text("\n".join(users) + "\n")
    # One user somewhere in each thousand, and one of the last three.
    stalled = {users[dice.randrange(start, min(start + 1000, len(users)))] for start in range(0, len(users), 1000)}
    stalled.add(users[-2])
    servers = {"steady": scripted(stalling(set())), "stalled": scripted(stalling(stalled))}
    started = {}
    for name, server in servers.items():
        pipeline = sluice.pipeline(
            name,
            server.url,
            tmp_path / "users.txt",
            concurrency=64,
            rate_limit={"requests_per_second": RATE, "burst": 30, "adaptive": True},
        )
        started[name] = (pipeline, sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE))
    results = {name: process.wait(seconds * 3 + 60).expect(0) for name, (_, process) in started.items()}
    for result in results.values():
        assert (result.summary["found"], result.summary["failed"]) == (len(users), 0)
    same_content(*(Store(pipeline.database) for pipeline, _ in started.values()))

    steady, slowed = (seconds_to_ask_all(servers[name]) for name in ("steady", "stalled"))
    print(
        f"{len(stalled)} of {len(users)} stalled: {len(users) / steady:.1f}/s without, {len(users) / slowed:.1f}/s with"
    )
    assert slowed <= steady / 0.97
    # At the very end there is nobody left to fill the window, but a stalled user isn't waited for there either.
    assert results["stalled"].elapsed <= results["steady"].elapsed / 0.97 + 3


@pytest.mark.limit(150)
def test_stalled_users_cost_less_than_three_percent(sluice, scripted, tmp_path, dice):
    compare(sluice, scripted, tmp_path, 40, dice)


@pytest.mark.soak
@pytest.mark.limit(2400)
def test_stalled_users_over_ten_minutes(sluice, scripted, tmp_path, dice):
    compare(sluice, scripted, tmp_path, 600, dice)


@pytest.mark.limit(90)
def test_a_killed_run_remembers_whom_it_parked(sluice, scripted, tmp_path):
    """A parked user is part of the checkpoint: after a crash it's asked for once more, and isn't lost."""
    users = [f"user-{number:05d}" for number in range(6000)]
    (tmp_path / "users.txt").write_text("\n".join(users) + "\n")
    stalled = {users[10], users[11], users[700]}
    server = scripted(stalling(stalled))
    settings = {"concurrency": 32, "rate_limit": {"requests_per_second": 1000, "burst": 10}, "batch_size": 100}
    pipeline = sluice.pipeline("killed", server.url, tmp_path / "users.txt", **settings)
    process = sluice.start_run(pipeline)
    while len(server.asked) < 4500:
        assert process.poll() is None, process.poll().err
    process.kill()
    assert Store(pipeline.database).value("SELECT parked FROM sluice_checkpoints") not in ("[]", None)
    result = sluice.run(pipeline).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (len(users), 0)
    store = Store(pipeline.database)
    assert [row[0] for row in store.query("SELECT user_id FROM users ORDER BY ordinal")] == users
    assert store.value("SELECT parked FROM sluice_checkpoints") == "[]"
