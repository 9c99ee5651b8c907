"""The brakes: a run that goes wrong is stopped in front of the commit that would do it, in every sink, until somebody
has looked and accepts it. What a batch that was refused has changed is nothing."""

import pytest
from support.archives import archive, line
from support.archives import endpoint as archived
from support.scripted_server import endpoints, error
from support.sluice import APPLICATION
from support.stores import moment, next_ordinal, places, rows, same_rows, sinks

USERS = [f"user-{number:05d}" for number in range(1200)]
BATCH = 200
#: A share is judged once there are 1,000 records: this is what stands before the batch with which there are.
BEFORE = 800
DAY = ("--logical-date", "2026-01-02")
EVE = ("--logical-date", "2026-01-01")
NO_LIMITS = {"max_failed": "100%", "max_absent": "100%", "max_removed": "100%"}
ABSENT = error(404, "NotFoundException", "User not found")
FAILING = error(400, "BadRequestException", "Something about this user")

#: Every sink, and every mode that commits batch by batch.
KINDS = "sqlite merge + postgres append + ndjson append"
MERGES = "sqlite merge + postgres merge"


def nobody(request):
    """The list of another application: this one knows none of its users."""
    return ABSENT


def one_in_fifty(request):
    return FAILING if int(request.user[-5:]) % 50 == 7 else endpoints(request.user)


def fewer(request):
    """Of five users three have lost one endpoint of two."""
    return endpoints(request.user, count=1 if int(request.user[-5:]) % 5 < 3 else 2)


def plenty(request):
    return endpoints(request.user, count=2)


#: (kinds, what the service said the day before, what it says now, the limit's name, the word that accepts it, exit)
CASES = {
    "nobody is there": (KINDS, None, nobody, "max_absent", "absent", 0),
    "2 % fail": (KINDS, None, one_in_fifty, "max_failed", "failed", 65),
    "30 % are removed": (MERGES, plenty, fewer, "max_removed", "removed", 0),
}


class Trial:
    """A pipeline over a list and some places; `reference` is the same one over places of its own, without limits."""

    def __init__(self, sluice, folder, postgres, server, kinds, **settings):
        self.sluice, self.folder, self.server = sluice, folder, server
        self.settings = {"batch_size": BATCH, "retry": {"max_attempts": 1}, "concurrency": 64, **settings}
        self.stores, self.others = (places(kinds, folder / name, postgres) for name in ("held", "others"))
        self.list = folder / "users.txt"

    def pipeline(self, reference=False, **settings):
        stores = self.others if reference else self.stores
        if reference:
            settings["limits"] = {**NO_LIMITS, "accept_failed": 100_000}
        return self.sluice.pipeline(
            "reference" if reference else "braked", self.server.url, self.list, sinks=sinks(stores),
            **{**self.settings, **settings},
        )  # fmt: skip

    def write(self, users):
        self.list.write_text("".join(f"{user}\n" for user in users))

    def now(self):
        return [moment(place) for place in self.stores]

    def same_rows(self):
        for place, other in zip(self.stores, self.others, strict=True):
            same_rows(place, other)


@pytest.mark.parametrize("case", CASES)
def test_stopped_in_front_of_the_commit(sluice, scripted, postgres, tmp_path, case):
    kinds, earlier, answer, limit, word, code = CASES[case]
    trial = Trial(sluice, tmp_path, postgres, scripted(earlier), kinds)
    trial.write(USERS)
    if earlier:
        for reference in (False, True):
            sluice.run(trial.pipeline(reference), *EVE).expect(0)
    trial.server.answer = answer

    # What may stand there when it was stopped is what a run over the beginning of the list leaves.
    trial.write(USERS[:BEFORE])
    sluice.run(trial.pipeline(True), *DAY).expect(0)
    trial.write(USERS)
    result = sluice.run(trial.pipeline(), *DAY).expect(76)
    assert limit in result.message and "--accept" in result.message and word in result.message, result.err
    assert "1000" in result.message.replace(",", "").replace("1_000", "1000") or limit == "max_removed", result.err
    assert [next_ordinal(place) for place in trial.stores] == [BEFORE] * len(trial.stores)
    for place, other in zip(trial.stores, trial.others, strict=True):
        if place.sink["type"] != "ndjson":
            same_rows(place, other)
    held = trial.now()

    # It holds until somebody decides, and another brake's word is no decision.
    others = ",".join(sorted({"failed", "absent", "removed", "empty"} - {word}))
    for arguments in ([], ["--accept", others]):
        sluice.run(trial.pipeline(), *DAY, *arguments).expect(76)
        assert trial.now() == held, "the refused batch has changed something"

    accepted = sluice.run(trial.pipeline(), *DAY, "--accept", word).expect(code)
    assert accepted.summary["resumed_from"] == BEFORE and accepted.summary["records"] == len(USERS)
    sluice.run(trial.pipeline(True), *DAY, "--fresh").expect(0)
    trial.same_rows()

    # One run may pass, not the next one.
    trial.server.answer = plenty if earlier else answer
    sluice.run(trial.pipeline(), "--logical-date", "2026-01-03").expect(0 if earlier else 76)


