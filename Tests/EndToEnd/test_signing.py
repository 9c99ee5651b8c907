"""Signatures, checked by botocore: a verifier that isn't this project's."""

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.content import Store
from support.scripted_server import endpoints, error
from support.sluice import ACCESS_KEY, APPLICATION, SECRET_KEY

#: IDs with the form in which they must stand on the wire.
ODD = {
    "a/b": "a%2Fb",
    "a b": "a%20b",
    "a+b": "a%2Bb",
    "jane@example.com": "jane%40example.com",
    "a%2Fb": "a%252Fb",
    "ünï": "%C3%BCn%C3%AF",
    "#:?\\": "%23%3A%3F%5C",
    "a//b": "a%2F%2Fb",
    "eu-central-1:0f9d3a8c-5b1e-4f6a-9c2d-7e8b1a2c3d4e": "eu-central-1%3A0f9d3a8c-5b1e-4f6a-9c2d-7e8b1a2c3d4e",
    "${user}": "%24%7Buser%7D",
    "-._~": "-._~",
    "...": "...",
    "日本語": "%E6%97%A5%E6%9C%AC%E8%AA%9E",
    "👩‍👩‍👧": "%F0%9F%91%A9%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7",
    "*'()!": "%2A%27%28%29%21",
    "a&b=c;d,e": "a%26b%3Dc%3Bd%2Ce",
}


def signature_is_right(request, token=None):
    """Signs what stood on the wire once more, with botocore, and compares."""
    scheme, _, rest = request.headers["authorization"].partition(" ")
    assert scheme == "AWS4-HMAC-SHA256"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, date, region, service, end = parts["Credential"].split("/")
    assert (key, region, service, end) == (ACCESS_KEY, "eu-central-1", "mobiletargeting", "aws4_request")
    signed = parts["SignedHeaders"].split(";")
    assert signed == sorted(signed) and {"host", "x-amz-date"} <= set(signed)
    assert all(name in signed for name in request.headers if name.startswith("x-amz-"))
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}",
        headers={name: request.headers[name] for name in signed},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    assert request.headers["x-amz-date"].startswith(date)
    auth = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, token), service, region)
    return auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again) == parts["Signature"]


def test_the_verifier_can_say_no(scripted):
    """boto3's requests pass, and fail when one byte of path, header, key or signature differs."""
    server = scripted(lambda request: endpoints(request.user))
    client = boto3.client(
        "pinpoint",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    for user in ODD:
        client.get_user_endpoints(ApplicationId=APPLICATION, UserId=user)
    assert all(signature_is_right(request) for request in server.requests)
    request = server.requests[0]
    path, headers = request.path, request.headers
    request.path = path[:-1] + "c"
    assert not signature_is_right(request)
    request.path = path
    for name in ("host", "x-amz-date", "authorization"):
        last = "1" if headers[name][-1] != "1" else "2"
        if name == "x-amz-date":
            changed = headers[name][:-2] + ("1Z" if headers[name][-2] != "1" else "2Z")
        else:
            changed = headers[name][:-1] + last
        request.headers = {**headers, name: changed}
        assert not signature_is_right(request), name


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzEHo+/session=="])
def test_botocore_agrees_with_every_signature(sluice, scripted, tmp_path, token):
    wrong = []

    def answer(request):
        if not signature_is_right(request, token) or request.headers.get("x-amz-security-token") != token:
            wrong.append(request.path)
            return error(403, "InvalidSignatureException", "The request signature we calculated does not match")
        return endpoints(request.user)

    server = scripted(answer)
    (tmp_path / "users.txt").write_text("".join(user + "\n" for user in ODD), encoding="utf-8")
    pipeline = sluice.pipeline("signed", server.url, tmp_path / "users.txt", concurrency=1)
    result = sluice.run(pipeline, environment={"AWS_SESSION_TOKEN": token})
    assert not wrong
    assert result.expect(0).summary["found"] == len(ODD)
    wire = [request.path for request in server.requests]
    assert wire == [f"/v1/apps/{APPLICATION}/users/{encoded}" for encoded in ODD.values()]
    rows = Store(pipeline.database).query("SELECT user_id FROM users ORDER BY ordinal")
    assert [user for (user,) in rows] == list(ODD)
    if token:
        assert token not in result.err + result.out


def test_headers_of_every_attempt(sluice, scripted, tmp_path):
    """Each attempt is signed afresh, and the attempts of a call are told apart as SDKs do."""
    server = scripted(
        lambda request: (
            endpoints(request.user) if request.attempt == 3 else error(500, "InternalServerErrorException", "")
        )
    )
    (tmp_path / "users.txt").write_text("anna\n")
    pipeline = sluice.pipeline("attempts", server.url, tmp_path / "users.txt")
    sluice.run(pipeline).expect(0)
    assert len(server.requests) == 3 and all(signature_is_right(request) for request in server.requests)
    assert len({request.headers["amz-sdk-invocation-id"] for request in server.requests}) == 1
    attempts = [request.headers["amz-sdk-request"].split(";")[0] for request in server.requests]
    assert attempts == ["attempt=1", "attempt=2", "attempt=3"]
    assert server.requests[0].headers["user-agent"].startswith("sluice/")


def write_odd_ids(tmp_path):
    path = tmp_path / "odd.txt"
    path.write_text("".join(user + "\n" for user in ODD), encoding="utf-8")
    return path


def test_the_own_server_verifies_as_well(sluice, synthetic, tmp_path):
    server = synthetic(users=50, verify_signatures=True, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    pipeline = sluice.pipeline("verified", server.url, write_odd_ids(tmp_path), limits={"max_absent": "100%"})
    summary = sluice.run(pipeline).expect(0).summary
    assert summary["found"] + summary["absent"] == len(ODD) and summary["failed"] == 0


def test_a_wrong_secret(sluice, synthetic, tmp_path):
    server = synthetic(users=50, verify_signatures=True, access_key=ACCESS_KEY, secret_key=SECRET_KEY)
    pipeline = sluice.pipeline("wrong", server.url, write_odd_ids(tmp_path))
    wrong = SECRET_KEY[:-1] + "Z"
    result = sluice.run(pipeline, environment={"AWS_SECRET_ACCESS_KEY": wrong}).expect(77)
    assert "signature" in result.message.lower()
    assert wrong not in result.err
    assert Store(pipeline.database).count("users") == 0
