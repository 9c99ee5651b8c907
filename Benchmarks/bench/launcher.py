"""Runs a command and writes what it cost, with all that it started, as JSON.

    launcher.py REPORT SECONDS COMMAND …

A process of its own, because the kernel lets a child begin with its parent's peak of memory: this one is small (about
9 MB, which is the least that can be measured), the bench isn't.
"""

import json
import os
import signal
import sys
import time


def main():
    report, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    child = None

    def end(number, frame):
        if child:
            os.kill(child, signal.SIGKILL)
        if number != signal.SIGALRM:
            os._exit(128 + number)

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    start = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - start
    with open(report, "w", encoding="utf-8") as file:
        json.dump({
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
            # In units of 512 bytes, whatever the disk's blocks are.
            "written": usage.ru_oublock * 512,
            "status": os.waitstatus_to_exitcode(status),
        }, file)  # fmt: skip


main()
