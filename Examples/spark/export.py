"""Archived exports into tables with Spark: `sluice flatten` makes the rows of each file, Spark runs it and commits.

    spark-submit export.py exports/ tables/ --layout document

A task makes the rows of one file, and does nothing else: one that is killed, or done twice by speculation, does no harm.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys

from pyspark import StorageLevel
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f
from pyspark.sql.types import StructField, StructType
from stores import Postgres, write_json, write_parquet

#: What couldn't be read is a row of the table `failures`; then this is the code.
INCOMPLETE = 65
#: For each line on standard input, a file's number and path: its rows.
EACH_LINE = """
tab="$(printf '\\t')"
while IFS="$tab" read -r number file; do
    "$@" --file-number "$number" -- "$file" || [ $? = 65 ] || exit 1
done
"""


def main():
    options = arguments()
    spark = SparkSession.builder.appName("exports").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    tables, files = described(options), listed(options)
    make = by_pipe if options.by == "pipe" else by_task
    lines = make(spark.sparkContext, stage(options, spark.sparkContext.applicationId), files).map(lambda line: (line,))
    # Each table reads all lines: a file is read again only where an executor, and what it kept, was lost.
    lines = spark.createDataFrame(lines, "value string").persist(StorageLevel.DISK_ONLY)
    frames = {name: latest(rows(lines, name, table), table) for name, table in tables.items()}
    for name, frame in frames.items():
        write_parquet(frame, f"{options.out}/parquet/{name}")
        if options.json:
            write_json(frame, f"{options.out}/json/{name}")
    if options.postgres:
        Postgres(options.postgres).replace(frames)
    failed = frames["failures"].count()
    spark.stop()
    if failed:
        print(f"{failed} records failed; the reasons are in the table 'failures'", file=sys.stderr)
        sys.exit(INCOMPLETE)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=os.path.abspath, help="a file, folder or glob that every worker sees")
    parser.add_argument("out", help="a folder, or s3a://…, gs://…, hdfs://…: what Spark can write")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--layout", choices=["normalized", "document"], default="normalized")
    shape.add_argument("--pipeline", type=os.path.abspath, help="take layout, columns and transforms from this file")
    parser.add_argument("--application-id", help="where the records don't say it")
    parser.add_argument("--run-id", help="what the rows' run_id is; the Spark application's ID without it")
    parser.add_argument("--logical-date", help="what the rows' logical_date is; null without it")
    parser.add_argument("--by", choices=["task", "pipe"], default="task", help="a Python task a file, or RDD.pipe")
    parser.add_argument("--json", action="store_true", help="write JSON too, which 'sluice verify' compares with a run")
    parser.add_argument("--postgres", metavar="URL", help="put the rows in the place of those of this database's tables")
    parser.add_argument("--sluice", default="sluice", help="the program, on every worker")
    return parser.parse_args()


# What Sluice knows of it ---------------------------------------------------------------------------------------------


def listed(options):
    """The files, numbered as a run over the whole archive numbers them."""
    text = subprocess.run([options.sluice, "flatten", "--list", options.archive], check=True, stdout=subprocess.PIPE)
    return [json.loads(line) for line in text.stdout.decode().split("\n") if line]


def described(options):
    """The tables with their schemas and keys."""
    shape = [options.pipeline] if options.pipeline else ["--layout", options.layout]
    text = subprocess.run([options.sluice, "tables", *shape, "--as", "spark"], check=True, stdout=subprocess.PIPE)
    return json.loads(text.stdout)


def stage(options, application):
    """The command that makes rows; a file's number and path follow."""
    command = [options.sluice, "flatten", "--quiet", "--threads", "1", "--run-id", options.run_id or application]
    command += ["--pipeline", options.pipeline] if options.pipeline else ["--layout", options.layout]
    for name in ("application_id", "logical_date"):
        if getattr(options, name):
            command += [f"--{name.replace('_', '-')}", getattr(options, name)]
    return command


# Files to lines ------------------------------------------------------------------------------------------------------


def by_task(context, command, files):
    return context.parallelize(files, max(1, len(files))).flatMap(lambda file: lines_of(command, file))


def lines_of(command, file):
    call = [*command, "--file-number", str(file["file_number"]), "--", file["path"]]
    with subprocess.Popen(call, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            yield line[:-1].decode()
    if process.returncode not in (0, INCOMPLETE):
        raise RuntimeError(f"the stage ended with {process.returncode}")


def by_pipe(context, command, files):
    """The same with nothing but a command: of names without line ends."""
    names = [f"{file['file_number']}\t{file['path']}" for file in files]
    call = shlex.join(["sh", "-c", EACH_LINE, "sh", *command])
    return context.parallelize(names, max(1, len(names))).pipe(call, checkCode=True)


# Lines to tables -----------------------------------------------------------------------------------------------------


def rows(lines, name, table):
    """A table's rows, with the types that Sluice says; a line that isn't so ends the job."""
    beginning = f'{{"table":{json.dumps(name)},"row":'
    schema = StructType([StructField("row", StructType.fromJson(table["schema"]))])
    found = lines.where(f.col("value").startswith(beginning))
    return found.select(f.from_json("value", schema, {"mode": "FAILFAST"}).alias("line")).select("line.row.*")


def latest(frame, table):
    """One row for each key: where exports overlap, of an endpoint that comes twice the newest counts."""
    if not table["latest_by"]:
        return frame
    order = [f.col(name).desc_nulls_last() for name in table["latest_by"]]
    window = Window.partitionBy(*table["key"]).orderBy(*order)
    return frame.withColumn("sluice_place", f.row_number().over(window)).where("sluice_place = 1").drop("sluice_place")


if __name__ == "__main__":
    main()
