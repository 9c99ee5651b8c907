"""Prints the speed of Python's json and, where it is installed, of orjson over a file of lines, in processor time."""
import json
import sys
import time

try:
    import orjson
except ImportError:
    orjson = None


def best(loads, lines, rounds):
    results = []
    for _ in range(rounds):
        start = time.process_time()
        for line in lines:
            loads(line)
        results.append(time.process_time() - start)
    return min(results)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with open(sys.argv[1], "rb") as file:
        lines = file.read().split(b"\n")[:-1]
    megabytes = sum(map(len, lines)) / 1e6
    print("json.loads %.1f" % (megabytes / best(json.loads, lines, rounds)))
    if orjson:
        print("orjson %.1f" % (megabytes / best(orjson.loads, lines, rounds)))


main()
