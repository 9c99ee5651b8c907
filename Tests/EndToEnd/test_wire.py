"""What stands on the wire: TLS that is too old or doesn't verify, packed bodies, and heads that say a thing twice."""

import asyncio
import gzip
import shutil
import ssl
import subprocess

import pytest
from support.content import Store
from support.scripted_server import Answer, endpoints

USERS = 60


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"person-{number:04d}@example.com\n" for number in range(USERS)))
    return path


AUTHORITY = """
[ca]
default_ca = it
[it]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
"""


def certificate_of(folder, start, end):
    """A certificate for localhost that vouches for itself, valid from `start` to `end` (YYYYMMDDHHMMSSZ)."""
    folder.mkdir()
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(AUTHORITY.format(folder=folder))
    key, request, certificate = folder / "key.pem", folder / "request.pem", folder / "certificate.pem"
    for command in (
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        ["ca", "-batch", "-selfsign", "-config", folder / "ca.cnf", "-keyfile", key, "-in", request,
         "-startdate", start, "-enddate", end, "-notext", "-out", certificate],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    return certificate, key


@pytest.fixture
def secured(scripted):
    """Lets a scripted server listen with a certificate: `secured(certificate, key)` gives the server and its URL."""
    if not shutil.which("openssl"):
        pytest.skip("certificates are made with openssl")
    opened = []

    def listen(certificate, key, change=lambda context: None):
        server = scripted(lambda request: endpoints(request.user))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        change(context)
        tls = server.call(asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context))
        opened.append((server, tls))
        return server, f"https://localhost:{tls.sockets[0].getsockname()[1]}"

    yield listen
    for server, tls in opened:
        server.loop.call_soon_threadsafe(tls.close)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [("20200101000000Z", "20210101000000Z", "has expired"), ("20900101000000Z", "20910101000000Z", "isn't valid yet")],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_of_another_time(sluice, secured, users, tmp_path, start, end, words):
    certificate, key = certificate_of(tmp_path / "authority", start, end)
    server, url = secured(certificate, key)
    pipeline = sluice.pipeline("dated", url, users)
    result = sluice.run(pipeline, environment={"AWS_CA_BUNDLE": certificate}).expect(78)
    assert words in result.message and "untrusted" not in result.message, result.err
    assert result.elapsed < 8 and not server.asked


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [("20200101000000Z", "20210101000000Z", "has expired"), ("20900101000000Z", "20910101000000Z", "isn't valid yet")],
    ids=["expired", "not yet valid"],
)
def test_a_certificate_of_another_time_where_credentials_come_from(
    sluice, secured, scripted, users, tmp_path, start, end, words
):
    certificate, key = certificate_of(tmp_path / "authority", start, end)
    sts, url = secured(certificate, key)
    (tmp_path / "token").write_text("token\n")
    server = scripted(lambda request: endpoints(request.user))
    environment = {
        "AWS_CA_BUNDLE": certificate, "AWS_ENDPOINT_URL_STS": url, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
        "AWS_WEB_IDENTITY_TOKEN_FILE": tmp_path / "token", "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
    }  # fmt: skip
    result = sluice.run(sluice.pipeline("dated", server.url, users), environment=environment).expect(78)
    assert words in result.message and "untrusted" not in result.message, result.err
    assert not server.asked and not sts.asked


@pytest.mark.parametrize("version", ["TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_versions_of_tls(sluice, secured, users, tmp_path, version):
    """A signed request holds a session token: nothing older than 1.2 gets one."""

    def only(context):
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

    certificate, key = certificate_of(tmp_path / "authority", "20200101000000Z", "20900101000000Z")
    server, url = secured(certificate, key, only)
    pipeline = sluice.pipeline("versions", url, users, retry={"outage": "2s"})
    is_new = version in ("TLSv1_2", "TLSv1_3")
    # A server that says why it hangs up gets 78, one that only hangs up may be restarting.
    result = sluice.run(pipeline, environment={"AWS_CA_BUNDLE": certificate})
    assert result.code == 0 if is_new else result.code in (69, 78), result.err
    if is_new:
        assert result.summary["found"] == USERS
    else:
        assert "TLS" in result.message and not server.asked, result.err


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "identity"])
def test_packed_answers(sluice, scripted, users, coding):
    """Some proxies pack what nobody asked to be packed."""

    def packed(request):
        body = endpoints(request.user).body
        if coding != "identity":
            body = gzip.compress(body)
        return Answer(200, body, {"Content-Encoding": coding})

    server = scripted(packed)
    result = sluice.run(sluice.pipeline("packed", server.url, users)).expect(0)
    assert result.summary["found"] == USERS


