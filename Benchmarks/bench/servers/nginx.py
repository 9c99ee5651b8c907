"""nginx on a free loopback port, in the foreground of a folder of its own."""

import resource
import shutil
import signal
import socket
import subprocess
import time

from ..measuring import tree_seconds

CONFIGURATION = """
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    log_format seconds '$msec $status';
    {log}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    open_file_cache max={files} inactive=1h;
    open_file_cache_valid 1h;
    {behind}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        server_name api;
        root {www};
        default_type application/json;
        {locations}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("a server doesn't start") from None
            time.sleep(0.05)


class Nginx:
    """`locations` are directives of the server block, `behind` those of the http block."""

    def __init__(self, folder, locations, behind="", www=None, is_logging=False, workers=1):
        self.folder, self.port = folder, free_port()
        self.options = {
            "locations": locations, "behind": behind, "www": www or folder / "www", "workers": workers,
            "log": f"access_log {folder}/access.log seconds buffer=64k flush=1s;" if is_logging else "access_log off;",
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2,  # the other half is for connections
        }  # fmt: skip
        folder.chmod(0o755)  # the worker isn't root
        self.configure()
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        command = ["setpriv", "--pdeathsig=TERM", program, "-c", folder / "nginx.conf", "-p", folder]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(self.port, self.process)
        except BaseException:
            self.stop()
            raise

    def configure(self, **changes):
        self.options.update(changes)
        text = CONFIGURATION.format(folder=self.folder, port=self.port, **self.options)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")

    def reconfigure(self, **changes):
        self.configure(**changes)
        self.process.send_signal(signal.SIGHUP)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def cpu(self):
        return tree_seconds(self.process.pid)

    def answers(self):
        """(instant, was throttled) of each answer, as nginx logged it."""
        time.sleep(1.2)  # its log is flushed each second
        with open(self.folder / "access.log", encoding="ascii") as file:
            return [(float(instant), status == "429") for instant, status in map(str.split, file)]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
