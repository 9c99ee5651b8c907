"""Where credentials come from: moto's STS, shared files, and what is said where there are none."""

import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import boto3
import pytest
from support.content import Store
from support.scripted_server import Answer, endpoints, error
from support.sluice import ACCESS_KEY, SECRET_KEY

#: Not the environment's: what follows must find its credentials elsewhere.
WITHOUT_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(scope="module")
def sts():
    """moto's server, for its STS."""
    pytest.importorskip("moto.server", reason="moto[server] isn't installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from moto.server import main; import sys; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
    client = boto3.client("sts", endpoint_url=url, region_name="eu-central-1", **keys)
    deadline = time.monotonic() + 60
    while True:
        try:
            client.get_caller_identity()
            break
        except Exception:
            assert process.poll() is None and time.monotonic() < deadline, "moto doesn't answer"
            time.sleep(0.2)
    yield url
    process.kill()
    process.wait()


def write_users(tmp_path, count):
    (tmp_path / "users.txt").write_text("".join(f"user-{number}\n" for number in range(count)))
    return tmp_path / "users.txt"


def write_profiles(sluice, config, credentials=""):
    folder = sluice.home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(config)
    (folder / "credentials").write_text(credentials)


def key_of(request):
    return request.headers["authorization"].partition("Credential=")[2].split("/")[0]


def chain_of_roles(seconds):
    config = f"""
[profile exports]
role_arn = arn:aws:iam::123456789012:role/exports
source_profile = hub
duration_seconds = {seconds}
region = eu-central-1
[profile hub]
role_arn = arn:aws:iam::123456789012:role/hub
source_profile = base
"""
    return config, f"[base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"


def test_a_chain_of_roles(sluice, scripted, sts, tmp_path):
    """The profile's option, its region, and the role's credentials on every request."""
    write_profiles(sluice, *chain_of_roles(900))
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("roles", server.url, write_users(tmp_path, 20), region=None)
    del pipeline.document["source"]["region"]
    pipeline.document["source"]["profile"] = "exports"
    pipeline.write()
    # The profile asked for wins over the environment's key.
    other = {"AWS_ACCESS_KEY_ID": "AKIDOFSOMEBODY", "AWS_ENDPOINT_URL_STS": sts}
    result = sluice.run(pipeline, environment=other).expect(0)
    assert result.summary["found"] == 20
    keys = {key_of(request) for request in server.requests}
    assert len(keys) == 1 and keys.pop().startswith("ASIA")
    assert all("/eu-central-1/mobiletargeting/" in request.headers["authorization"] for request in server.requests)
    token = server.requests[0].headers["x-amz-security-token"]
    assert token not in result.err + result.out


def test_credentials_that_expire_within_the_run(sluice, scripted, sts, tmp_path):
    """They are renewed ahead of time: the service sees no expired ones, and nobody fails."""
    write_profiles(sluice, *chain_of_roles(4))
    first_seen, refused, lock = {}, Counter(), threading.Lock()

    def answer(request):
        with lock:
            born = first_seen.setdefault(key_of(request), time.monotonic())
        if time.monotonic() - born > 4:
            refused[request.user] += 1
            return error(403, "ExpiredTokenException", "The security token included in the request is expired")
        answer = endpoints(request.user)
        answer.delay = 0.05
        return answer

    server = scripted(answer)
    pipeline = sluice.pipeline(
        "renewed",
        server.url,
        write_users(tmp_path, 1000),
        concurrency=8,
        rate_limit={"requests_per_second": 100, "burst": 1, "adaptive": False},
    )
    environment = {**WITHOUT_KEYS, "AWS_PROFILE": "exports", "AWS_ENDPOINT_URL_STS": sts}
    result = sluice.run(pipeline, environment=environment).expect(0)
    summary = result.summary
    assert (summary["found"], summary["failed"]) == (1000, 0)
    assert result.elapsed > 8 and len(first_seen) >= 3
    assert not refused
    assert Store(pipeline.database).count("users") == 1000


def test_an_expired_token_is_renewed_once(sluice, scripted, sts, tmp_path):
    """The service revokes credentials that still seem to live."""
    write_profiles(sluice, *chain_of_roles(3600))
    revoked = set()

    def answer(request):
        if not revoked or key_of(request) in revoked:
            revoked.add(key_of(request))
            return error(403, "ExpiredTokenException", "The security token included in the request is expired")
        return endpoints(request.user)

    server = scripted(answer)
    pipeline = sluice.pipeline("revoked", server.url, write_users(tmp_path, 200))
    environment = {**WITHOUT_KEYS, "AWS_PROFILE": "exports", "AWS_ENDPOINT_URL_STS": sts}
    assert sluice.run(pipeline, environment=environment).expect(0).summary["found"] == 200
    assert len({key_of(request) for request in server.requests}) == 2


def test_sts_away_while_credentials_live(sluice, scripted, tmp_path):
    """A refresh that fails is told, and the credentials at hand stay in use."""
    write_users(tmp_path, 300)
    issued = []

    def token(request):
        issued.append(time.monotonic())
        if len(issued) > 1:
            return Answer(500, b"")
        expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
        return Answer(
            body=(
                f'{{"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "{SECRET_KEY}", "Token": "t", '
                f'"Expiration": "{expiration}"}}'
            ).encode()
        )

    container, server = scripted(token), scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline(
        "living",
        server.url,
        tmp_path / "users.txt",
        rate_limit={"requests_per_second": 50, "burst": 1, "adaptive": False},
    )
    environment = {**WITHOUT_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{container.url}/credentials"}
    result = sluice.run(pipeline, environment=environment).expect(0)
    assert result.summary["found"] == 300
    assert len(issued) > 1 and "can't be renewed" in result.err


BASE = f"[base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
PROBLEMS = {
    "loop": (
        "[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nrole_arn = r\nsource_profile = p\n",
        ["profile 'p'", "in a circle"],
    ),
    "mfa": ("[profile p]\nrole_arn = r\nsource_profile = base\nmfa_serial = arn:x\n", ["profile 'p'", "mfa_serial"]),
    "sso": (
        "[profile p]\nsso_start_url = u\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = x\n",
        ["profile 'p'", "aws sso login --profile p"],
    ),
    "rubbish": (f"[profile p]\ncredential_process = echo {SECRET_KEY}\n", ["profile 'p'", "credential_process"]),
    "failing": (
        f"[profile p]\ncredential_process = echo {SECRET_KEY} >&2; exit 4\n",
        ["profile 'p'", "exit status 4"],
    ),
    "token": ("[profile p]\nrole_arn = r\nweb_identity_token_file = ~/token\n", ["profile 'p'", "line break"]),
    "unknown": ("", ["profile 'p'"]),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_credentials(sluice, scripted, tmp_path, name):
    """One clear message, exit 77, and no call; no secret in it."""
    config, words = PROBLEMS[name]
    write_profiles(sluice, config, BASE)
    (sluice.home / "token").write_text(f"{SECRET_KEY}\n")
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("none", server.url, write_users(tmp_path, 3))
    result = sluice.run(pipeline, environment={**WITHOUT_KEYS, "AWS_PROFILE": "p"}).expect(77)
    for word in words:
        assert word in result.message
    assert not server.requests


def test_foreign_metadata_host(sluice, scripted, tmp_path):
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("foreign", server.url, write_users(tmp_path, 3))
    environment = {**WITHOUT_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://metadata.example/credentials"}
    result = sluice.run(pipeline, environment=environment).expect(77)
    assert "metadata.example" in result.message and "AWS_CONTAINER_CREDENTIALS_FULL_URI" in result.message
    assert not server.requests


def without_region(sluice, tmp_path):
    pipeline = sluice.pipeline("nowhere", "unused", write_users(tmp_path, 3))
    for key in ("region", "endpoint_url"):
        del pipeline.document["source"][key]
    return pipeline.write()


def test_no_region_anywhere(sluice, tmp_path):
    pipeline = without_region(sluice, tmp_path)
    for command in ("validate", "run"):
        result = sluice(command, pipeline.file).expect(78)
        assert "no region is given: set region, AWS_REGION" in result.message


def test_the_region_may_be_the_instances(sluice, scripted, tmp_path):
    """Validating asks nobody, and so it can't know; a run does ask."""
    asked = []

    def metadata(request):
        asked.append((request.method, request.path))
        return Answer(body=b"token" if request.method == "PUT" else b"<html>no region</html>")

    server = scripted(metadata)
    pipeline = without_region(sluice, tmp_path)
    environment = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url}
    result = sluice("validate", pipeline.file, environment=environment).expect(0)
    assert "no region is given" in result.err and not asked
    result = sluice("run", pipeline.file, environment=environment).expect(78)
    assert "no region is given: set region, AWS_REGION" in result.message
    assert asked == [("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/placement/region")]
