"""Measures each path of the program beside what a user would take instead. Started by Scripts/bench.

    rows/       a file for each family of rows of the table: the work, its two sides, and how their output is compared
    data/       what they work on, made from a seed
    servers/    nginx and PostgreSQL, private, on loopback or a socket
    stores/     what was written, as a number of rows and a hash
    measuring   time, processor and memory of a process with all that it starts
    contest     ours and theirs in turn; no time counts before both wrote the same rows
    results     the table: as text, as JSON, and (page, chart) as docs/benchmarks.md
"""
