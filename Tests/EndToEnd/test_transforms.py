"""Filters, masks and drops: what stands in the rows, worked out in Python from the answers."""

import json

import pytest
from support.archives import archive, line
from support.content import Store
from support.ndjson import Folder
from support.scripted_server import Answer, error
from support.shapes import KEY, hashed, masked, values_at, without
from support.sluice import APPLICATION, LOGICAL_DATE

CHANNELS = ["EMAIL", "SMS", "GCM", None, "VOICE"]
USERS = [f"user-{number:03d}" for number in range(60)]


def answer_of(user):
    """Endpoints that differ in whatever filters may ask for."""
    number = int(user[-3:])
    result = []
    for place in range(number % 4):
        turn = number + place
        endpoint = {
            "Id": f"{user}/é{place}",
            "ApplicationId": APPLICATION,
            "Address": f"jäne-{turn}@example.com",
            "ChannelType": CHANNELS[turn % 5],
            "EndpointStatus": ["ACTIVE", "INACTIVE"][turn % 2],
            "EffectiveDate": f"2026-01-{turn % 28 + 1:02d}T00:00:00.000Z",
            "Attributes": {
                "Interests": ["sailing", f"reading {turn}", ""][: turn % 4],
                "e-mail.work": [f"work-{turn}@example.com", "second@example.com"],
                "a b": [f"value {turn}"],
            },
            "Demographic": {"Make": "Fairphone", "Model": None if turn % 3 else "FP5", "Locale": "de_DE"},
            "Location": {"City": "Köln", "Latitude": 50.5 + turn, "Planet": {"name": "Earth"}},
            "Metrics": {"visits": turn + 0.5, "age.of": turn},
            "Unknown": {"deep": [f"unknown {turn}"]},
            "User": {"UserId": user, "UserAttributes": {"tier": ["gold", f"tier {turn}"], "Tier": ["😀"]}},
        }
        if turn % 7 == 3:
            del endpoint["ChannelType"], endpoint["Demographic"]
        result.append(endpoint)
    return result


def answer(request):
    number = int(request.user[-3:])
    if number % 20 == 13:
        return error(404, "NotFoundException", f"User {request.user} isn't there")
    return Answer(body=json.dumps({"Item": answer_of(request.user)}).encode())


EVERYTHING = {user: answer_of(user) for user in USERS if int(user[-3:]) % 20 != 13}


def pipeline_of(sluice, scripted, tmp_path, name, transforms, sinks=None, users=USERS, **settings):
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("\n".join(users) + "\n")
    sinks = sinks or [{"type": "sqlite", "path": "out/endpoints.sqlite"}]
    pipeline = sluice.pipeline(
        name, server.url, tmp_path / "users.txt", batch_size=7, transforms=transforms, sinks=sinks, **settings
    )
    return pipeline, server


def transformed(change, keep=lambda endpoint: True):
    """The endpoints of all users after a change."""
    return {user: [change(one) for one in answers if keep(one)] for user, answers in EVERYTHING.items()}


def texts(endpoint, *path):
    """What stands at a path, elements of lists one by one, without nulls."""
    result = []
    for value in values_at(endpoint, path):
        result += value if isinstance(value, list) else [value]
    return [value for value in result if value is not None]


