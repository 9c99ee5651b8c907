"""A server that isn't this project's: nginx, with a request limit that the client isn't told and AWS-like errors."""

import json
import shutil
import socket
import subprocess
import time

import pytest
from support.content import Store
from support.folders import open_to_others

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100;
    limit_req_zone $server_name zone=api:1m rate={rate}r/s;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port};
        server_name api;
        root {folder}/www;
        default_type application/json;
        location ~ /users/nobody- {{
            add_header x-amzn-ErrorType NotFoundException always;
            return 404 '{{"Message":"User not found","RequestID":"1"}}';
        }}
        location / {{
            limit_req zone=api burst=30 nodelay;
            try_files /body.json =500;
        }}
    }}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        pytest.skip("nginx isn't installed")
    folder = tmp_path / "nginx"
    (folder / "www").mkdir(parents=True)
    open_to_others(tmp_path)  # the worker isn't root
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    item = {"Id": "the-endpoint", "ChannelType": "EMAIL", "Attributes": {"a": ["1", "2"]}, "Metrics": {"m": 6}}
    (folder / "www" / "body.json").write_text(json.dumps({"Item": [item]}))
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, rate=1000))
    process = subprocess.Popen([program, "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "error.log").read_text()
            time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.mark.limit(90)
def test_a_limited_nginx_loses_nobody(sluice, nginx, tmp_path):
    users = [f"user-{number:05d}" if number % 10 else f"nobody-{number:05d}" for number in range(8000)]
    (tmp_path / "users.txt").write_text("\n".join(users) + "\n")
    pipeline = sluice.pipeline(
        "nginx",
        nginx,
        tmp_path / "users.txt",
        concurrency=64,
        rate_limit={"requests_per_second": 3000, "burst": 30, "adaptive": True},
    )
    result = sluice.run(pipeline).expect(0)
    summary = result.summary
    assert (summary["found"], summary["absent"], summary["failed"]) == (7200, 800, 0)
    assert summary["throttled"] > 0
    assert summary["throttled"] < 0.1 * summary["requests"], "it learns the limit instead of hitting it again and again"
    store = Store(pipeline.database)
    # Each answer brings the same endpoint, so it belongs to one user: the last one, or on a busy machine somebody who was
    # parked and asked again at the end.
    [(endpoint, owner)] = store.query("SELECT endpoint_id, user_id FROM endpoints")
    assert endpoint == "the-endpoint" and owner in users
    assert [row[0] for row in store.query("SELECT user_id FROM users ORDER BY ordinal")] == users
    print(f"{summary['records_per_second']:.0f} users/s, {summary['throttled']} of {summary['requests']} throttled")
