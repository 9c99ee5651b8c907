"""Asks for users with botocore's adaptive retry mode from several threads for some seconds.

    botocore_adaptive.py URL THREADS SECONDS

Prints a JSON line: by second the answers that were accepted and throttled, and the calls that failed.
"""

import itertools
import json
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main():
    url, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    client = boto3.client(
        "pinpoint",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="AKIDBENCHMARK",
        aws_secret_access_key="benchmark",
        config=Config(max_pool_connections=threads, retries={"mode": "adaptive", "max_attempts": 1000}),
    )
    start = time.monotonic()
    accepted, throttled = [0] * (int(seconds) + 60), [0] * (int(seconds) + 60)
    lock = threading.Lock()
    failed = []
    numbers = itertools.count()

    def note(http_response, **_):
        second = int(time.monotonic() - start)
        with lock:
            (throttled if http_response.status_code == 429 else accepted)[second] += 1

    # Each attempt's answer, before a retry is decided on; behind the retry handler only the last one would be seen.
    client.meta.events.register_first("needs-retry.pinpoint.GetUserEndpoints", lambda response, **_: count(response))

    def count(response):
        if response is not None:
            note(response[0])

    def work():
        while time.monotonic() - start < seconds:
            user = f"nobody-{next(numbers):06d}"
            try:
                client.get_user_endpoints(ApplicationId="a" * 32, UserId=user)
            except client.exceptions.NotFoundException:
                pass  # an answer like any other
            except ClientError:
                failed.append(user)  # its retry quota is empty: this user is lost

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0, start + seconds + 1 - time.monotonic()))
    with lock:
        counted = {"accepted": accepted[: int(seconds)], "throttled": throttled[: int(seconds)]}
        print(json.dumps({**counted, "failed": len(failed)}))


main()