FILTERS = {
    "in": ({"where": {"ChannelType": ["EMAIL", "SMS"]}}, lambda e: e.get("ChannelType") in ("EMAIL", "SMS")),
    "two": (
        {"where": {"ChannelType": ["EMAIL", "GCM"], "EndpointStatus": ["ACTIVE"]}},
        lambda e: e.get("ChannelType") in ("EMAIL", "GCM") and e["EndpointStatus"] == "ACTIVE",
    ),
    "path in": ({"path": "EndpointStatus", "in": ["INACTIVE"]}, lambda e: e["EndpointStatus"] == "INACTIVE"),
    "in a list": (
        {"path": ["Attributes", "Interests"], "in": ["reading 2", "reading 10", "reading 11"]},
        lambda e: bool({"reading 2", "reading 10", "reading 11"} & set(e["Attributes"]["Interests"])),
    ),
    "dotted name": (
        {"path": ["Attributes", "e-mail.work"], "in": ["work-3@example.com"]},
        lambda e: "work-3@example.com" in e["Attributes"]["e-mail.work"],
    ),
    "any name": (
        {"path": ["User", "UserAttributes", "*"], "in": ["tier 5", "tier 6"]},
        lambda e: bool({"tier 5", "tier 6"} & set(texts(e, "User", "UserAttributes", "*"))),
    ),
    "not in": ({"path": "ChannelType", "not_in": ["EMAIL", "SMS"]}, lambda e: e.get("ChannelType") not in ("EMAIL", "SMS")),
    "null": ({"path": "ChannelType", "null": True}, lambda e: e.get("ChannelType") is None),
    "not null": ({"path": "ChannelType", "null": False}, lambda e: e.get("ChannelType") is not None),
    "null below": (
        {"path": "Demographic.Model", "null": True}, lambda e: e.get("Demographic", {}).get("Model") is None
    ),
    "absent name": ({"path": "Attributes.nobody has this", "null": False}, lambda e: False),
    "an unknown user": ({"path": "User.UserId", "in": ["user-007", "user-018"]}, lambda e: e["User"]["UserId"] in ("user-007", "user-018")),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_filter(sluice, scripted, tmp_path, name):
    options, keeps = FILTERS[name]
    pipeline, server = pipeline_of(sluice, scripted, tmp_path, "filtered", [{"type": "filter", **options}])
    result = sluice.run(pipeline).expect(0)
    store = Store(pipeline.database)
    kept = transformed(dict, keeps)
    want = sorted(one["Id"] for answers in kept.values() for one in answers)
    everything = sum(map(len, EVERYTHING.values()))
    assert name in ("absent name",) or 0 < len(want) < everything, "the filter does something, and not all"
    assert [row[0] for row in store.query("SELECT endpoint_id FROM endpoints ORDER BY 1")] == want
    for table in ("endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"):
        ids = store.query(f"SELECT DISTINCT endpoint_id FROM {table}")
        assert {row[0] for row in ids} <= set(want), f"{table} speaks of endpoints that aren't there"
    # Everybody is accounted for, also who has no endpoint left, and what was dropped is counted.
    summary = result.summary
    assert (summary["found"], summary["absent"], summary["failed"]) == (57, 3, 0)
    assert summary["endpoints"] == len(want) and summary["filtered"] == everything - len(want), summary
    assert store.count("users") == 60


MASKS = [
    ["Address"],
    [["Attributes", "e-mail.work"]],
    ["Attributes.Interests", ["User", "UserAttributes", "tier"]],
    [["Attributes", "*"], "User.UserAttributes.*"],
    ["Location.City", ["Demographic", "*"], "ChannelType"],
]


def pieces(store):
    """What stands of texts in a store, in a form that endpoints can be brought to."""
    def rows(sql):
        return sorted(tuple(row) for row in store.query(sql))

    columns = (
        "endpoint_id, user_id, address, channel_type, endpoint_status, demographic_make, demographic_model, location_city, "
        "location_latitude"
    )
    endpoints = {row[0]: row[1:] for row in store.query(f"SELECT {columns} FROM endpoints")}
    return {
        "endpoints": endpoints,
        "attributes": rows("SELECT endpoint_id, name, position, value FROM endpoint_attributes"),
        "metrics": rows("SELECT endpoint_id, name, value FROM endpoint_metrics"),
        "user attributes": rows("SELECT endpoint_id, user_id, name, position, value FROM endpoint_user_attributes"),
        "extra": {row[0]: json.loads(row[1]) for row in store.query("SELECT endpoint_id, extra FROM endpoints")},
    }


def pieces_of(users, name_of_user=lambda user: user):
    """The same of endpoints."""
    want = {"endpoints": {}, "attributes": [], "metrics": [], "user attributes": [], "extra": {}}
    for user, endpoints in users.items():
        user = name_of_user(user)
        for one in endpoints:
            at, extra = one["Id"], {}
            demographic, location = one.get("Demographic", {}), one.get("Location", {})
            cells = [user, one.get("Address"), one.get("ChannelType"), one["EndpointStatus"], demographic.get("Make")]
            want["endpoints"][at] = (*cells, demographic.get("Model"), location.get("City"), location.get("Latitude"))
            for name, values in one.get("Attributes", {}).items():
                want["attributes"] += [(at, name, place, value) for place, value in enumerate(values)]
                if not values:
                    extra.setdefault("Attributes", {})[name] = []
            want["metrics"] += [(at, name, float(value)) for name, value in one.get("Metrics", {}).items()]
            for name, values in one["User"].get("UserAttributes", {}).items():
                want["user attributes"] += [(at, user, name, place, value) for place, value in enumerate(values)]
            if "ChannelType" in one and one["ChannelType"] is None:
                extra["ChannelType"] = None
            if "Model" in demographic and demographic["Model"] is None:
                extra["Demographic"] = {"Model": None}
            if "Planet" in location:
                extra["Location"] = {"Planet": location["Planet"]}
            if "Unknown" in one:
                extra["Unknown"] = one["Unknown"]
            want["extra"][at] = extra
    return {name: sorted(part) if isinstance(part, list) else part for name, part in want.items()}


def same_pieces(store, users, name_of_user=lambda user: user):
    have, want = pieces(store), pieces_of(users, name_of_user)
    for name in want:
        assert have[name] == want[name], name


def test_the_pieces_of_what_isn_t_changed(sluice, scripted, tmp_path):
    """The oracle of these tests against a run without transforms."""
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path, "plain", [])
    result = sluice.run(pipeline).expect(0)
    assert result.summary["filtered"] == 0
    same_pieces(Store(pipeline.database), EVERYTHING)


