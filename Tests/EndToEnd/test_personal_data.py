"""User IDs and addresses are personal data: they stand in the tables, not in logs and messages."""

import re

import pytest
from support.content import Store
from support.scripted_server import endpoints, error
from support.sluice import ACCESS_KEY, SECRET_KEY

USERS = [f"jane.doe-{number:03d}@private.example" for number in range(400)]


def answer(request):
    number = int(re.search(r"-(\d+)@", request.user)[1])
    if number % 100 == 7:
        return error(400, "BadRequestException", f"Cannot read the user {request.user}")
    if number % 50 == 3 and request.attempt == 1:
        return error(500, "InternalServerErrorException", f"Trouble with {request.user}")
    return endpoints(request.user)


@pytest.mark.parametrize(
    "arguments", [[], ["--log-format", "json"], ["--log-level", "debug"], ["--log-level", "trace"]]
)
def test_no_id_and_no_secret_in_the_output(sluice, scripted, tmp_path, arguments):
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    pipeline = sluice.pipeline("private", server.url, tmp_path / "users.txt", limits={"max_failed": 10})
    result = sluice.run(pipeline, *arguments).expect(65)
    for text in (result.out, result.err):
        assert "jane.doe" not in text and "private.example" not in text, text
        assert ACCESS_KEY not in text and SECRET_KEY not in text and "Signature=" not in text
    assert Store(pipeline.database).failures("user_id") == [(USERS[n],) for n in (7, 107, 207, 307)]


def test_hashed_when_asked_for(sluice, scripted, tmp_path):
    """`--log-user-ids` is what it takes to see them."""
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    pipeline = sluice.pipeline("private", server.url, tmp_path / "users.txt", limits={"max_failed": 10})
    result = sluice.run(pipeline, "--log-level", "debug", "--log-user-ids").expect(65)
    assert SECRET_KEY not in result.err


def test_the_files_are_the_owner_s_alone(sluice, scripted, tmp_path):
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("\n".join(USERS[:5]) + "\n")
    pipeline = sluice.pipeline("private", server.url, tmp_path / "users.txt")
    sluice.run(pipeline).expect(0)
    state = pipeline.folder / ".sluice"
    if state.exists():
        assert state.stat().st_mode & 0o077 == 0
