"""`merge` holds the newest state of each user: what shrinks, vanishes or moves between two runs, and what stays."""

import pytest
from support.content import Store
from support.scripted_server import Answer, endpoints, error

CHILDREN = ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes")


class Population:
    """Who has which endpoints: {user: [endpoint IDs]}, None for a user nobody knows, an `Answer` for anything else."""

    def __init__(self, **users):
        self.users = users

    def answer(self, request):
        what = self.users[request.user]
        if isinstance(what, Answer):
            return what
        return of_ids(request.user, what) if what is not None else error(404, "NotFoundException", "User not found")


def of_ids(user, ids):
    plain = endpoints(user, count=len(ids)).body.decode()
    for number, identity in enumerate(ids):
        plain = plain.replace(f'"{user}/{number}"', f'"{identity}"')
    return Answer(body=plain.encode())


FAILS = error(400, "BadRequestException", "Something about this user")


@pytest.fixture
def merge(sluice, scripted, tmp_path):
    """Runs the pipeline over a population's users, in order; returns the store and the summary."""
    server = scripted(None)
    path = tmp_path / "users.txt"
    days = iter(range(1, 28))

    def run(population, code=0, batch_size=500):
        server.answer = population.answer
        path.write_text("".join(f"{user}\n" for user in population.users))
        pipeline = sluice.pipeline(
            "merge", server.url, path, batch_size=batch_size, retry={"max_attempts": 1}, limits={"max_removed": "100%"}
        )
        result = sluice.run(pipeline, "--logical-date", f"2026-01-{next(days):02d}").expect(code)
        store = Store(pipeline.database)
        check_parts(store)
        return store, result.summary

    return run


def check_parts(store):
    """Each endpoint has the parts that it was served with, under its user, and no part is without its endpoint."""
    for table, each in zip(CHILDREN, (2, 1, 1), strict=True):
        assert store.count(table) == each * store.count("endpoints"), table
        orphans = f"SELECT count(*) FROM {table} WHERE endpoint_id NOT IN (SELECT endpoint_id FROM endpoints)"
        assert store.value(orphans) == 0, table
    strangers = (
        "SELECT count(*) FROM endpoint_user_attributes u JOIN endpoints e USING (application_id, endpoint_id) "
        "WHERE u.user_id != e.user_id"
    )
    assert store.value(strangers) == 0


def owners(store):
    return dict(store.query("SELECT endpoint_id, user_id FROM endpoints"))


def test_what_shrinks_vanishes_and_fails(merge):
    merge(Population(anna=["a1", "a2", "a3"], bert=["b1", "b2"], carla=["c1"], dora=["d1"]))
    store, summary = merge(Population(anna=["a2"], bert=None, carla=FAILS, dora=[]), code=65)
    assert owners(store) == {"a2": "anna", "c1": "carla"}
    assert store.query("SELECT user_id, status, endpoint_count, run_id FROM users ORDER BY 1") == [
        ("anna", "found", 1, "under-test-20260102T000000Z"),
        ("bert", "absent", 0, "under-test-20260102T000000Z"),
        # A failed fetch says nothing: the row is the earlier run's.
        ("carla", "found", 1, "under-test-20260101T000000Z"),
        ("dora", "found", 0, "under-test-20260102T000000Z"),
    ]
    assert summary["removed"] == 5
    # Who isn't asked for stays as well.
    store, summary = merge(Population(emil=["e1"]))
    assert owners(store) == {"a2": "anna", "c1": "carla", "e1": "emil"} and summary["removed"] == 0


@pytest.mark.parametrize("batch_size", [500, 1], ids=["in one batch", "a batch for each"])
@pytest.mark.parametrize("order", ["old owner first", "new owner first"])
def test_an_endpoint_that_moves(merge, batch_size, order):
    merge(Population(anna=["phone", "mail"], bert=["push"]))
    now = {"anna": ["mail"], "bert": ["push", "phone"]}
    if order == "new owner first":
        now = dict(reversed(now.items()))
    store, summary = merge(Population(**now), batch_size=batch_size)
    assert owners(store) == {"phone": "bert", "mail": "anna", "push": "bert"}
    counts = dict(store.query("SELECT user_id, endpoint_count FROM users"))
    assert counts == {"anna": 1, "bert": 2}
    if batch_size == 500 or order == "new owner first":
        assert summary["removed"] == 0, "it moved"
    else:
        # The batch in which it leaves doesn't know yet where it goes.
        assert summary["removed"] == 1
    assert summary["superseded"] == 0


def test_an_endpoint_that_moves_away_from_a_user_who_fails(merge):
    """What a failed user had stays, except for what is somebody else's now."""
    merge(Population(anna=["phone", "mail"], bert=["push"]))
    store, summary = merge(Population(anna=FAILS, bert=["push", "phone"]), code=65)
    assert owners(store) == {"phone": "bert", "mail": "anna", "push": "bert"}
    assert summary["removed"] == 0


def test_an_endpoint_that_two_users_have(merge):
    """The later answer has it, within a batch and across batches; the other one gave way."""
    for batch_size in (500, 1):
        store, summary = merge(Population(anna=["shared", "own"], bert=["shared"]), batch_size=batch_size)
        assert owners(store) == {"shared": "bert", "own": "anna"}
        assert (summary["superseded"], summary["removed"], summary["endpoints"]) == (1, 0, 3)


def test_a_user_who_stands_in_the_input_twice(merge, sluice, scripted, tmp_path):
    """Fetched twice, the later answer counts."""
    path = tmp_path / "twice.txt"
    path.write_text("anna\nbert\nanna\n")
    for batch_size in (500, 1):
        server = scripted(None)
        pipeline = sluice.pipeline(
            f"twice-{batch_size}", server.url, path, batch_size=batch_size, concurrency=1, limits={"max_removed": "100%"}
        )
        server.answer = lambda request: of_ids(
            request.user, [f"{request.user}-{name}" for name in ("xy" if request.attempt == 1 else "yz")]
        )
        summary = sluice.run(pipeline, "--logical-date", "2026-01-01").expect(0).summary
        store = Store(pipeline.database)
        check_parts(store)
        assert owners(store) == {"anna-y": "anna", "anna-z": "anna", "bert-x": "bert", "bert-y": "bert"}
        assert store.query("SELECT user_id, ordinal FROM users ORDER BY 1") == [("anna", 2), ("bert", 1)]
        # What went was this run's own: it gave way, and nothing of an earlier run was removed.
        assert (summary["removed"], summary["superseded"]) == (0, 2), summary
