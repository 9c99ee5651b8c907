"""Where credentials come from: moto's STS, shared files, and what is said where there are none."""

import hashlib
import json
import os
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
    "login": (
        "[profile p]\nlogin_session = arn:aws:iam::1:user/me\n",
        ["profile 'p'", "aws login", "credential_process = aws configure export-credentials --profile p"],
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_credentials(sluice, scripted, tmp_path, name):
    """One clear message, exit 77, and no call; no secret in it."""
    config, words = PROBLEMS[name]
    write_profiles(sluice, config, BASE)
    (sluice.home / "token").write_text(f"{SECRET_KEY}\n{SECRET_KEY}")
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


def document(key, seconds=3600):
    """What container and instance metadata services answer with."""
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    secret = {"SecretAccessKey": SECRET_KEY, "Token": "session-token", "Expiration": expiration, "Code": "Success"}
    return Answer(body=json.dumps({"AccessKeyId": key, **secret}).encode())


STS_ANSWER = f"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>ASIAPOD</AccessKeyId><SecretAccessKey>{SECRET_KEY}</SecretAccessKey><SessionToken>session-token</SessionToken>
<Expiration>2035-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>""".encode()


@pytest.mark.parametrize("kind", ["503", "throttling", "reset"])
def test_a_source_that_is_away_at_the_start(sluice, scripted, tmp_path, kind):
    """The run waits for it, and no user fails. The token's file ends with a line break."""
    (sluice.home / "token").write_text("to.ke.n\n")
    asked = []

    def token(request):
        asked.append(request)
        if len(asked) > 6:
            return Answer(body=STS_ANSWER)
        if kind == "throttling":
            return Answer(400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>")
        return Answer(503, b"") if kind == "503" else Answer(reset=True)

    sts, server = scripted(token), scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("early", server.url, write_users(tmp_path, 50))
    environment = {
        **WITHOUT_KEYS,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(sluice.home / "token"),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod",
        "AWS_ENDPOINT_URL_STS": sts.url,
    }
    result = sluice.run(pipeline, environment=environment).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (50, 0)
    assert "calls wait for them" in result.err
    assert {key_of(request) for request in server.requests} == {"ASIAPOD"}


class Revoked:
    """A service that calls a container's first credentials expired, and a container that is away for a while."""

    def __init__(self, scripted, comes_back_after):
        self.issued, self.refused, self.back = 0, 0, comes_back_after
        self.container, self.server = scripted(self.token), scripted(self.answer)
        self.environment = {**WITHOUT_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.container.url}/"}

    def token(self, request):
        self.issued += 1
        if self.issued == 1:
            return document("ASIAFIRST")
        return document("ASIASECOND") if self.back is not None and self.issued > self.back else Answer(503, b"")

    def answer(self, request):
        if request.user not in ("user-0", "user-1", "user-2") and key_of(request) == "ASIAFIRST":
            self.refused += 1
            return error(403, "ExpiredTokenException", "The security token included in the request is expired")
        return endpoints(request.user)


def test_a_source_that_is_away_in_mid_run(sluice, scripted, tmp_path):
    """Calls wait for it, longer than their own deadline; nobody fails, and nobody is asked twice for nothing."""
    revoked = Revoked(scripted, comes_back_after=10)
    pipeline = sluice.pipeline(
        "midway", revoked.server.url, write_users(tmp_path, 300), concurrency=8, retry={"deadline": "1s"}
    )
    result = sluice.run(pipeline, environment=revoked.environment).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (300, 0)
    assert result.elapsed > 1.5 and revoked.refused <= 8
    assert Store(pipeline.database).count("users") == 300


def test_a_source_that_stays_away(sluice, scripted, tmp_path):
    """69, after the time that an outage is borne: a supervisor starts it again."""
    revoked = Revoked(scripted, comes_back_after=None)
    pipeline = sluice.pipeline(
        "gone", revoked.server.url, write_users(tmp_path, 300), concurrency=8, retry={"outage": "2s"}
    )
    result = sluice.run(pipeline, environment=revoked.environment).expect(69)
    assert "container credentials" in result.message and "503" in result.message
    assert result.elapsed > 2
    revoked.back = 0
    assert sluice.run(pipeline, environment=revoked.environment).expect(0).summary["found"] == 300


def test_a_credentials_file_that_is_renewed(sluice, scripted, tmp_path):
    """Another program writes it anew, in two steps; the service calls the old key expired."""

    def profile(key):
        return f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET_KEY}\naws_session_token = session-token\n"

    write_profiles(sluice, "[default]\nregion = eu-central-1\n", profile("ASIAOLD"))
    file = sluice.home / ".aws" / "credentials"
    began = threading.Event()

    def renew():
        file.write_text("")
        time.sleep(0.3)
        file.write_text(profile("ASIANEW"))

    def answer(request):
        if key_of(request) == "ASIANEW" or request.user == "user-0":
            return endpoints(request.user)
        if not began.is_set():
            began.set()
            file.write_text("")
            threading.Thread(target=renew).start()
        return error(403, "ExpiredTokenException", "The security token included in the request is expired")

    server = scripted(answer)
    pipeline = sluice.pipeline("renewed-file", server.url, write_users(tmp_path, 100))
    result = sluice.run(pipeline, environment=WITHOUT_KEYS).expect(0)
    assert (result.summary["found"], result.summary["failed"]) == (100, 0)
    assert {key_of(request) for request in server.requests} == {"ASIAOLD", "ASIANEW"}


def test_a_credentials_file_that_stays_expired(sluice, scripted, tmp_path):
    write_profiles(sluice, "", BASE.replace("[base]", "[default]"))
    server = scripted(lambda request: error(403, "ExpiredTokenException", "is expired"))
    pipeline = sluice.pipeline("expired-file", server.url, write_users(tmp_path, 3), concurrency=1)
    result = sluice.run(pipeline, environment=WITHOUT_KEYS).expect(77)
    assert "expired" in result.message and len(server.requests) == 1


def test_an_sso_token_that_is_renewed(sluice, scripted, tmp_path):
    """botocore reads what was written back."""
    loader = pytest.importorskip("botocore.utils")
    cache = sluice.home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)

    def moment(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

    token = {
        "startUrl": "https://d-1.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": "old",
        "expiresAt": moment(-100),
        "clientId": "client",
        "clientSecret": SECRET_KEY,
        "registrationExpiresAt": moment(86400),
        "refreshToken": "once",
    }
    name = hashlib.sha1(b"dev").hexdigest() + ".json"
    (cache / name).write_text(json.dumps(token))

    def portal(request):
        if request.path == "/token":
            return Answer(body=json.dumps({"accessToken": "new", "expiresIn": 3600, "refreshToken": "twice"}).encode())
        if request.headers.get("x-amz-sso_bearer_token") != "new":
            return Answer(401, b"{}")
        role = {"accessKeyId": "ASIASSO", "secretAccessKey": SECRET_KEY, "sessionToken": "session-token"}
        role["expiration"] = int((time.time() + 3600) * 1000)
        return Answer(body=json.dumps({"roleCredentials": role}).encode())

    config = """
[profile p]
  sso_session = dev
  sso_account_id = 123456789012
  sso_role_name = reader
[sso-session dev]
  sso_region = eu-west-1
  sso_start_url = https://d-1.awsapps.com/start
[profile of somebody else
text
"""
    write_profiles(sluice, config)
    sso, server = scripted(portal), scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("sso", server.url, write_users(tmp_path, 5))
    environment = {**WITHOUT_KEYS, "AWS_PROFILE": "p"}
    environment |= {"AWS_ENDPOINT_URL_SSO": sso.url, "AWS_ENDPOINT_URL_SSO_OIDC": sso.url}
    result = sluice.run(pipeline, environment=environment).expect(0)
    assert result.summary["found"] == 5 and SECRET_KEY not in result.err
    stored = loader.SSOTokenLoader(cache=loader.JSONFileCache(str(cache)))("unused", session_name="dev")
    assert (stored["accessToken"], stored["refreshToken"]) == ("new", "twice")
    assert (cache / name).stat().st_mode & 0o777 == 0o600 and os.listdir(cache) == [name]


CONFIGURATIONS = {
    "indented": "[profile p]\n  region = eu-west-3\n  output = json\n",
    "after an odd header": "[profile p]\nregion = eu-west-3\n[profile bob's]\nregion = x\n",
    "quoted": '[profile "p"]\nregion = eu-west-3\n',
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_files_that_botocore_reads(sluice, scripted, tmp_path, kind):
    session = pytest.importorskip("botocore.session")
    write_profiles(sluice, CONFIGURATIONS[kind], BASE.replace("[base]", "[p]"))
    theirs = session.Session(profile="p")
    theirs.set_config_variable("config_file", str(sluice.home / ".aws" / "config"))
    assert theirs.full_config["profiles"]["p"]["region"] == "eu-west-3"
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("shared", server.url, write_users(tmp_path, 3))
    del pipeline.document["source"]["region"]
    pipeline.write()
    sluice.run(pipeline, environment={**WITHOUT_KEYS, "AWS_PROFILE": "p"}).expect(0)
    assert "/eu-west-3/mobiletargeting/" in server.requests[0].headers["authorization"]


def test_files_that_are_no_use_where_the_environment_is_enough(sluice, scripted, tmp_path):
    (sluice.home / ".aws" / "config").mkdir(parents=True)
    (sluice.home / ".aws" / "credentials").write_bytes(b"\x00\xff not a file of settings\n")
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("enough", server.url, write_users(tmp_path, 3))
    assert sluice.run(pipeline).expect(0).summary["found"] == 3
    del pipeline.document["source"]["endpoint_url"]
    pipeline.write()
    result = sluice("validate", pipeline.file).expect(0)
    assert "can't be read" in result.err and ".aws/config" in result.err


def test_no_credentials_on_an_instance_without_metadata(sluice, scripted, tmp_path):
    """All sources are named, in order."""
    metadata = scripted(lambda request: Answer(403, b""))
    server = scripted(lambda request: endpoints(request.user))
    pipeline = sluice.pipeline("forbidden", server.url, write_users(tmp_path, 3))
    environment = {
        **WITHOUT_KEYS,
        "AWS_EC2_METADATA_DISABLED": None,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url,
    }
    result = sluice.run(pipeline, environment=environment).expect(77)
    sources = ["environment: ", "profile 'default': ", "web identity: ", "container: ", "instance metadata: "]
    places = [result.message.find(source) for source in sources]
    assert -1 not in places and places == sorted(places), result.message
    assert "forbidden" in result.message


def test_a_certificate_bundle_with_a_byte_order_mark(sluice, tmp_path):
    """It is told before anything is asked for."""
    import certifi

    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(b"\xef\xbb\xbf" + open(certifi.where(), "rb").read())
    pipeline = sluice.pipeline("bundle", "https://127.0.0.1:1", write_users(tmp_path, 3))
    for command in ("validate", "run"):
        result = sluice(command, pipeline.file, environment={"AWS_CA_BUNDLE": str(bundle)}).expect(78)
        assert "AWS_CA_BUNDLE" in result.message and "byte order mark" in result.message
    bundle.write_bytes(open(certifi.where(), "rb").read())
    sluice("validate", pipeline.file, environment={"AWS_CA_BUNDLE": str(bundle)}).expect(0)
