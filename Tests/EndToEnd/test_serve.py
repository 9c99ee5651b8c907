"""`sluice serve --synthetic`, asked by clients that aren't this project's: boto3, and bare sockets."""

import collections
import csv
import datetime
import errno
import http.client
import json
import math
import os
import signal
import socket
import struct
import threading
import time
import urllib.parse

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

REGION = "eu-central-1"
VERIFYING = {"verify_signatures": True, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "region": REGION}
WIRE_IDS = {
    "a/b": "a%2Fb",
    "a b": "a%20b",
    "a+b": "a%2Bb",
    "jane@example.com": "jane%40example.com",
    "a%2Fb": "a%252Fb",
    "ünï": "%C3%BCn%C3%AF",
    "#:?\\": "%23%3A%3F%5C",
    "a//b": "a%2F%2Fb",
    "é中😀": "%C3%A9%E4%B8%AD%F0%9F%98%80",
    "it's(fine)!*": "it%27s%28fine%29%21%2A",
    "a+b=c&d": "a%2Bb%3Dc%26d",
    "tilde~_.-": "tilde~_.-",
    ".hidden": ".hidden",
    "a:b;c,d": "a%3Ab%3Bc%2Cd",
    "~": "~",
    "100%": "100%25",
    "%2525": "%252525",
    "%zz": "%25zz",
    "...": "...",
    "odd-ünï/#?": "odd-%C3%BCn%C3%AF%2F%23%3F",
}


def client(server, secret=SECRET_KEY, token=None, region=REGION):
    return boto3.client(
        "pinpoint",
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, max_pool_connections=1),
    )


