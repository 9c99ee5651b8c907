"""A disk that is full, at every 100 KB: what was committed stays sound, and a run with space completes it."""

import base64
import json
import random
import subprocess

import pytest
from support.kills import NDJSONPlace, SQLitePlace, differences
from support.scripted_server import Answer
from support.sluice import LOGICAL_DATE

USERS = [f"user-{number:03d}" for number in range(160)]
STEP = 100 * 1024


def answer(request):
    """About 6 KB that no compression makes smaller, the same for each asking."""
    dice = random.Random(request.user)
    values = [base64.b64encode(dice.randbytes(75)).decode() for _ in range(60)]
    item = {"Id": request.user, "Attributes": {f"{n}": [value] for n, value in enumerate(values)}, "Address": values[0]}
    return Answer(body=json.dumps({"Item": [item]}).encode())


@pytest.mark.limit(240)
@pytest.mark.parametrize(
    "kind",
    [
        "sqlite merge", "ndjson append",
        pytest.param("sqlite replace", marks=pytest.mark.soak), pytest.param("ndjson replace", marks=pytest.mark.soak),
    ],
)  # fmt: skip
def test_a_full_disk_at_every_step(sluice, scripted, small_disk, tmp_path, kind):
    disk, resize = small_disk
    server = scripted(answer)
    (tmp_path / "users.txt").write_text("\n".join(USERS) + "\n")
    sink, mode = kind.split()
    place = {"sqlite": SQLitePlace, "ndjson": NDJSONPlace}[sink](disk / "out", mode)
    pipeline = sluice.pipeline("full", server.url, tmp_path / "users.txt", batch_size=16, sinks=[place.sink])
    resize("64m")
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    baseline = place.content()

    failed = {}
    for size in range(STEP, 64 * STEP, STEP):
        place.clear()
        resize(size)
        result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE)
        if result.code == 0:
            break
        # Where not even the first file fits, the output can't be created.
        assert result.code in (73, 74) if not failed else result.code == 74, f"{size}: exit {result.code}\n{result.err}"
        assert "full" in result.message or "space" in result.message, result.err
        place.check_crashed()
        if len(failed) % 5 == 2:
            # Without more space it fails again, the same way.
            assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE).code == result.code
            place.check_crashed()
        resize("64m")
        second = sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
        content = place.content()
        assert content == baseline, f"{size}: {differences(content, baseline)}"
        failed[size] = second.summary["resumed_from"]
    print(f"{kind}: full at {len(failed)} sizes up to {max(failed) // 1024} KB, resumed from {failed}")
    assert len(failed) >= 8 and len(set(failed.values())) >= 5, "disks that were full early and late in the run"


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a tmpfs and yields its folder with a function that changes its size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small tmpfs needs root")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    yield folder, resize
    subprocess.run(["umount", "--lazy", folder], check=True)