def split(path):
    return path.split(".") if isinstance(path, str) else path


@pytest.mark.parametrize("paths", MASKS, ids=str)
def test_hmac(sluice, scripted, tmp_path, paths):
    transform = {"type": "mask", "paths": paths, "with": "hmac-sha256", "key": KEY}
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path, "hashed", [transform])
    result = sluice.run(pipeline).expect(0)

    def change(endpoint):
        for path in paths:
            endpoint = masked(endpoint, split(path), hashed)
        return endpoint

    assert transformed(change) != EVERYTHING
    same_pieces(Store(pipeline.database), transformed(change))
    assert KEY not in result.err + result.out


@pytest.mark.parametrize("paths", MASKS, ids=str)
def test_redact(sluice, scripted, tmp_path, paths):
    """One text stands in the place of all; positions and names stay."""
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path, "redacted", [{"type": "mask", "paths": paths, "with": "redact"}])
    sluice.run(pipeline).expect(0)

    def change(endpoint):
        for path in paths:
            endpoint = masked(endpoint, split(path), lambda text: "***")
        return endpoint

    same_pieces(Store(pipeline.database), transformed(change))


def test_ids_are_hashed_wherever_they_stand(sluice, scripted, tmp_path):
    """Id, UserId and ApplicationId in every table, keys and failures among them."""
    paths = ["Id", "User.UserId", "ApplicationId"]
    transform = {"type": "mask", "paths": paths, "with": "hmac-sha256", "key": KEY}
    (tmp_path / "users.txt").write_text("\n".join([*USERS, "user-bad", ".."]) + "\n")

    def with_failures(request):
        if request.user == "user-bad":
            return error(400, "BadRequestException", "The user user-bad is bad")
        return answer(request)

    server = scripted(with_failures)
    sinks = [{"type": "sqlite", "path": "out/endpoints.sqlite"}]
    pipeline = sluice.pipeline("ids", server.url, tmp_path / "users.txt", transforms=[transform], sinks=sinks)
    sluice.run(pipeline).expect(65)
    store = Store(pipeline.database)

    def change(endpoint):
        return masked(masked(endpoint, ["Id"], hashed), ["User", "UserId"], hashed)

    same_pieces(store, transformed(change), hashed)
    for table in ("users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"):
        assert store.query(f"SELECT DISTINCT application_id FROM {table}") == [(hashed(APPLICATION),)], table
    assert {row[0] for row in store.query("SELECT user_id FROM users")} == {hashed(user) for user in USERS}
    failures = store.query("SELECT ordinal, user_id, code FROM failures ORDER BY ordinal")
    assert failures == [(60, hashed("user-bad"), "BadRequestException"), (61, failures[1][1], "InvalidUserId")]
    assert failures[1][1] in (None, hashed(".."))
    # The server is asked for those that they are.
    assert set(server.asked) == {*USERS, "user-bad"}


