"""What a log says of a call: enough to find it in the service's own log, and nothing of whom it was about.

No secret key, session token or signature, no user ID in any spelling, and no value of an answer stands on standard output
or standard error, at any level and in either format. The failures table, which is the user's own, keeps no secret either.
"""

import hashlib
import json
import re
from urllib.parse import quote

import pytest
from support.content import Store
from support.scripted_server import Answer, endpoints, error
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

TOKEN = "FwoGZXIvYXdzEBYaDkd/secret+session//token==" * 8
WITH_TOKEN = {"AWS_SESSION_TOKEN": TOKEN}
LOGS = [
    pytest.param([], id="default"),
    pytest.param(["--log-level", "debug"], id="debug"),
    pytest.param(["--log-level", "trace"], id="trace"),
    pytest.param(["--log-level", "trace", "--log-format", "json"], id="trace as JSON"),
]


def spellings(text):
    """A text as it is, as it stands in a path, with either case of digits, and in a signed path, which is encoded twice."""
    once = quote(text, safe="-._~")
    lower = re.sub("%..", lambda found: found[0].lower(), once)
    return {text, once, lower, quote(once, safe="-._~"), json.dumps(text)[1:-1]}


def secrets(requests):
    """What no message may hold of the credentials, and of the requests that they signed."""
    found = {SECRET_KEY, ACCESS_KEY, TOKEN, TOKEN[:40]}
    for secret in (SECRET_KEY, TOKEN):
        found |= {secret.replace("/", "\\/"), quote(secret, safe="")}
    return found | {request.headers["authorization"].rsplit("Signature=", 1)[1] for request in requests}


def holds_none(text, forbidden):
    found = sorted(word for word in forbidden if word in text)
    line = next((line for line in text.splitlines() if found and found[0] in line), "")
    assert not found, f"{found[:3]} in: {line[:1000]}"


def digest(user):
    return hashlib.sha256(user.encode()).hexdigest()[:12]


def attempts(result):
    """The lines of the log that tell of attempts, from a log in JSON."""
    lines = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] in ("attempt answered", "attempt failed")]


def fields(line):
    return line.get("metadata", line)


def texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {text for part in value for text in texts(part)}
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("arguments", LOGS)
def test_a_run_with_throttles_and_errors(sluice, synthetic, arguments):
    faults = "status:500=0.05,status:503=0.02,reset=0.02,truncate=0.02,html=0.02"
    server = synthetic(
        users=600, rate=300, burst=30, faults=faults, verify_signatures=True, access_key=ACCESS_KEY,
        secret_key=SECRET_KEY, session_token=TOKEN, archive=True,
    )  # fmt: skip
    limit = {"requests_per_second": 2000, "burst": 100}
    pipeline = sluice.pipeline("logged", server.url, server.ids, rate_limit=limit, retry={"max_attempts": 20})
    result = sluice.run(pipeline, *arguments, environment=WITH_TOKEN).expect(0)
    assert result.summary["failed"] == 0
    assert result.summary["throttled"] > 0 and result.summary["retries"] > result.summary["throttled"]

    users = set(server.ids.read_text().split())
    values = texts([json.loads(line) for line in server.archive.read_text().splitlines()])
    # Words that a log may well use by itself, as channels and countries, say nothing of a person.
    values = {value for value in values if len(value) >= 12 and value != APPLICATION}
    assert len(users) == 600 and len(values) > 1000
    text = result.out + result.err
    holds_none(text, users | values | secrets([]))
    assert "Signature=" not in text and "AWS4-HMAC-SHA256" not in text

    if "json" in arguments:
        lines = [fields(line) for line in attempts(result)]
        assert len(lines) == result.summary["requests"], "a line for each attempt"
        assert {line["call"] for line in lines} == {digest(user) for user in users}
        assert all(int(line["attempt"]) >= 1 and int(line["elapsed_ms"]) >= 0 for line in lines)
        assert {"200", "404", "429", "500", "503"} <= {line.get("status") for line in lines}
        assert {"MalformedResponse", "ConnectionFailed"} <= {line.get("code") for line in lines}
        assert all(line.get("request_id") for line in lines if line.get("status") in ("200", "429"))
        # The attempts of one call can be told from each other, and follow one another.
        by_call = {}
        for line in lines:
            by_call.setdefault(line["call"], []).append(int(line["attempt"]))
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_call.values())