def get(server, target, headers=None, method="GET", connection=None, body=None):
    """One request with exactly these headers, its target as it stands."""
    own = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    own.putrequest(method, target, skip_host=headers is not None and "Host" in headers, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        own.putheader(name, value)
    own.endheaders(body)
    answer = own.getresponse()
    answer.text = answer.read()
    if not connection:
        own.close()
    return answer


def user_path(user):
    return f"/v1/apps/{APPLICATION}/users/{urllib.parse.quote(user, safe='-._~')}"


def code(answer):
    """The error's code as botocore finds it, and the answer's form."""
    assert answer.headers["Date"] and answer.headers["Content-Type"] == "application/json"
    document = json.loads(answer.text)
    assert set(document) == {"Message", "RequestID"}
    assert document["RequestID"] == answer.headers["x-amzn-RequestId"]
    return answer.headers["x-amzn-ErrorType"].split(":")[0].split("#")[-1]


def read_archive(path):
    """For each user its lines, in order. Numbers keep their text; of duplicate keys the last counts."""
    users = collections.defaultdict(list)
    with open(path, "rb") as lines:
        for line in lines:
            endpoint = loads(line)
            users[endpoint["User"]["UserId"]].append((line.rstrip(b"\n"), endpoint))
    return users


def loads(text):
    return json.loads(text, parse_int=Text, parse_float=Text)


class Text(str):
    """A number's own text."""


def modelled(shape, value):
    """What botocore makes of a value: known members, floats for doubles, nothing for null."""
    if shape.type_name == "structure":
        return {
            name: modelled(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "map":
        return {name: modelled(shape.value, element) for name, element in value.items()}
    if shape.type_name == "list":
        return [modelled(shape.member, element) for element in value]
    if shape.type_name == "double":
        return float(value)
    if isinstance(value, Text):
        return float(value) if set(value) & set(".eE") else int(value)
    return plain(value)


def plain(value):
    """A value where the model has a string and the answer something else: passed on as it is."""
    if isinstance(value, dict):
        return {name: plain(element) for name, element in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, Text):
        return float(value) if set(value) & set(".eE") else int(value)
    return value


def breaks_botocore(endpoint):
    """Nulls and values of another type inside the maps, on which botocore stumbles."""
    metrics = endpoint.get("Metrics") or {}
    maps = [endpoint.get("Attributes") or {}, endpoint["User"].get("UserAttributes") or {}]
    return any(value is None for value in metrics.values()) or any(
        not isinstance(value, list) for map_ in maps for value in map_.values()
    )


@pytest.mark.limit(240)
def test_boto3_reads_what_archive_and_outcomes_say(synthetic):
    server = synthetic(users=1500, archive=True, **VERIFYING)
    archive = read_archive(server.archive)
    outcomes = list(csv.DictReader(open(server.outcomes, newline="")))
    assert [row["user_id"] for row in outcomes] == server.ids.read_text().split()
    pinpoint = client(server)
    shape = pinpoint.meta.service_model.operation_model("GetUserEndpoints").output_shape.members["EndpointsResponse"]
    item = shape.members["Item"].member
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    broken = 0
    for row in outcomes:
        user, lines = row["user_id"], archive.pop(row["user_id"], [])
        assert len(lines) == int(row["endpoint_count"])
        raw = get(server, user_path(user), signed(server, user_path(user)), connection=connection)
        if row["status"] == "absent":
            assert raw.status == 404 and code(raw) == "NotFoundException" and not lines
            with pytest.raises(ClientError) as error:
                pinpoint.get_user_endpoints(ApplicationId=APPLICATION, UserId=user)
            assert error.value.response["Error"]["Code"] == "NotFoundException"
            continue
        assert raw.status == 200 and raw.headers["Content-Type"] == "application/json"
        served = loads(raw.text)["Item"] or []
        assert served == [endpoint for _, endpoint in lines]
        assert all(line in raw.text for line, _ in lines)
        assert all(endpoint["ApplicationId"] == APPLICATION for endpoint in served)
        if any(breaks_botocore(endpoint) for endpoint in served):
            broken += 1
            continue
        answer = pinpoint.get_user_endpoints(ApplicationId=APPLICATION, UserId=user)
        assert answer["EndpointsResponse"].get("Item", []) == [modelled(item, endpoint) for endpoint in served]
    assert not archive
    assert 0 < broken < len(outcomes) / 4


def test_answers_depend_on_seed_and_id_alone(synthetic):
    first, same = synthetic(users=60, seed=5), synthetic(users=90, seed=5)
    other = synthetic(users=60, seed=6)
    differing = 0
    for index in range(60):
        path = user_path(f"user-{index:06}")
        answers = [get(server, path) for server in (first, same, other)]
        if answers[0].status == 200:
            assert answers[0].text == answers[1].text == get(first, path).text
            differing += answers[0].text != answers[2].text
        else:
            assert answers[1].status == answers[0].status
    assert differing > 45


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEHo+/session=="])
def test_ids_that_are_hard_to_send(synthetic, token):
    server = synthetic(users=10, session_token=token, **VERIFYING)
    pinpoint = client(server, token=token)
    for user, wire in WIRE_IDS.items():
        assert user_path(user).endswith("/users/" + wire)
        items = loads(get(server, user_path(user), signed(server, user_path(user), token=token)).text)["Item"]
        assert len(items) >= 2 and {item["User"]["UserId"] for item in items} == {user}
        if any(breaks_botocore(item) for item in items):
            # What botocore stumbles over is an answer: the signature has passed.
            with pytest.raises((TypeError, AttributeError)):
                pinpoint.get_user_endpoints(ApplicationId=APPLICATION, UserId=user)
        else:
            answer = pinpoint.get_user_endpoints(ApplicationId=APPLICATION, UserId=user)
            assert len(answer["EndpointsResponse"]["Item"]) == len(items)


class Signer(SigV4Auth):
    """botocore's signer at a time of one's choice."""

    def __init__(self, credentials, service, region, offset=0):
        super().__init__(credentials, service, region)
        self.offset = offset

    def add_auth(self, request):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.offset)
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


def signed(
    server,
    path,
    secret=SECRET_KEY,
    key=ACCESS_KEY,
    region=REGION,
    service="mobiletargeting",
    token=None,
    offset=0,
    headers=None,
    body=b"",
):
    """The headers of a GET that botocore signed."""
    request = AWSRequest("GET", f"http://127.0.0.1:{server.port}{path}", data=body, headers=headers or {})
    Signer(Credentials(key, secret, token), service, region, offset).add_auth(request)
    return dict(request.headers.items())


INVALID = "InvalidSignatureException"
CALCULATED = "The request signature we calculated does not match"
SCOPED = "Credential should be scoped to"


def change(headers, name, old, new):
    assert old in headers[name]
    return {**headers, name: headers[name].replace(old, new, 1)}


def without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


def other_byte(text, index):
    return text[:index] + ("1" if text[index] != "1" else "2") + text[index + 1 :]


def tampered(server, path):
    """Requests that must not pass: what was done, path, headers, code, words of the message."""
    good = signed(server, path, headers={"X-Amz-Meta-Test": "value"})
    authorization = good["Authorization"]
    credential = authorization.split("Credential=")[1].split(",")[0]
    day = credential.split("/")[1]
    missing, incomplete = "MissingAuthenticationTokenException", "IncompleteSignatureException"
    unknown = "UnrecognizedClientException"

    def with_authorization(value):
        return {**good, "Authorization": value}

    yield "no authorization", path, without(good, "Authorization"), missing, "Missing Authentication Token"
    for value in (
        "",
        "Basic YTpi",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA512 " + authorization.split(" ", 1)[1],
        authorization.split(", Signature=")[0],
        authorization[:-1],
        authorization.replace("SignedHeaders=", "Headers="),
        authorization.replace("/aws4_request", ""),
        authorization.replace("/aws4_request", "/aws5_request"),
    ):
        yield f"malformed {value[:40]}", path, with_authorization(value), incomplete, ""
    yield "no date", path, without(good, "X-Amz-Date"), incomplete, "X-Amz-Date"
    yield "a date of another form", path, {**good, "X-Amz-Date": "2026-01-02T03:04:05Z"}, incomplete, "X-Amz-Date"
    yield "unknown key", path, signed(server, path, key="AKIDSOMEBODYELSE"), unknown, "security token"
    yield "a token too many", path, signed(server, path, token="token"), unknown, "security token"
    yield "wrong region", path, signed(server, path, region="us-east-1"), INVALID, SCOPED
    yield "wrong service", path, signed(server, path, service="pinpoint"), INVALID, SCOPED
    yesterday = str(int(day) - 1)
    yield "wrong day", path, change(good, "Authorization", f"/{day}/", f"/{yesterday}/"), INVALID, SCOPED
    yield "expired", path, signed(server, path, offset=-310), INVALID, "Signature expired"
    yield "too early", path, signed(server, path, offset=310), INVALID, "Signature not yet current"
    yield "secret", path, signed(server, path, secret=other_byte(SECRET_KEY, 7)), INVALID, CALCULATED
    yield "last byte of the secret", path, signed(server, path, secret=other_byte(SECRET_KEY, -1 % 40)), INVALID, CALCULATED
    yield "signature", path, with_authorization(other_byte(authorization, len(authorization) - 1)), INVALID, CALCULATED
    yield "path", other_byte(path, len(path) - 1), good, INVALID, CALCULATED
    yield "application", other_byte(path, len("/v1/apps/")), good, INVALID, CALCULATED
    yield "query", path + "?a=b", good, INVALID, CALCULATED
    yield "header", path, {**good, "X-Amz-Meta-Test": "valuE"}, INVALID, CALCULATED
    yield "header that is gone", path, without(good, "X-Amz-Meta-Test"), INVALID, CALCULATED
    yield "host", path, {**good, "Host": f"localhost:{server.port}"}, INVALID, CALCULATED
    date = good["X-Amz-Date"]
    digit = "1" if date[-2] != "1" else "2"
    yield "date", path, {**good, "X-Amz-Date": date[:-2] + digit + "Z"}, INVALID, CALCULATED
    yield "unsigned header", path, {**good, "X-Amz-More": "x"}, INVALID, "x-amz-more"
    yield (
        "unsigned host",
        path,
        change(good, "Authorization", "SignedHeaders=host;", "SignedHeaders="),
        INVALID,
        "'host' must be a 'SignedHeader'",
    )


def test_one_wrong_byte_is_refused(synthetic):
    server = synthetic(users=10, **VERIFYING)
    path = user_path("a%2Fb")
    cases = 0
    for what, target, headers, expected, words in tampered(server, path):
        answer = get(server, target, headers)
        assert answer.status == 403, what
        assert code(answer) == expected, (what, answer.text)
        assert words in json.loads(answer.text)["Message"], (what, answer.text)
        assert SECRET_KEY.encode() not in answer.text
        cases += 1
    assert cases > 30
    for offset in (0, -290, 290):
        assert get(server, path, signed(server, path, offset=offset)).status == 200
    # The same characters in another encoding are another path on the wire, and the signature is that of the wire.
    upper, lower = (f"/v1/apps/{APPLICATION}/users/{segment}" for segment in ("a%2Fb", "a%2fb"))
    assert get(server, upper, signed(server, upper)).text == get(server, lower, signed(server, lower)).text
    assert get(server, lower, signed(server, upper)).status == 403
    assert get(server, upper, signed(server, path)).status == 403
    body = signed(server, path, body=b"body", headers={"Content-Length": "4"})
    assert get(server, path, body, body=b"body").status == 200
    assert get(server, path, body, body=b"bodY").status == 403
    for secret, expected in ((SECRET_KEY, None), (other_byte(SECRET_KEY, 3), INVALID)):
        try:
            client(server, secret=secret).get_user_endpoints(ApplicationId=APPLICATION, UserId="a/b")
            assert expected is None
        except ClientError as error:
            assert error.response["Error"]["Code"] == expected


def test_a_session_token_must_be_the_right_one(synthetic):
    server = synthetic(users=10, session_token="right", **VERIFYING)
    path = user_path("a/b")
    assert get(server, path, signed(server, path, token="right")).status == 200
    for token in (None, "wrong", "righT"):
        answer = get(server, path, signed(server, path, token=token))
        assert (answer.status, code(answer)) == (403, "UnrecognizedClientException")


def test_any_region_where_none_is_given(synthetic):
    server = synthetic(users=10, **{**VERIFYING, "region": None})
    for region in ("us-east-1", "moon-north-7"):
        assert get(server, user_path("a/b"), signed(server, user_path("a/b"), region=region)).status == 200


def test_the_rate_limit(synthetic):
    server = synthetic(users=10, rate=200, burst=50, latency="20ms")
    answers = []
    begin = time.monotonic()

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        while time.monotonic() < begin + 4:
            started = time.monotonic()
            answer = get(server, user_path("odd-x"), connection=connection)
            answers.append((answer, time.monotonic() - started))
            if answer.status == 429:
                time.sleep(0.002)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - begin
    allowed = [seconds for answer, seconds in answers if answer.status == 200]
    refused = [(answer, seconds) for answer, seconds in answers if answer.status == 429]
    assert refused and len(allowed) + len(refused) == len(answers)
    assert 0.95 * (50 + 200 * 4) <= len(allowed) <= 50 + 200 * elapsed + 1
    assert {code(answer) for answer, _ in refused} == {"TooManyRequestsException"}
    # Refusals don't wait.
    assert min(allowed) >= 0.02 > min(seconds for _, seconds in refused)


FAULTS = {"status:500": 0.05, "status:503": 0.04, "reset": 0.04, "truncate": 0.03, "html": 0.03}


def what_happens(server, user):
    try:
        answer = get(server, user_path(user))
    except http.client.IncompleteRead:
        return "truncate"
    except ConnectionResetError:
        return "reset"
    if answer.headers["Content-Type"] == "text/html":
        assert answer.status == 200
        return "html"
    return f"status:{answer.status}" if answer.status in (500, 503) else "fine"


@pytest.mark.limit(240)
def test_faults_come_as_often_as_asked_and_the_same_way_again(synthetic):
    faults = ",".join(f"{kind}={share}" for kind, share in FAULTS.items())
    server = synthetic(users=3000, faults=faults)
    seen = [what_happens(server, f"user-{index:06}") for index in range(3000)]
    counts = collections.Counter(seen)
    assert set(counts) == set(FAULTS) | {"fine"}
    for kind, share in FAULTS.items():
        expected, deviation = 3000 * share, math.sqrt(3000 * share * (1 - share))
        assert abs(counts[kind] - expected) < 5 * deviation, counts
    # Another process, in another order: each user meets what it met before.
    again = synthetic(users=3000, faults=faults)
    for index in reversed(range(0, 3000, 7)):
        assert what_happens(again, f"user-{index:06}") == seen[index]
    # Who asks again gets an answer before long.
    for index, kind in enumerate(seen):
        if kind != "fine":
            assert any(what_happens(server, f"user-{index:06}") == "fine" for _ in range(12))


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def request(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def read_all(connection):
    data = b""
    while block := connection.recv(65536):
        data += block
    return data


def test_a_reset_is_a_reset(synthetic):
    server = synthetic(users=10, faults="reset=1")
    with connect(server) as connection:
        connection.sendall(request(user_path("a/b")))
        with pytest.raises(OSError) as error:
            read_all(connection)
        assert error.value.errno == errno.ECONNRESET


def test_a_truncated_body_ends_early(synthetic):
    server = synthetic(users=10, faults="truncate=1")
    with connect(server) as connection:
        connection.sendall(request(user_path("a/b")))
        head, body = read_all(connection).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert 0 < len(body) < promised and body.startswith(b"{")


def test_a_stall_is_in_the_middle_of_the_body(synthetic):
    server = synthetic(users=10, faults="stall:700ms=1")
    whole = get(synthetic(users=10), user_path("a/b")).text
    with connect(server) as connection:
        started = time.monotonic()
        connection.sendall(request(user_path("a/b"), "Connection: close\r\n"))
        first = connection.recv(65536)
        assert time.monotonic() - started < 0.6
        while b"\r\n\r\n" not in first:
            first += connection.recv(65536)
        rest = read_all(connection)
        assert time.monotonic() - started >= 0.7
    assert (first + rest).split(b"\r\n\r\n", 1)[1] == whole


def test_delays(synthetic):
    slow = synthetic(users=10, faults="delay:600ms=1")
    for _ in range(2):
        started = time.monotonic()
        assert get(slow, user_path("a/b")).status == 200
        assert time.monotonic() - started >= 0.6
    # Only the first answer, and only to the share of users.
    first = synthetic(users=400, faults="first-delay:400ms=0.05", latency="1ms")
    late = []
    for index in range(400):
        started = time.monotonic()
        get(first, user_path(f"user-{index:06}"))
        if time.monotonic() - started >= 0.4:
            late.append(index)
    assert 3 <= len(late) <= 45
    for index in late[:5]:
        started = time.monotonic()
        get(first, user_path(f"user-{index:06}"))
        assert time.monotonic() - started < 0.35


def test_a_fault_of_any_status(synthetic):
    for status, expected in ((400, "BadRequestException"), (403, "ForbiddenException"), (429, "TooManyRequestsException")):
        answer = get(synthetic(users=10, faults=f"status:{status}=1"), user_path("a/b"))
        assert (answer.status, code(answer)) == (status, expected)
    answer = get(synthetic(users=10, faults="status:404=1"), user_path("a/b"))
    assert answer.status == 404 and "x-amzn-ErrorType" not in answer.headers
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_requests_in_one_packet_are_answered_in_order(synthetic):
    server = synthetic(users=10, faults="delay:300ms=0.4")
    users = [f"odd-{index}" for index in range(8)]
    with connect(server) as connection:
        last = len(users) - 1
        connection.sendall(
            b"".join(request(user_path(user), "Connection: close\r\n" if i == last else "") for i, user in enumerate(users))
        )
        data = read_all(connection)
    answered = []
    while data:
        head, data = data.split(b"\r\n\r\n", 1)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answered.append(loads(data[:length])["Item"][0]["User"]["UserId"])
        data = data[length:]
    assert answered == users


def test_a_connection_is_kept_or_closed_as_asked(synthetic):
    server = synthetic(users=10)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    get(server, user_path("a/b"), connection=connection)
    kept = connection.sock
    get(server, user_path("nobody"), connection=connection)
    assert connection.sock is kept is not None
    with connect(server) as old:
        old.sendall(f"GET {user_path('a/b')} HTTP/1.0\r\n\r\n".encode())
        assert read_all(old).startswith(b"HTTP/1.1 200")


def test_what_isnt_the_call(synthetic):
    server = synthetic(users=10, application_id="only-this")
    path = "/v1/apps/only-this/users/a%2Fb"
    assert get(server, path).status == 200
    for target in ("/", "/v1/apps/only-this", "/v1/apps/only-this/users/", path + "/x", "/v1/apps/only-this/users/.."):
        answer = get(server, target)
        assert answer.status == 404 and answer.headers["Content-Type"] == "text/plain"
        assert "x-amzn-ErrorType" not in answer.headers
    answer = get(server, "/v1/apps/another/users/a%2Fb")
    assert (answer.status, code(answer)) == (404, "NotFoundException")
    assert json.loads(answer.text)["Message"] == "Application not found"
    answer = get(server, "/v1/apps/only-this/users/nobody")
    assert (answer.status, code(answer)) == (404, "NotFoundException")
    assert "pplication" not in json.loads(answer.text)["Message"]
    for method in ("POST", "PUT", "DELETE"):
        answer = get(server, path, method=method)
        assert (answer.status, code(answer)) == (405, "MethodNotAllowedException")
    assert get(server, path, method="HEAD").status == 405
    for segment in ("%zz", "%", "%C3"):
        answer = get(server, "/v1/apps/only-this/users/" + segment)
        assert (answer.status, code(answer)) == (400, "BadRequestException")
    answer = get(server, path, headers={"Content-Length": "70000"}, body=b"x" * 70000)
    assert (answer.status, code(answer)) == (413, "PayloadTooLargeException")


def test_heads_are_bounded(synthetic):
    server = synthetic(users=10)
    with connect(server) as connection:
        try:
            for _ in range(200):
                connection.sendall(b"GET / HTTP/1.1\r\n" if _ == 0 else b"X: " + b"a" * 65536)
            answer = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert get(server, user_path("a/b")).status == 200


def test_odd_answers(synthetic):
    server = synthetic(users=10, archive=True)

    def items(user):
        answer = get(server, user_path(user))
        assert answer.status == 200, user
        return json.loads(answer.text)["Item"]

    assert {json.dumps(item["User"]) for item in items("odd-empty-user")} == {"{}"}
    foreign = items("odd-foreign-user")
    assert {(item["User"]["UserId"], item["ApplicationId"]) for item in foreign} == {("somebody-else", "somewhere-else")}
    assert all("Id" not in item for item in items("odd-id-missing"))
    for kind, value in (("number", 7), ("null", None), ("empty", ""), ("nul", "a\0b"), ("surrogate", "a\ud800")):
        assert {item["Id"] for item in items("odd-id-" + kind)} == {value}
        assert {item["Id"] for item in items(f"odd-id-{kind}.2")} == {value}
    case = {item["Id"] for item in items("odd-id-case")}
    assert len(case) == 2 and len({name.lower() for name in case}) == 1
    assert items("odd-item-null") is None and items("odd-item-empty") == []
    large = items("odd-large")
    assert len(large) == 15 and 14_000 < len(json.dumps(large[0])) <= 15 * 1024
    assert {item["User"]["UserId"] for item in large} == {"odd-large"}
    bodies = {kind: get(server, user_path("odd-malformed-" + kind)) for kind in ("empty", "object", "html", "list", "cut")}
    assert all(answer.status == 200 for answer in bodies.values())
    assert (bodies["empty"].text, bodies["object"].text, bodies["list"].text) == (b"", b"{}", b"[]")
    for kind in ("html", "cut"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(bodies[kind].text)
    for user, status, expected in (
        ("odd-forbidden", 403, "ForbiddenException"),
        ("odd-shutdown", 403, "ForbiddenException"),
        ("odd-application", 404, "NotFoundException"),
        ("odd-bad-request", 400, "BadRequestException"),
        ("odd-too-large", 413, "PayloadTooLargeException"),
    ):
        answer = get(server, user_path(user))
        assert (answer.status, code(answer)) == (status, expected)
    assert "end support" in json.loads(get(server, user_path("odd-shutdown")).text)["Message"]
    assert get(server, user_path("odd-proxy")).headers["Content-Type"] == "text/plain"
    for path in (server.archive, server.ids, server.outcomes):
        assert "odd-" not in path.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_gracefully(synthetic, number):
    server = synthetic(users=10, latency="500ms")
    idle = connect(server)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(get(server, user_path("a/b"))))
    thread.start()
    time.sleep(0.2)
    started = time.monotonic()
    server.process.send(number)
    result = server.process.wait(10).expect(0)
    assert time.monotonic() - started < 3
    thread.join()
    assert answers[0].status == 200 and json.loads(answers[0].text)["Item"]
    assert idle.recv(10) == b""
    assert result.out.splitlines() == [f"listening on {server.url}"]


def test_clients_that_go_away_do_no_harm(synthetic):
    server = synthetic(users=10, latency="100ms", faults="stall:200ms=0.5")
    for index in range(60):
        connection = connect(server)
        connection.sendall(request(user_path(f"odd-{index}")))
        if index % 3 == 0:
            time.sleep(0.01)
        if index % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert get(server, user_path("a/b")).status == 200
    server.process.send(signal.SIGTERM)
    server.process.wait(10).expect(0)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "--synthetic"),
        (["--synthetic", "--faults", "reset"], "--faults"),
        (["--synthetic", "--faults", "explode=0.1"], "unknown fault 'explode'"),
        (["--synthetic", "--faults", "reset=0.9,html=0.2"], "more than 1"),
        (["--synthetic", "--listen", "4100"], "--listen"),
        (["--synthetic", "--listen", "127.0.0.1:70000"], "--listen"),
        (["--synthetic", "--rate", "0"], "--rate"),
        (["--synthetic", "--burst", "5"], "--rate"),
        (["--synthetic", "--rate", "5", "--burst", "0"], "--burst"),
        (["--synthetic", "--latency", "fast"], "--latency"),
        (["--synthetic", "--users", "-1"], "users"),
        (["--synthetic", "--verify-signatures"], "--access-key"),
        (["--synthetic", "--access-key", "a"], "--verify-signatures"),
        (["--synthetic", "--files-only"], "--files-only"),
    ],
)
def test_wrong_options(sluice, arguments, words):
    result = sluice.start("serve", *arguments).wait(20).expect(64)
    assert words in result.err and not result.out