DROPS = [
    ["Location"],
    ["Address", "Demographic.Make"],
    [["User", "UserAttributes", "*"], "Attributes.Interests"],
    ["EffectiveDate", "Location.City", "Metrics.visits"],
    [["Attributes", "e-mail.work"], ["Metrics", "age.of"]],
    ["Attributes", "Metrics", "User.UserAttributes"],
    ["Location.*"],
]


@pytest.mark.parametrize("paths", DROPS, ids=str)
def test_drop(sluice, scripted, tmp_path, paths):
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path, "dropped", [{"type": "drop", "paths": paths}])
    sluice.run(pipeline).expect(0)

    def change(endpoint):
        for path in paths:
            endpoint = without(endpoint, split(path))
        return endpoint

    store = Store(pipeline.database)
    have, want = pieces(store), pieces_of(transformed(change))
    # Whether a map that was emptied stands in `extra` as {} isn't the point here.
    for part in (have, want):
        part["extra"] = {at: {name: one for name, one in extra.items() if one not in ({}, {"UserAttributes": {}})}
                         for at, extra in part["extra"].items()}  # fmt: skip
    for name in want:
        assert have[name] == want[name], name


def test_transforms_come_one_after_the_other(sluice, scripted, tmp_path):
    """Shared ones first, a sink's own after them, each seeing what the one before it left; every user is asked for once."""
    mask = {"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": KEY}
    wanted = [f"jäne-{turn}@example.com" for turn in (4, 5, 6, 17, 33)]
    sinks = [
        {"type": "sqlite", "name": "shared", "path": "out/shared.sqlite"},
        {"type": "sqlite", "name": "own", "path": "out/own.sqlite", "transforms": [
            {"type": "filter", "where": {"Address": [hashed(text) for text in wanted]}},
            {"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": "another key of 16 bytes"},
            {"type": "drop", "paths": ["Metrics"]},
        ]},
        {"type": "ndjson", "path": "out/lines", "mode": "append", "transforms": [
            {"type": "filter", "where": {"Address": wanted}},
        ]},
        {"type": "sqlite", "name": "none", "path": "out/none.sqlite", "transforms": []},
    ]  # fmt: skip
    pipeline, server = pipeline_of(sluice, scripted, tmp_path, "chains", [mask], sinks)
    result = sluice.run(pipeline).expect(0)
    assert set(server.asked.values()) == {1} and len(server.asked) == 60
    out = pipeline.folder / "out"
    once = transformed(lambda one: masked(one, ["Address"], hashed))
    same_pieces(Store(out / "shared.sqlite"), once)
    same_pieces(Store(out / "none.sqlite"), once)

    def twice(one):
        one = masked(one, ["Address"], lambda text: hashed(hashed(text), "another key of 16 bytes"))
        return without(one, ["Metrics"])

    same_pieces(Store(out / "own.sqlite"), transformed(twice, lambda one: one["Address"] in wanted))
    # Plain addresses are none of those that the sink's filter sees.
    assert Folder(out / "lines").current.rows("endpoints") == []
    assert len(Folder(out / "lines").current.rows("users")) == 60
    assert result.summary["records"] == 60


