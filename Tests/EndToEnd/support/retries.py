"""A run in which 200 of 600 users fail, who answer later, and the same run in which they never failed."""

import json

from support.scripted_server import Answer, endpoints, error
from support.stores import moment, places, reading, same_rows, sinks

EVE, DAY, NEXT = (("--logical-date", f"2026-01-{day:02d}") for day in (1, 2, 3))
RUN = "under-test-20260102T000000Z"
COUNT = 600
#: Those who fail: single ones and whole batches.
FAILING = [number for number in range(COUNT) if number % 5 == 2 or 300 <= number < 400]
BATCH = 50

#: Endpoints that two users bring, and which of them fail at first: the earlier one, the later one, both.
SHARED = {7: 558, 21: 572, 12: 582}
#: Users who stand in the list twice: (place, again), of whom the first call fails alone, or both.
TWICE = {31: 431, 317: 367}


def names():
    users = [f"user-{number:03d}" for number in range(COUNT)]
    for first, again in TWICE.items():
        users[again] = users[first]
    return users


class Population:
    """Answers for the users by their number: found with 1 to 4 endpoints, with none, or absent."""

    def __init__(self):
        #: Numbers of the users who fail for now, and how; a user of `TWICE` fails in the first call alone.
        self.failing = set()
        self.how = error(400, "BadRequestException", "Something about this user")
        #: Endpoints that everybody has on top.
        self.more = 0
        self.once = set()

    def fail(self, numbers=FAILING):
        users = names()
        self.failing = {int(users[number][-3:]) for number in numbers} - {31}
        self.once = {31}

    def recover(self):
        self.failing, self.once = set(), set()

    def answer(self, request):
        number = int(request.user[-3:])
        if number in self.failing:
            return self.how
        if number in self.once:
            self.once.discard(number)
            return self.how
        return self.whole(request.user, number)

    def whole(self, user, number):
        if number % 11 == 5:
            return error(404, "NotFoundException", "User not found")
        answer = endpoints(user, count=number % 5 + self.more)
        for owners in SHARED.items():
            if number in owners:
                items = json.loads(answer.body)["Item"]
                items.append({**json.loads(endpoints(user).body)["Item"][0], "Id": f"shared-{owners[0]}"})
                answer = Answer(body=json.dumps({"Item": items}).encode())
        return answer


class Retrial:
    """A pipeline over some places whose run of the second day has ended with failures, and a reference without any."""

    def __init__(self, sluice, scripted, postgres, folder, kinds, **settings):
        self.sluice, self.population = sluice, Population()
        self.server = scripted(self.population.answer)
        self.list = folder / "users.txt"
        self.write(names())
        self.settings = {
            "batch_size": BATCH, "retry": {"max_attempts": 1}, "limits": {"max_removed": "100%"}, **settings
        }  # fmt: skip
        self.stores = places(kinds, folder / "held", postgres)
        self.others = places(kinds, folder / "others", postgres)
        self.pipeline = sluice.pipeline(
            "held", self.server.url, self.list, sinks=sinks(self.stores), **self.settings
        )  # fmt: skip
        self.reference = sluice.pipeline(
            "reference", self.server.url, self.list, sinks=sinks(self.others), **self.settings
        )  # fmt: skip

    def write(self, users):
        self.list.write_text("".join(f"{user}\n" for user in users))

    def begin(self, failing=FAILING, accept=0, reference=True):
        """The day before everybody had an endpoint more; then some fail."""
        self.population.more = 1
        for pipeline in [self.pipeline, *([self.reference] if reference else [])]:
            self.sluice.run(pipeline, *EVE).expect(0)
        self.population.more = 0
        if reference:
            self.sluice.run(self.reference, *DAY).expect(0)
        self.population.fail(failing)
        result = self.sluice.run(self.pipeline, *DAY).expect(0 if accept else 65)
        self.failed = result.summary["failed"]
        # And the one who fails in the first call alone.
        assert self.failed == len(failing) + 1
        self.population.recover()
        self.server.asked.clear()
        return result

    def keep(self):
        for place in self.stores:
            place.keep()

    def restore(self):
        for place in self.stores:
            place.restore()

    def start_retry(self, *arguments, **options):
        return self.sluice.start("retry", self.pipeline.file, "--output", "json", *arguments, **options)

    def retry(self, *arguments, **options):
        return self.start_retry(*arguments, **options).wait(100)

    def run(self, *arguments):
        return self.sluice.run(self.pipeline, *arguments)

    def now(self):
        return [moment(place) for place in self.stores]

    def check_mended(self):
        """Every place holds what the reference holds, and says so in its account."""
        for place, other in zip(self.stores, self.others, strict=True):
            same_rows(place, other)
            place.content()
            if place.sink["type"] == "ndjson":
                continue
            one, wanted = (reading(each).account() for each in (place, other))
            assert [row[:5] for row in one["runs"]] == [row[:5] for row in wanted["runs"]]
            for said, right in zip(one["runs"], wanted["runs"], strict=True):
                differ = {
                    name: (said[5].get(name), right[5][name])
                    for name in right[5]
                    if said[5].get(name) != right[5][name]
                }
                # What gave way, and what had been there, depend on the order in which it came.
                given = {"superseded", "removed", "rows", "previous_endpoints", "added", "changed", "unchanged"}
                assert not set(differ) - given, differ
