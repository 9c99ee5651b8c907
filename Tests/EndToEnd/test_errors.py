"""What goes wrong around a run: the exit code, one clear message, and a store that resumes."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest
from support.content import Store, same_content
from support.scripted_server import Answer, endpoints, error
from support.sluice import ACCESS_KEY, LOGICAL_DATE

SHUTDOWN = (
    "Forbidden:On October 30, 2026, AWS will end support for the Amazon Pinpoint engagement features and no longer "
    "accept new customers."
)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("".join(f"person-{number:04d}@example.com\n" for number in range(500)))
    return path


def check_message(result, *words):
    """One message that holds these words, and nothing that must not be printed."""
    message = result.message
    for word in words:
        assert re.search(word, message, re.IGNORECASE), f"{word!r} isn't said in:\n{message}"
    assert ACCESS_KEY not in result.err and "person-" not in result.err, result.err
    assert result.err.count("\n") <= 12, f"more than a few lines:\n{result.err}"
    return message


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.limit(60)
def test_refused_connection(sluice, users):
    port = free_port()
    pipeline = sluice.pipeline("refused", f"http://127.0.0.1:{port}", users)
    result = sluice.run(pipeline).expect(69)
    check_message(result, "127.0.0.1", str(port), "refused")
    assert 8 <= result.elapsed <= 25, "a server that is just starting has 10 s"


@pytest.mark.limit(60)
def test_unknown_host(sluice, users):
    pipeline = sluice.pipeline("unknown", "http://pinpoint.invalid:4100", users)
    result = sluice.run(pipeline).expect(78)
    check_message(result, "pinpoint.invalid")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            error(403, "AccessDeniedException", "User is not authorized to perform: mobiletargeting:GetUserEndpoints"),
            ["AccessDenied", "not authorized"],
        ),
        (
            error(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
            ["security token"],
        ),
        (error(403, "ForbiddenException", SHUTDOWN), ["end of support|end(ed)? support", "archive"]),
        (error(404, "NotFoundException", "Application not found"), ["application"]),
    ],
    ids=["access denied", "unknown key", "shutdown", "unknown application"],
)
def test_answers_that_stop_the_run(sluice, scripted, users, answer, words):
    server = scripted(lambda request: answer)
    pipeline = sluice.pipeline("forbidden", server.url, users)
    result = sluice.run(pipeline).expect(77)
    check_message(result, *words)
    store = Store(pipeline.database)
    assert (store.count("users"), store.count("failures")) == (0, 0), "nobody is absent, and nobody has failed"
    # Whoever mends it can go on.
    server.answer = lambda request: endpoints(request.user)
    assert sluice.run(pipeline).expect(0).summary["found"] == 500


def test_answers_that_stop_the_run_in_the_middle(sluice, scripted, users):
    """What was committed stays, and the next run goes on from there."""
    denied = error(403, "AccessDeniedException", "Not authorized")
    server = scripted(lambda request: denied if len(server.asked) > 300 else endpoints(request.user))
    pipeline = sluice.pipeline("denied", server.url, users, batch_size=50, concurrency=8)
    result = sluice.run(pipeline).expect(77)
    check_message(result, "403|denied|authorized")
    store = Store(pipeline.database)
    assert store.count("failures") == 0 and store.run_states == ["running"]
    committed = store.next_ordinal
    server.answer = lambda request: endpoints(request.user)
    result = sluice.run(pipeline).expect(0)
    assert result.summary["resumed_from"] == committed and result.summary["found"] == 500


@pytest.mark.limit(60)
def test_a_server_of_another_kind(sluice, scripted, users):
    """200s that aren't the expected JSON: not Pinpoint, not an empty answer."""
    page = Answer(200, b"<html><body>Welcome</body></html>", {"Content-Type": "text/html"})
    server = scripted(lambda request: page)
    pipeline = sluice.pipeline("page", server.url, users, retry={"max_attempts": 2})
    check_message(sluice.run(pipeline).expect(69), "JSON")
    assert Store(pipeline.database).count("users") == 0


REQUEST = "6e1f8e5c-0000-4000-8000-000000000001"
EFFORT = r"\d+ attempts? in \d+\.\d s"


@pytest.mark.limit(60)
def test_an_unavailable_service_says_everything_in_one_line(sluice, scripted, users):
    """Status, code, request ID, attempts and time: what a person needs who asks the service's operators."""
    gone = error(503, "ServiceUnavailableException", "Service Unavailable")
    server = scripted(lambda request: gone if len(server.asked) > 100 else endpoints(request.user))
    settings = {"batch_size": 50, "retry": {"outage": "2s", "max_attempts": 50}}
    pipeline = sluice.pipeline("gone", server.url, users, **settings)
    result = sluice.run(pipeline).expect(69)
    message = check_message(result, "unavailable", "503 ServiceUnavailableException", f"request {REQUEST}", EFFORT)
    first = message.splitlines()[0]
    assert all(re.search(word, first) for word in ("503", "ServiceUnavailableException", REQUEST, EFFORT)), first
    attempts = int(re.search(r"(\d+) attempts? in", first)[1])
    assert 20 <= attempts <= len(server.log)
    assert Store(pipeline.database).count("failures") == 0


