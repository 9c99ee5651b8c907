"""Completions in real shells: a line is typed at a terminal, with the tab key, and the shell runs what has come of it."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

#: What is typed, and the arguments that the shell calls the program with.
LINES = [
    ("sluice vali\t it.y\t", "validate it.yaml"),
    # Of files only pipelines; folders lead to some.
    ("sluice run it\t", "run it.yaml"),
    ("sluice run pipe\tnight\t", "run pipelines/nightly.yml"),
    ("sluice status it.yaml --max\t 26h", "status it.yaml --max-age 26h"),
    ("sluice run it.yaml --log-level de\t", "run it.yaml --log-level debug"),
    ("sluice report it.yaml --output j\t", "report it.yaml --output json"),
    ("sluice chan\t it.y\t --ro\t", "changes it.yaml --rows"),
    ("sluice verify it.yaml -o j\t", "verify it.yaml -o json"),
    ("sluice plugins po\t", "plugins postgres"),
    ("sluice plugins pipe\t", "plugins pipeline"),
    ("sluice completions z\t", "completions zsh"),
    ("sluice help vali\t", "help validate"),
    ("sluice help comp\t", "help completions"),
    ("sluice init --from us\t", "init --from users.csv"),
]

SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        """bind 'set enable-bracketed-paste off'; bind 'set bell-style none'
sluice() { printf 'GOT[%s]\\n' "$*"; }
. ./completions
PS1='READY> '
""",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        """unset zle_bracketed_paste; setopt no_beep; fpath=($PWD/functions $fpath)
autoload -U compinit; compinit -u -D
sluice() { printf 'GOT[%s]\\n' "$*"; }
PROMPT='READY> '
""",
    ),
    "fish": (
        ["fish", "--no-config", "--interactive"],
        """function sluice; printf 'GOT[%s]\\n' "$argv"; end
source ./completions
function fish_prompt; printf 'READY> '; end
""",
    ),
}


class Shell:
    """An interactive shell at a pseudo-terminal."""

    def __init__(self, command, folder, environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.seen = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern, timeout=20):
        """What the terminal shows, up to a match, which the next call begins behind."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, f"{pattern!r} isn't shown:\n{self.seen[-2000:]!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        self.seen = self.seen[found.end() :]
        return found

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@pytest.fixture
def folder(tmp_path):
    for name in ("it.yaml", "it.txt", "users.csv", "pipelines/nightly.yml", "pipelines/nightly.md"):
        (tmp_path / "desk" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "desk" / name).touch()
    return tmp_path / "desk"


def script(sluice, shell):
    done = subprocess.run(
        [sluice.binary, "completions", shell], capture_output=True, env=sluice.environment(), check=True
    )
    assert not done.stderr and not done.stdout.startswith(b"#!")
    return done.stdout


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes(sluice, folder, name):
    command, setting = SHELLS[name]
    if not shutil.which(command[0]):
        pytest.fail(f"{name} isn't there; install its package, or start the tests with Scripts/test")
    (folder / "functions").mkdir()
    (folder / "functions" / "_sluice").write_bytes(script(sluice, name))
    (folder / "completions").write_bytes(script(sluice, name))
    environment = {**sluice.environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    shell = Shell(command, folder, environment)
    try:
        shell.type(setting + "echo SET-$((40 + 2))\n" if name != "fish" else setting + "echo SET-(math 40 + 2)\n")
        shell.wait_for("SET-42[\\s\\S]*READY> ")
        for line, expected in LINES:
            shell.type(line + "\r")
            assert shell.wait_for(r"GOT\[([^\]%]*)\]")[1] == expected, line
            shell.wait_for("READY> ")
    finally:
        shell.end()


def test_the_script_is_the_shell_s_own_language(sluice, tmp_path):
    """Each shell reads its script without running it."""
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-f", "-n"]), ("fish", ["fish", "--no-execute"])):
        path = tmp_path / f"script.{shell}"
        path.write_bytes(script(sluice, shell))
        done = subprocess.run([*check, path], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
