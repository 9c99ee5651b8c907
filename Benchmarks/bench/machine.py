"""The machine and the programs, as far as figures depend on them; nothing that says whose machine it is."""

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from .servers.postgres import bin_directory


def load():
    return os.getloadavg()[0]


def describe(sluice):
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{release()}, Linux {platform.release()}",
        "file_system": file_system("/tmp"),
        "programs": {
            "sluice": said(sluice, "--version"),
            "commit": said("git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"),
            "Python": platform.python_version(),
            **{name: version(name) for name in ("boto3", "orjson")},
            "SQLite": said("sqlite3", "--version").split(" ")[0],
            "PostgreSQL": postgres(),
            "nginx": said(shutil.which("nginx") or "/usr/sbin/nginx", "-v").split("/")[-1],
        },
    }


def processor():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def release():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def file_system(path):
    return said("stat", "-f", "-c", "%T", path)


def postgres():
    try:
        return said(f"{bin_directory()}/postgres", "--version").split(" ")[2]
    except (RuntimeError, IndexError):
        return "–"


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"


def said(*command):
    """The first line that a program prints, on either output."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return "–"
    return ((done.stdout or done.stderr).strip().splitlines() or ["–"])[0]


if __name__ == "__main__":
    print(describe(sys.argv[1]))