@pytest.mark.parametrize("kinds", ["sqlite merge + ndjson append", "sqlite replace"])
def test_the_archive_of_another_application(sluice, postgres, tmp_path, kinds):
    stores = places(kinds, tmp_path, postgres)
    other = "f" * 32
    (tmp_path / "export.json").write_bytes(b"".join(line(archived(n, ApplicationId=other)) for n in range(1200)))
    pipeline = archive(sluice, "braked", tmp_path / "export.json", batch_size=BATCH, sinks=sinks(stores))
    result = sluice.run(pipeline, *DAY).expect(76)
    assert "max_failed" in result.message, result.err
    assert other not in result.message or APPLICATION in result.err
    assert [next_ordinal(place) for place in stores] == [BEFORE] * len(stores)
    held = [moment(place) for place in stores]
    sluice.run(pipeline, *DAY).expect(76)
    assert [moment(place) for place in stores] == held
    accepted = sluice.run(pipeline, *DAY, "--accept", "failed").expect(65)
    assert (accepted.summary["failed"], accepted.summary["found"]) == (1200, 0)


# From where on a share is judged -------------------------------------------------------------------------------------

BOUNDARIES = [
    # records, failed, absent, limits, code
    (999, 0, 999, {}, 0),
    (1000, 0, 950, {}, 0),
    (1000, 0, 951, {}, 76),
    (999, 500, 0, {}, 65),
    (1000, 19, 0, {}, 65),
    (1000, 20, 0, {}, 76),
    (1000, 20, 0, {"max_failed": "2%"}, 65),
    (1000, 21, 0, {"max_failed": "2%"}, 76),
    (2000, 20, 0, {}, 65),
    (2000, 21, 0, {}, 76),
    (1000, 19, 0, {"max_failed": "0%"}, 65),
    (1000, 0, 19, {"max_absent": "1%"}, 0),
    (1000, 0, 20, {"max_absent": "1%"}, 76),
    # A number is a number, from the first record on.
    (10, 2, 0, {"max_failed": 2}, 65),
    (10, 3, 0, {"max_failed": 2}, 76),
    (10, 1, 0, {"max_failed": 0}, 76),
    (10, 0, 1, {"max_absent": 0}, 76),
    (10, 0, 4, {"max_absent": 4}, 0),
    # What is accepted isn't what stops a run.
    (10, 3, 0, {"accept_failed": 3}, 0),
    (10, 4, 0, {"accept_failed": 3}, 65),
    (1000, 30, 0, {"accept_failed": "3%", "max_failed": "100%"}, 0),
    (1000, 31, 0, {"accept_failed": "3%", "max_failed": "100%"}, 65),
    (10, 4, 0, {"accept_failed": 10, "max_failed": 3}, 76),
    (10, 0, 0, {"min_records": 10}, 0),
    (10, 0, 0, {"min_records": 11}, 76),
    (10, 10, 0, {"min_records": 10}, 65),
]  # fmt: skip


