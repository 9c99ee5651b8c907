"""The stores that earlier versions wrote are kept as they were, whole and unchanged."""

import hashlib
import tarfile
from pathlib import Path

import pytest

KEPT = Path(__file__).resolve().parent.parent / "StoredFormats"
VERSIONS = sorted(path.name for path in KEPT.iterdir() if (path / "SHA256SUMS").exists())


def test_there_are_versions():
    assert "0.1" in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_written_is_unchanged(version):
    sums = {}
    for path in sorted((KEPT / version).iterdir()):
        if path.name == "SHA256SUMS":
            continue
        sums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as packed:
                for entry in packed:
                    if entry.isreg():
                        name = f"{path.name.removesuffix('.tar.gz')}/{entry.name}"
                        sums[name] = hashlib.sha256(packed.extractfile(entry).read()).hexdigest()
    lines = [line.split("  ", 1) for line in (KEPT / version / "SHA256SUMS").read_text().splitlines()]
    assert sums == {name: digest for digest, name in lines}