def test_a_failed_user_says_everything_in_its_row(sluice, scripted, users):
    """Each kind with its status, code, request ID and attempts; no time that passed, or equal answers made other bytes."""
    kinds = {
        "person-0010": error(400, "BadRequestException", "No such thing"),
        "person-0020": error(500, "InternalServerErrorException", "Oops"),
        "person-0030": Answer(502, b"<html>bad gateway"),
        "person-0040": Answer(200, b"<html>welcome", {"x-amzn-RequestId": "req-40"}),
        "person-0050": Answer(reset=True),
    }
    server = scripted(lambda request: kinds.get(request.user.split("@")[0]) or endpoints(request.user))
    pipeline = sluice.pipeline("rows", server.url, users, retry={"max_attempts": 3}, limits={"max_failed": 10})
    result = sluice.run(pipeline).expect(65)
    assert result.summary["failed"] == 5
    rows = Store(pipeline.database).failures("user_id", "status", "code", "request_id", "attempts", "message")
    assert [row[:5] for row in rows] == [
        ("person-0010@example.com", 400, "BadRequestException", REQUEST, 1),
        ("person-0020@example.com", 500, "InternalServerErrorException", REQUEST, 3),
        ("person-0030@example.com", 502, "HTTP502", None, 3),
        ("person-0040@example.com", 200, "MalformedResponse", "req-40", 3),
        ("person-0050@example.com", None, "ConnectionFailed", None, 3),
    ]
    for row in rows:
        assert re.search(rf" \({row[4]} attempts?\)$", row[5]), row[5]
        assert "\n" not in row[5] and row[0] not in row[5]


@pytest.fixture
def secured(tmp_path):
    """Makes a certificate for a host name, and lets a scripted server listen with it: `secured(server, host)`."""
    open_servers = []

    def listen(server, host):
        certificate, key = tmp_path / f"{host}.pem", tmp_path / f"{host}.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}",
             "-addext", f"subjectAltName=DNS:{host}", "-keyout", key, "-out", certificate],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        tls = server.call(asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context))
        open_servers.append((server, tls))
        return certificate, f"https://localhost:{tls.sockets[0].getsockname()[1]}"

    if not shutil.which("openssl"):
        pytest.skip("certificates are made with openssl")
    yield listen
    for server, tls in open_servers:
        server.loop.call_soon_threadsafe(tls.close)


def test_a_certificate_that_nobody_vouches_for(sluice, scripted, secured, users):
    """It ends the run at once; with AWS_CA_BUNDLE it is trusted, and the same run goes on."""
    server = scripted(lambda request: endpoints(request.user))
    certificate, url = secured(server, "localhost")
    pipeline = sluice.pipeline("untrusted", url, users)
    result = sluice.run(pipeline).expect(78)
    check_message(result, "localhost", "TLS", "certificate", "AWS_CA_BUNDLE", EFFORT)
    assert result.elapsed < 8 and not server.asked
    result = sluice.run(pipeline, environment={"AWS_CA_BUNDLE": certificate}).expect(0)
    assert result.summary["found"] == 500


def test_a_certificate_for_another_host(sluice, scripted, secured, users):
    server = scripted(lambda request: endpoints(request.user))
    certificate, url = secured(server, "elsewhere.example")
    pipeline = sluice.pipeline("elsewhere", url, users)
    result = sluice.run(pipeline, environment={"AWS_CA_BUNDLE": certificate}).expect(78)
    check_message(result, "certificate of localhost is for another host")
    assert result.elapsed < 8 and not server.asked


def test_a_port_without_tls(sluice, scripted, users):
    """As nginx does, it answers a handshake with a page: the run ends at once."""

    async def complain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = scripted(lambda request: endpoints(request.user))
    plain = server.call(asyncio.start_server(complain, "127.0.0.1", 0))
    pipeline = sluice.pipeline("plain", f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}", users)
    result = sluice.run(pipeline).expect(78)
    server.loop.call_soon_threadsafe(plain.close)
    check_message(result, "127.0.0.1", "its port must speak TLS")
    assert result.elapsed < 8


def test_a_proxy_that_refuses(sluice, users):
    """It is the proxy that is named, not the server behind it."""
    port = free_port()
    pipeline = sluice.pipeline("proxied", "http://pinpoint.example:4100", users, retry={"outage": "2s"})
    result = sluice.run(pipeline, environment={"HTTP_PROXY": f"http://user:s3cret@127.0.0.1:{port}"}).expect(69)
    check_message(result, "the proxy 127.0.0.1 refused the connection")
    assert "s3cret" not in result.err


