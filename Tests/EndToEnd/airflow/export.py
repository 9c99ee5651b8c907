"""A DAG as a user would write it: one task, which runs the pipeline for the DAG run's date.

`SLUICE_BIN` and `SLUICE_PIPELINE` say what is run; credentials come from the environment.
"""

import os

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "export",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="run",
        bash_command=(
            "exec {{ params.sluice }} run {{ params.pipeline }} --logical-date {{ ts }} --log-format json --output json"
        ),
        params={"sluice": os.environ["SLUICE_BIN"], "pipeline": os.environ["SLUICE_PIPELINE"]},
        append_env=True,
    )
