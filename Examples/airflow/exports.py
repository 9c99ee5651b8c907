"""Exports of several applications and Regions, every night: one task for each, side by side.

The Airflow variable `sluice_exports` says which: a list of objects, each with the variables that the pipeline beside this
file takes, such as

    [{"EXPORT": "shop-eu", "PINPOINT_APP_ID": "0123…", "AWS_REGION": "eu-central-1"},
     {"EXPORT": "shop-us", "PINPOINT_APP_ID": "4567…", "AWS_REGION": "us-east-1"}]

A task that is killed is tried again and goes on where its run stopped; a DAG run that is cleared does nothing that is done.
"""

import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import DAG, Variable, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROGRAM = os.environ.get("SLUICE", "sluice")
PIPELINE = os.environ.get("SLUICE_PIPELINE", Path(__file__).with_name("exports.yaml"))
#: Codes after which the same call may end better: a server that was away, a full disk, a stop or a lock.
AGAIN = {69, 74, 75}

with DAG(
    "pinpoint_exports",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):

    @task
    def exports():
        return Variable.get("sluice_exports", deserialize_json=True)

    @task(retries=20, retry_delay=timedelta(minutes=1), map_index_template="{{ name }}")
    def run(export):
        from airflow.sdk import get_current_context

        context = get_current_context()
        context["name"] = export["EXPORT"]
        # A DAG run that was triggered by hand may have no logical date: the moment that it was to run after stays the same for
        # all tries. Either may have fractions of a second, which the dates of runs don't.
        date = context.get("logical_date") or context["dag_run"].run_after
        date = date.isoformat(timespec="seconds")
        command = [PROGRAM, "run", PIPELINE, "--retry", "--logical-date", date, "--log-format", "json"]
        process = subprocess.Popen(command, env={**os.environ, **export})
        try:
            code = process.wait()
        except BaseException:
            # Airflow ends the task: the run finishes the commit at hand.
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                # Then it goes on behind the last commit all the same.
                process.kill()
            raise
        if code in AGAIN or code < 0:
            raise AirflowException(f"the run ended with {code}, and goes on with the next try")
        if code != 0:
            raise AirflowFailException(f"the run ended with {code}: its last lines say what to do")

    run.expand(export=exports())