def test_no_credentials(sluice, scripted, users):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("anonymous", server.url, users)
    without = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    check_message(sluice.run(pipeline, environment=without).expect(77), "credentials", "AWS_ACCESS_KEY_ID")
    half = {"AWS_SECRET_ACCESS_KEY": None}
    check_message(sluice.run(pipeline, environment=half).expect(77), "AWS_SECRET_ACCESS_KEY")
    assert not server.asked


def test_a_missing_input(sluice, scripted, tmp_path):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("missing", server.url, tmp_path / "nowhere.txt")
    check_message(sluice.run(pipeline).expect(66), "nowhere.txt")
    assert not server.asked


def test_an_input_that_is_a_folder(sluice, scripted, tmp_path):
    server = scripted(lambda request: endpoints(request.user))
    (tmp_path / "folder.txt").mkdir()
    pipeline = sluice.pipeline("folder", server.url, tmp_path / "folder.txt")
    check_message(sluice.run(pipeline).expect(66), "folder.txt")


def test_a_missing_pipeline(sluice, tmp_path):
    result = sluice("run", tmp_path / "nowhere.yaml").expect(66)
    check_message(result, "nowhere.yaml")


@pytest.mark.parametrize("obstacle", ["a file in the way", "a folder in its place", "a store of another kind"])
def test_an_output_that_can_not_be_written(sluice, scripted, users, obstacle):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("output", server.url, users)
    out = pipeline.folder / "out"
    if obstacle == "a file in the way":
        out.write_text("not a folder")
    elif obstacle == "a folder in its place":
        (out / "endpoints.sqlite").mkdir(parents=True)
    else:
        out.mkdir()
        (out / "endpoints.sqlite").write_text("This isn't a database, and must not be made one.\n" * 100)
    check_message(sluice.run(pipeline).expect(73), "endpoints.sqlite|out")
    assert not server.asked, "nobody is asked for whose rows can't be kept"
    if obstacle == "a store of another kind":
        assert (out / "endpoints.sqlite").read_text().startswith("This isn't")


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a tmpfs and yields its folder with a function that changes its size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    yield folder, resize
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("size", ["64k", "1m", "3m"])
def test_a_full_disk(sluice, synthetic, small_disk, size):
    disk, resize = small_disk
    server = synthetic(users=2000)
    whole = sluice.pipeline("whole", server.url, server.ids, batch_size=50)
    sluice.run(whole, "--logical-date", LOGICAL_DATE).expect(0)

    resize(size)
    full = sluice.pipeline("full", server.url, server.ids, batch_size=50)
    full.document["sinks"][0]["path"] = str(disk / "endpoints.sqlite")
    full.write()
    result = sluice.run(full, "--logical-date", LOGICAL_DATE)
    # Where not even the tables fit, the output can't be created.
    assert result.code == 74 or (size == "64k" and result.code == 73), f"exit {result.code}:\n{result.err}"
    check_message(result, "full|space")
    # Without more space it fails again, the same way.
    assert sluice.run(full, "--logical-date", LOGICAL_DATE).code == result.code
    resize("200m")
    sluice.run(full, "--logical-date", LOGICAL_DATE).expect(0)
    store = Store(disk / "endpoints.sqlite")
    store.check()
    same_content(store, Store(whole.database))


def test_usage(sluice):
    for arguments in (["run"], ["run", "--no-such-option", "x.yaml"], ["no-such-command"]):
        result = sluice(*arguments).expect(64)
        assert result.err.strip() and not result.out.strip()


def test_a_wrong_configuration(sluice, users):
    """All errors of a file at once, each at its line and column, and nothing is created."""
    pipeline = sluice.pipeline("wrong", "http://127.0.0.1:1", users)
    pipeline.file.write_text(
        "pipeline: Nightly\n"
        "source:\n"
        "  type: pinpoint\n"
        "  application_id: a\n"
        "  concurrency: many\n"
        "  users: {type: file, path: users.txt}\n"
        "sinks:\n"
        "  - {type: sqlite, path: out/endpoints.sqlite, mode: sometimes}\n"
        "bach_size: 100\n"
    )
    result = sluice.run(pipeline).expect(78)
    places = re.findall(r"pipeline\.yaml:(\d+):(\d+): error: ", result.err)
    assert sorted(places) == [("1", "11"), ("5", "16"), ("8", "54"), ("9", "1")], result.err
    assert "batch_size" in result.err, "a misspelt key is answered with the right one"
    assert os.listdir(pipeline.folder) == ["pipeline.yaml"]


def test_a_file_that_is_not_yaml(sluice, users):
    pipeline = sluice.pipeline("broken", "http://127.0.0.1:1", users)
    pipeline.file.write_text("pipeline: [nightly\nsource: {\n")
    result = sluice.run(pipeline).expect(78)
    assert re.search(r"pipeline\.yaml:\d+:\d+: error: ", result.message)
