"""I/O errors and death inside of a commit's system calls, injected by strace: deeper than any failpoint reaches."""

import shutil
import signal
import subprocess

import pytest
from support.content import Store, same_run
from support.sluice import LOGICAL_DATE

OTHER_DATE = "2026-02-03T00:00:00Z"


@pytest.fixture(scope="module")
def strace():
    path = shutil.which("strace")
    if not path or subprocess.run([path, "-o", "/dev/null", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("strace isn't there or isn't allowed here")
    return path


@pytest.mark.parametrize(
    ("calls", "injection", "code"),
    [
        ("fsync,fdatasync", "error=EIO:when=1+", 74),
        ("fsync,fdatasync", "error=EIO:when=6+", 74),
        ("pwrite64", "error=ENOSPC:when=40+", 74),
        ("pwrite64", "error=EIO:when=90+", 74),
        ("fsync,fdatasync", "signal=KILL:when=2", -signal.SIGKILL),
        ("fsync,fdatasync", "signal=KILL:when=9", -signal.SIGKILL),
        ("pwrite64", "signal=KILL:when=7", -signal.SIGKILL),
        ("pwrite64", "signal=KILL:when=77", -signal.SIGKILL),
        ("unlink,unlinkat", "signal=KILL:when=1", -signal.SIGKILL),
    ],
)
def test_faults_inside_of_a_commit(sluice, synthetic, strace, calls, injection, code):
    server = synthetic(users=1000)
    whole = sluice.pipeline("whole", server.url, server.ids, batch_size=100)
    sluice.run(whole, "--logical-date", LOGICAL_DATE).expect(0)

    pipeline = sluice.pipeline("faulty", server.url, server.ids, batch_size=100)
    prefix = [strace, "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{injection}"]
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE, prefix=prefix)
    # The first calls of all belong to the making of the file; there it can't be created.
    assert result.code == code or (code == 74 and "when=1+" in injection and result.code == 73), result.err
    if code == 74:
        assert result.message
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    store = Store(pipeline.database)
    store.check()
    same_run(store, Store(whole.database))


def inject(strace, calls, injection, path):
    """As a prefix of a command: what a system call on one file meets."""
    return [strace, "-f", "-o", "/dev/null", "-P", str(path), "-e", f"trace={calls}", "-e", f"inject={calls}:{injection}"]


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_file_that_cannot_be_read_is_not_called_damaged(sluice, synthetic, strace, ending):
    """SQLite says of a read that fails with EIO that the database is malformed."""
    server = synthetic(users=200)
    pipeline = sluice.pipeline("unread", server.url, server.ids, batch_size=50)
    if ending:
        plan = {"SLUICE_FAILPOINT": "sqlite.prepare.before-transaction#4=kill"}
        assert sluice.run(pipeline, "--logical-date", LOGICAL_DATE, environment=plan).code == -signal.SIGKILL
    else:
        sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    faulty = inject(strace, "pread64", "error=EIO:when=4+", f"{pipeline.database}{ending}")
    result = sluice.run(pipeline, "--logical-date", LOGICAL_DATE if ending else OTHER_DATE, prefix=faulty)
    assert result.code == 74, result.err
    assert "Input/output error" in result.message and "damaged" not in result.err, result.err
    sluice.run(pipeline, "--logical-date", LOGICAL_DATE).expect(0)
    Store(pipeline.database).check()


@pytest.mark.parametrize("command", ["status", "verify"])
def test_looking_at_a_file_that_cannot_be_read(sluice, synthetic, strace, command):
    server = synthetic(users=100)
    pipeline = sluice.pipeline("unread", server.url, server.ids)
    sluice.run(pipeline).expect(0)
    faulty = inject(strace, "pread64", "error=EIO:when=4+", pipeline.database)
    result = sluice.start(command, pipeline.file, prefix=faulty).wait(60)
    assert result.code == 74, result.err
    assert "Input/output error" in result.out + result.err and "damaged" not in result.out + result.err


def test_a_file_that_is_damaged(sluice, synthetic):
    server = synthetic(users=300)
    pipeline = sluice.pipeline("damaged", server.url, server.ids)
    sluice.run(pipeline).expect(0)
    with open(pipeline.database, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 20)
    result = sluice.run(pipeline).expect(74)
    assert "damaged" in result.message and "restore the file" in result.err