@pytest.mark.limit(60)
@pytest.mark.parametrize("records, failed, absent, limits, code", BOUNDARIES)
def test_from_where_on_it_is_judged(sluice, scripted, postgres, tmp_path, records, failed, absent, limits, code):
    """All of it in one batch, so that what is judged is the whole."""

    def answer(request):
        number = int(request.user[-5:])
        return FAILING if number < failed else ABSENT if number < failed + absent else endpoints(request.user)

    trial = Trial(sluice, tmp_path, postgres, scripted(answer), "sqlite merge", batch_size=10_000, limits=limits)
    trial.write(f"user-{number:05d}" for number in range(records))
    result = sluice.run(trial.pipeline(), *DAY).expect(code)
    if code == 76:
        assert moment(trial.stores[0])["users"] == [] and next_ordinal(trial.stores[0]) == 0
    else:
        assert (result.summary["failed"], result.summary["absent"]) == (failed, absent)


@pytest.mark.parametrize(
    "before, gone, code", [(100, 19, 0), (100, 20, 0), (99, 20, 76), (5000, 1000, 0), (60, 20, 76)]
)
def test_the_share_of_what_is_removed(sluice, scripted, postgres, tmp_path, before, gone, code):
    """Of the endpoints that the fetched users had before, which has nothing to do with how many they are or bring."""
    count = {}
    server = scripted(lambda request: endpoints(request.user, count=count.get(request.user, 0)))
    trial = Trial(sluice, tmp_path, postgres, server, "sqlite merge", batch_size=10_000)
    users = [f"user-{number:05d}" for number in range(1000)]
    trial.write(users)
    # All endpoints belong to the first users, ten each.
    for number in range(before):
        user = users[number // 10]
        count[user] = count.get(user, 0) + 1
    sluice.run(trial.pipeline(), *EVE).expect(0)
    for number in range(gone):
        count[users[number // 10]] -= 1
    # What is new is no part of either figure.
    count[users[999]] = 7
    result = sluice.run(trial.pipeline(), *DAY).expect(code)
    if code == 0:
        assert result.summary["removed"] == gone


@pytest.mark.parametrize("kinds", ["sqlite replace + postgres replace + ndjson replace"])
def test_a_replace_by_a_list_that_was_cut_off(sluice, scripted, postgres, tmp_path, kinds):
    """Judged by what is published, however few records the new list has."""
    trial = Trial(sluice, tmp_path, postgres, scripted(lambda request: endpoints(request.user)), kinds)
    trial.write(USERS[:60])
    sluice.run(trial.pipeline(), *EVE).expect(0)
    before = [place.published() for place in trial.stores]
    trial.write(USERS[:1])
    result = sluice.run(trial.pipeline(), *DAY).expect(76)
    assert "max_removed" in result.message and "59 of 60" in result.message
    assert [place.published() for place in trial.stores] == before
    sluice.run(trial.pipeline(), *DAY, "--accept", "removed").expect(0)
    assert [place.published() for place in trial.stores] != before


def test_what_was_read_ahead_is_not_judged(sluice, scripted, postgres, tmp_path):
    """Judged is what is committed and the batch at hand: the good beginning is committed, whatever follows."""

    def answer(request):
        return endpoints(request.user) if int(request.user[-5:]) < 1000 else ABSENT

    trial = Trial(
        sluice, tmp_path, postgres, scripted(answer), "sqlite merge", limits={"max_absent": "10%"}, concurrency=256
    )
    trial.write(f"user-{number:05d}" for number in range(2000))
    sluice.run(trial.pipeline(), *DAY).expect(76)
    # 200 of 1,200 are more than 10 %.
    assert next_ordinal(trial.stores[0]) == 1000


# Too little ----------------------------------------------------------------------------------------------------------

REPLACES = "sqlite replace + postgres replace + ndjson replace"


@pytest.mark.parametrize("kinds, length", [(REPLACES, 0), (KINDS, 50), ("sqlite replace + ndjson replace", 50)])
def test_a_list_that_is_too_short(sluice, scripted, postgres, tmp_path, kinds, length):
    """The batch that would end the input isn't committed; when the list has grown, the run goes on."""
    trial = Trial(
        sluice, tmp_path, postgres, scripted(lambda request: endpoints(request.user)), kinds, batch_size=20,
        limits={"min_records": 100, "max_removed": "100%"},
    )  # fmt: skip
    people = [f"user-{number:05d}" for number in range(150)]
    trial.write(people)
    sluice.run(trial.pipeline(), *EVE).expect(0)
    before = [place.published() for place in trial.stores]
    trial.write(people[:length])
    result = sluice.run(trial.pipeline(), *DAY).expect(76)
    assert "min_records" in result.message and "empty" in result.message and str(length) in result.message, result.err
    held = trial.now()
    for place, old in zip(trial.stores, before, strict=True):
        if place.mode == "replace":
            assert place.published() == old, "readers keep what they had"
        if place.sink["type"] != "ndjson" or length:
            assert next_ordinal(place) == length // 20 * 20
    sluice.run(trial.pipeline(), *DAY).expect(76)
    assert trial.now() == held

    trial.write(people[: max(length, 10)] + [f"new-{number:03d}" for number in range(90)])
    summary = sluice.run(trial.pipeline(), *DAY).expect(0).summary
    assert summary["records"] == max(length, 10) + 90
    assert summary["resumed_from"] in ([length // 20 * 20] if length else [None, 0])
    # And it is a run like one that has never been stopped.
    sluice.run(trial.pipeline(True), *DAY).expect(0)
    for place, other in zip(trial.stores, trial.others, strict=True):
        if place.mode == "replace":
            same_rows(place, other)


@pytest.mark.parametrize("kinds", [REPLACES, KINDS])
def test_nothing_is_accepted(sluice, scripted, postgres, tmp_path, kinds):
    trial = Trial(
        sluice, tmp_path, postgres, scripted(lambda request: endpoints(request.user)), kinds,
        limits={"max_removed": "100%"},
    )  # fmt: skip
    trial.write(USERS[:30])
    sluice.run(trial.pipeline(), *EVE).expect(0)
    trial.write([])
    sluice.run(trial.pipeline(), *DAY).expect(76)
    summary = sluice.run(trial.pipeline(), *DAY, "--accept", "empty").expect(0).summary
    assert (summary["records"], summary["state"]) == (0, "complete")
    for place in trial.stores:
        if place.mode == "replace":
            assert not any(rows(place).values()), "exactly this run"


# What somebody says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["everything", "failed,", "", "failed absent", "FAILED", "failed,rubbish"])
def test_no_such_brake(sluice, scripted, postgres, tmp_path, words):
    trial = Trial(sluice, tmp_path, postgres, scripted(lambda request: endpoints(request.user)), "sqlite merge")
    trial.write(USERS[:3])
    result = sluice.run(trial.pipeline(), *DAY, f"--accept={words}")
    assert result.code == 64, (result.code, result.err)
    assert not trial.stores[0].database.exists() and not trial.server.asked


def test_several_at_once(sluice, scripted, postgres, tmp_path):
    """Each is accepted by its own word, in one list or in several."""

    def answer(request):
        return [FAILING, ABSENT, endpoints(request.user)][int(request.user[-5:]) % 3]

    trial = Trial(
        sluice, tmp_path, postgres, scripted(answer), "sqlite merge",
        limits={"max_failed": 5, "max_absent": 5, "min_records": 100},
    )  # fmt: skip
    trial.write(USERS[:60])
    for words in (["failed"], ["absent"], ["failed,empty"], ["empty", "absent"]):
        result = sluice.run(trial.pipeline(), *DAY, *(part for word in words for part in ("--accept", word)))
        result.expect(76)
        assert moment(trial.stores[0])["users"] == []
    sluice.run(trial.pipeline(), *DAY, "--accept", "failed,absent", "--accept", "empty").expect(65)


def test_the_wrong_list_is_put_right(sluice, scripted, postgres, tmp_path):
    """What the wrong one has brought in is gone, as far as a run's rows are its own."""
    right = [f"right-{number:05d}" for number in range(60)]

    def answer(request):
        return endpoints(request.user) if request.user in right else ABSENT

    trial = Trial(sluice, tmp_path, postgres, scripted(answer), "sqlite append + postgres append + ndjson append")
    trial.write(USERS)
    sluice.run(trial.pipeline(), *DAY).expect(76)
    trial.write(right)
    assert "--fresh" in sluice.run(trial.pipeline(), *DAY).expect(66).message
    sluice.run(trial.pipeline(), *DAY, "--fresh").expect(0)
    sluice.run(trial.pipeline(True), *DAY).expect(0)
    trial.same_rows()