def test_a_full_and_a_masked_sink(sluice, scripted, tmp_path):
    """One run, one request for each user, two truths."""
    masks = [
        {"type": "mask", "paths": ["Address", "User.UserId", "Id"], "with": "hmac-sha256", "key": KEY},
        {"type": "drop", "paths": ["Attributes", "Location", "User.UserAttributes"]},
        {"type": "filter", "where": {"EndpointStatus": ["ACTIVE"]}},
    ]
    sinks = [
        {"type": "sqlite", "name": "full", "path": "out/full.sqlite"},
        {"type": "sqlite", "name": "masked", "path": "out/masked.sqlite", "transforms": masks},
        {"type": "ndjson", "path": "out/lines", "mode": "replace", "transforms": masks[:2]},
    ]
    pipeline, server = pipeline_of(sluice, scripted, tmp_path, "two", [], sinks)
    result = sluice.run(pipeline).expect(0)
    assert len(server.log) == result.summary["requests"] == 60
    out = pipeline.folder / "out"
    same_pieces(Store(out / "full.sqlite"), EVERYTHING)

    def change(one):
        for path in (["Address"], ["User", "UserId"], ["Id"]):
            one = masked(one, path, hashed)
        for path in (["Attributes"], ["Location"], ["User", "UserAttributes"]):
            one = without(one, path)
        return one

    same_pieces(Store(out / "masked.sqlite"), transformed(change, lambda one: one["EndpointStatus"] == "ACTIVE"), hashed)
    lines = Folder(out / "lines").current
    ids = sorted(row[1] for row in lines.rows("endpoints"))
    assert ids == sorted(one["Id"] for answers in transformed(change).values() for one in answers)
    assert {row[1] for row in lines.rows("users")} == {hashed(user) for user in USERS}
    # The next run finds the same users and removes nobody.
    again = sluice.run(pipeline).expect(0)
    assert again.summary["removed"] == 0
    same_pieces(Store(out / "masked.sqlite"), transformed(change, lambda one: one["EndpointStatus"] == "ACTIVE"), hashed)


# Merging --------------------------------------------------------------------------------------------------------------


def test_merge_takes_out_what_a_filter_now_drops(sluice, scripted, tmp_path):
    """From the API a user's rows are replaced as a whole."""
    pipeline, _ = pipeline_of(sluice, scripted, tmp_path, "merge", [], limits={"max_removed": "100%"})
    sluice.run(pipeline).expect(0)
    pipeline.document["transforms"] = [{"type": "filter", "where": {"EndpointStatus": ["ACTIVE"]}}]
    pipeline.write()
    result = sluice.run(pipeline).expect(0)
    same_pieces(Store(pipeline.database), transformed(dict, lambda one: one["EndpointStatus"] == "ACTIVE"))
    everything = sum(map(len, EVERYTHING.values()))
    assert result.summary["removed"] == everything - result.summary["endpoints"]


def test_merge_of_an_archive_deletes_what_a_filter_drops(sluice, tmp_path):
    """An endpoint that a newer line makes inactive goes; one that only an older line says so of stays."""
    def of(identity, status, day, **members):
        return line({"Id": identity, "ApplicationId": APPLICATION, "EndpointStatus": status,
                     "EffectiveDate": f"2026-01-{day:02d}T00:00:00.000Z", "Attributes": {"a": ["1"]}, **members})  # fmt: skip

    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    first.write_bytes(b"".join([of("stays", "ACTIVE", 5), of("goes", "ACTIVE", 5), of("older", "ACTIVE", 5), of("other", "ACTIVE", 5)]))
    second.write_bytes(b"".join([
        of("stays", "ACTIVE", 6), of("goes", "INACTIVE", 6), of("older", "INACTIVE", 4), of("never", "INACTIVE", 6),
        # Within one run: dropped and kept again, kept and dropped again.
        of("back", "INACTIVE", 7), of("back", "ACTIVE", 8), of("forth", "ACTIVE", 7), of("forth", "INACTIVE", 8),
    ]))  # fmt: skip
    transforms = [{"type": "filter", "where": {"EndpointStatus": ["ACTIVE"]}}]
    for batch_size in (100, 1):
        name = f"by-{batch_size}"
        limits = {"max_removed": "100%"}
        pipeline = archive(sluice, name, first, transforms=transforms, batch_size=batch_size, limits=limits)
        sluice.run(pipeline).expect(0)
        pipeline.document["source"]["path"] = str(second)
        pipeline.write()
        sluice.run(pipeline).expect(0)
        store = Store(pipeline.database)
        for table in ("endpoints", "endpoint_attributes"):
            ids = [row[0] for row in store.query(f"SELECT endpoint_id FROM {table} ORDER BY 1")]
            assert ids == ["back", "older", "other", "stays"], f"{table} with {batch_size} a batch"