def test_an_unknown_coding_is_named(sluice, scripted, users):
    odd = Answer(200, b"\x01\x02\x03", {"Content-Encoding": "br"})
    server = scripted(lambda request: odd if "0007" in request.user else endpoints(request.user))
    pipeline = sluice.pipeline("odd", server.url, users, retry={"max_attempts": 2}, limits={"max_failed": 5})
    sluice.run(pipeline).expect(65)
    [(code, message)] = Store(pipeline.database).failures("code", "message")
    assert code == "MalformedResponse" and "'br'" in message


@pytest.mark.parametrize("is_same", [True, False], ids=["equal", "unequal"])
@pytest.mark.parametrize("form", ["{0}", "{0}, {0}"], ids=["headers", "a list"])
def test_two_lengths(sluice, scripted, users, is_same, form):
    """Two equal lengths are one, as headers or in one of them; of two others none can be believed."""

    def twice(request):
        answer = endpoints(request.user)
        if "0007" in request.user or is_same:
            answer.headers = {"content-length": form.format(len(answer.body) + (0 if is_same else 1))}
        return answer

    server = scripted(twice)
    pipeline = sluice.pipeline("twice", server.url, users, retry={"max_attempts": 2}, limits={"max_failed": 5})
    result = sluice.run(pipeline).expect(0 if is_same else 65)
    assert result.summary["found"] == (USERS if is_same else USERS - 1)


def test_plain_http_through_a_proxy(sluice, scripted, users):
    """It is asked with the whole URL; many proxies open tunnels for TLS alone."""
    proxy = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("proxied", "http://pinpoint.example:4100", users)
    result = sluice.run(pipeline, environment={"HTTP_PROXY": proxy.url.replace("//", "//someone:s3cret@")}).expect(0)
    assert result.summary["found"] == USERS
    for request in proxy.requests:
        assert request.method == "GET" and request.path.startswith("http://pinpoint.example:4100/v1/apps/")
        assert request.headers["host"] == "pinpoint.example:4100"
        assert request.headers["proxy-authorization"] == "Basic c29tZW9uZTpzM2NyZXQ="


def test_one_page_of_a_firewall_fails_one_user(sluice, scripted, users):
    """It is neither the service's word on the credentials, nor a reason to stop at the same place for ever."""
    page = Answer(403, b"<html>blocked</html>", {"Content-Type": "text/html"})
    server = scripted(lambda request: page if "0007" in request.user else endpoints(request.user))
    pipeline = sluice.pipeline("firewall", server.url, users, retry={"max_attempts": 2}, limits={"max_failed": 5})
    result = sluice.run(pipeline).expect(65)
    assert (result.summary["found"], result.summary["failed"]) == (USERS - 1, 1)
    assert Store(pipeline.database).failures("status", "code") == [(403, "MalformedResponse")]


def test_a_firewall_that_refuses_everybody_fails_nobody(sluice, scripted, users):
    page = Answer(403, b"<html>blocked</html>", {"Content-Type": "text/html"})
    server = scripted(lambda request: page)
    pipeline = sluice.pipeline("wall", server.url, users, retry={"max_attempts": 2})
    sluice.run(pipeline).expect(77)
    assert Store(pipeline.database).count("failures") == 0
    server.answer = lambda request: endpoints(request.user)
    assert sluice.run(pipeline).expect(0).summary["found"] == USERS