USERS = [f"jane.doe+{number:03d}/ü@private.example" for number in range(40)]


def canonical(request):
    """All that a service may repeat of a request, as it does when a signature is refused."""
    headers = "\n".join(f"{name}:{value}" for name, value in request.headers.items())
    double = quote(request.path, safe="-._~/")
    return f"Path {request.path} of user {request.user}\n\nThe Canonical String should have been\n'GET\n{double}\n{headers}'"


def repeating(request):
    """Everything on one line, so that nothing is cut off with the rest of the lines."""
    return canonical(request).replace("\n", " ")


def write_users(tmp_path):
    (tmp_path / "users.txt").write_text("".join(f"{user}\n" for user in USERS))
    return tmp_path / "users.txt"


@pytest.mark.parametrize("arguments", LOGS)
def test_a_service_that_repeats_the_request(sluice, scripted, tmp_path, arguments):
    """Errors with path, user, headers and signature in message, code and request ID."""

    def answer(request):
        number = int(request.user[9:12])
        if number % 4 == 0:
            return error(400, "BadRequestException", repeating(request))
        if number % 4 == 1 and request.attempt == 1:
            return error(500, f"Trouble with {request.user.encode().hex()} {request.path}", repeating(request))
        if number % 4 == 2 and request.attempt == 1:
            return Answer(429, json.dumps({"message": repeating(request), "__type": request.path}).encode())
        if number % 4 == 3 and request.attempt == 1:
            return Answer(200, f"<html>{repeating(request)}".encode(), {"x-amzn-RequestId": request.path})
        return endpoints(request.user)

    server = scripted(answer)
    pipeline = sluice.pipeline("private", server.url, write_users(tmp_path), limits={"max_failed": 40})
    result = sluice.run(pipeline, *arguments, environment=WITH_TOKEN).expect(65)
    assert (result.summary["found"], result.summary["failed"]) == (30, 10)
    private = {spelling for user in USERS for spelling in spellings(user)} | {"jane.doe", "private.example"}
    holds_none(result.out + result.err, private | secrets(server.requests))

    failures = Store(pipeline.database).failures("user_id", "status", "code", "message", "request_id", "attempts")
    assert [(row[0], *row[1:3], row[5]) for row in failures] == [
        (USERS[number], 400, "BadRequestException", 1) for number in range(0, 40, 4)
    ]
    for user, _, _, message, request_id, _ in failures:
        holds_none(message, spellings(user) | secrets(server.requests))
        assert "(1 attempt)" in message and request_id == "6e1f8e5c-0000-4000-8000-000000000001"


@pytest.mark.parametrize("arguments", LOGS)
@pytest.mark.parametrize("words", [canonical, repeating])
def test_a_refused_signature(sluice, scripted, tmp_path, arguments, words):
    """A service that refuses a signature shows how it would have signed, with the session token in it."""
    server = scripted(lambda request: error(403, "InvalidSignatureException", words(request)))
    pipeline = sluice.pipeline("refused", server.url, write_users(tmp_path))
    result = sluice.run(pipeline, *arguments, environment=WITH_TOKEN).expect(77)
    assert "403 InvalidSignatureException: Path" in result.message
    assert "request 6e1f8e5c-0000-4000-8000-000000000001, 1 attempt in " in result.message
    private = {spelling for user in USERS for spelling in spellings(user)} | {"jane.doe", "private.example"}
    holds_none(result.out + result.err, private | secrets(server.requests))


def test_plain_when_asked_for(sluice, scripted, tmp_path):
    """`--log-user-ids` shows the IDs, which the other tests would then find; secrets stay out."""
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("plain", server.url, write_users(tmp_path))
    result = sluice.run(
        pipeline, "--log-level", "debug", "--log-format", "json", "--log-user-ids", environment=WITH_TOKEN
    ).expect(0)
    assert {fields(line)["call"] for line in attempts(result)} == set(USERS)
    holds_none(result.out + result.err, secrets(server.requests))
