"""A container, by podman."""

import subprocess
import time


class Container:
    def __init__(self, image, *arguments, options=()):
        command = ["podman", "run", "-d", *map(str, options), image, *map(str, arguments)]
        self.id = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def __call__(self, *command, code=0, **options):
        """Runs a command in it; its standard output. Fails where the code isn't `code`; None takes any."""
        done = self.run(*command, **options)
        assert code is None or done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *command, user=None, stdin=None):
        prefix = ["podman", "exec", *(["-i"] if stdin is not None else []), *(["--user", user] if user else [])]
        return subprocess.run(
            [*prefix, self.id, *map(str, command)], capture_output=True, text=True, timeout=300, check=False, input=stdin
        )

    def write(self, path, text, mode="0644"):
        self("sh", "-c", f"cat > {path} && chmod {mode} {path}", stdin=text)

    def copy(self, source, target):
        subprocess.run(["podman", "cp", str(source), f"{self.id}:{target}"], check=True, capture_output=True)

    def take(self, source, target):
        subprocess.run(["podman", "cp", f"{self.id}:{source}", str(target)], check=True, capture_output=True)

    def kill(self, signal):
        subprocess.run(["podman", "kill", "-s", signal, self.id], check=True, capture_output=True)

    def wait(self):
        """The exit code, once it has ended."""
        done = subprocess.run(["podman", "wait", self.id], check=True, capture_output=True, text=True, timeout=120)
        return int(done.stdout)

    @property
    def log(self):
        done = subprocess.run(["podman", "logs", self.id], check=False, capture_output=True, text=True)
        return done.stdout + done.stderr

    def remove(self):
        subprocess.run(["podman", "rm", "-f", "-t", "0", self.id], check=False, capture_output=True)


def until(condition, seconds=60):
    """Waits for a condition, and returns what it was at last."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it doesn't come"
        time.sleep(0.1)
    return value