# What refuses ---------------------------------------------------------------------------------------------------------


def test_another_chain_doesn_t_go_on_with_a_run(sluice, scripted, tmp_path):
    """Transforms are part of what a run is; a key counts, and stands nowhere."""
    is_over = []

    def until(request):
        if request.user == "user-030" and not is_over:
            return error(403, "ForbiddenException", "Forbidden")
        return answer(request)

    server = scripted(until)
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    mask = {"type": "mask", "paths": ["Address"], "with": "hmac-sha256", "key": KEY}
    pipeline = sluice.pipeline(
        "chain", server.url, tmp_path / "users.txt", transforms=[mask], batch_size=5, concurrency=1
    )
    sluice.run(pipeline).expect(77)
    assert Store(pipeline.database).next_ordinal > 0
    is_over.append(True)
    for other in ([], [{**mask, "key": KEY + "!"}], [{**mask, "paths": ["Address", "Metrics"]}], [mask, mask]):
        pipeline.document["transforms"] = other
        pipeline.write()
        result = sluice.run(pipeline).expect(78)
        assert "--fresh" in result.message
    pipeline.document["transforms"] = [mask]
    pipeline.write()
    sluice.run(pipeline).expect(0)
    same_pieces(Store(pipeline.database), transformed(lambda one: masked(one, ["Address"], hashed)))
    data = pipeline.database.read_bytes()
    for form in (KEY.encode(), KEY.encode().hex().encode()):
        assert form not in data


def test_killed_with_transforms_in_place(sluice, synthetic, tmp_path, dice):
    """Every sink with a chain of its own, killed again and again: the same as a run that nobody disturbed, to the byte."""
    server = synthetic(users=1500, latency="3ms")
    mask = {"type": "mask", "paths": ["Address", "User.UserId", ["User", "UserAttributes", "*"]], "with": "hmac-sha256", "key": KEY}
    sinks = [
        {"type": "sqlite", "name": "full", "path": "out/full.sqlite"},
        {"type": "sqlite", "name": "masked", "path": "out/masked.sqlite", "mode": "replace", "transforms": [mask]},
        {"type": "ndjson", "path": "out/lines", "mode": "append", "transforms": [
            {"type": "filter", "path": "ChannelType", "not_in": ["EMAIL"]}, {"type": "drop", "paths": ["Metrics", "Location.*"]},
        ]},
    ]  # fmt: skip
    columns = [{"name": "interests", "from": "Attributes.Interests", "as": "joined"}]
    shared = [{"type": "filter", "path": "EndpointStatus", "not_in": ["INACTIVE"]}]
    outcomes = []
    for name in ("calm", "killed"):
        pipeline = sluice.pipeline(
            name, server.url, server.ids, sinks=sinks, transforms=shared, batch_size=20, concurrency=16,
            flatten={"layout": "document", "columns": columns},
        )  # fmt: skip
        kills = 0
        while name == "killed" and kills < 12:
            process = sluice.start_run(pipeline, "--logical-date", LOGICAL_DATE)
            try:
                process.wait(dice.uniform(0.02, 0.25))
                break
            except TimeoutError:
                kills += 1
        result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
        out = pipeline.folder / "out"
        tables = {}
        for store in ("full", "masked"):
            for table in ("users", "endpoints"):
                tables[store, table] = sorted(Store(out / f"{store}.sqlite").query(f"SELECT * FROM {table}"), key=repr)
        outcomes.append((tables, Folder(out / "lines").current.data(), result.summary["filtered"] if name == "calm" else None))
        assert name == "calm" or kills > 2
    assert len(outcomes[0][0]["full", "endpoints"]) > 1000 and outcomes[0][2] > 0
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1] == outcomes[1][1]