def test_what_cant_be_opened(sluice, synthetic, tmp_path):
    server = synthetic(users=10)
    result = sluice.start("serve", "--synthetic", "--listen", f"127.0.0.1:{server.port}").wait(20).expect(69)
    assert str(server.port) in result.message
    missing = tmp_path / "missing" / "archive.ndjson"
    result = sluice.start("serve", "--synthetic", "--files-only", "--archive", missing).wait(20).expect(73)
    assert str(missing) in result.message


def test_memory_stays_flat(synthetic):
    """A byte a user at most is kept, whatever is asked."""
    server = synthetic(users=1_000_000, faults="status:500=0.01")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for index in range(8000):
        get(server, user_path(f"user-{index * 125:06}" if index % 2 else f"odd-{index}"), connection=connection)
    with open(f"/proc/{server.process.pid}/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    assert peak < 60 * 1024


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_as_somebody_who_may_nothing(sluice, tmp_path):
    """A server without root's powers answers all the same."""
    somebody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--bounding-set=-all"]
    process = sluice.start("serve", "--synthetic", "--users", 10, "--listen", "127.0.0.1:0", prefix=somebody)
    deadline = time.monotonic() + 30
    while not (said := process.out_path.read_text()).endswith("\n"):
        assert process.poll() is None and time.monotonic() < deadline, process.poll()
        time.sleep(0.01)
    port = int(said.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"/v1/apps/{APPLICATION}/users/user-000001")
    assert connection.getresponse().status == 200
    connection.close()
