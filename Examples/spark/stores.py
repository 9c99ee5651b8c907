"""Where the rows go: Parquet, JSON as `sluice verify` reads it, and tables of Postgres."""

from contextlib import closing

from pyspark.sql import functions as f
from pyspark.sql.types import ArrayType, StringType, TimestampType

TIME = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"


def write_parquet(frame, path):
    # Dates before 1900 as they are, and times as a type that other readers know.
    frame.sparkSession.conf.set("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
    frame.sparkSession.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    frame.write.mode("overwrite").parquet(path)


def write_json(frame, path):
    frame.write.mode("overwrite").json(path, compression="gzip", timestampFormat=TIME, ignoreNullFields=False)


class Postgres:
    """Tables as `sluice tables --as postgres` makes them, and every reader sees the old rows or the new ones."""

    def __init__(self, url):
        self.url = url

    def replace(self, frames):
        for name, frame in frames.items():
            self.stage(name, frame)
        with closing(self.connect()) as connection, connection.transaction():
            for name in frames:
                columns = self.columns(connection, name)
                values = ", ".join(f"{quoted(column)}::{type}" for column, type in columns.items())
                names = ", ".join(map(quoted, columns))
                connection.execute(f"DELETE FROM {quoted(name)}")
                # A task that was done twice has staged its rows twice.
                connection.execute(
                    f"INSERT INTO {quoted(name)} ({names}) SELECT {values} FROM (SELECT DISTINCT * FROM {staging(name)}) AS next"
                )
                connection.execute(f"DROP TABLE {staging(name)}")

    def stage(self, name, frame):
        """Rows as text, into a table without keys, each task by a COPY of its own."""
        with closing(self.connect()) as connection, connection.transaction():
            # Those of `frame`, in its order: the table may have others.
            columns = ", ".join(f"{quoted(column)} text" for column in frame.columns)
            connection.execute(f"DROP TABLE IF EXISTS {staging(name)}")
            connection.execute(f"CREATE UNLOGGED TABLE {staging(name)} ({columns})")
        text = frame.select(*[as_text(field) for field in frame.schema.fields])
        text.foreachPartition(lambda rows: self.copy(name, rows))

    def copy(self, name, rows):
        with closing(self.connect()) as connection, connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(f"COPY {staging(name)} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

    def columns(self, connection, name):
        """The types of the table's columns, of those that are staged."""
        found = connection.execute(
            "SELECT table_.attname, format_type(table_.atttypid, table_.atttypmod) "
            "FROM pg_attribute AS table_ JOIN pg_attribute AS next ON next.attname = table_.attname "
            "WHERE table_.attrelid = %s::regclass AND next.attrelid = %s::regclass AND next.attnum > 0",
            [quoted(name), staging(name)],
        )
        return dict(found.fetchall())

    def connect(self):
        # The workers have it too.
        import psycopg

        return psycopg.connect(self.url, autocommit=True)


def as_text(field):
    """A column as Postgres reads it; the lists of the document layout become the objects that Sluice writes there."""
    column = f.col(f"`{field.name}`")
    if isinstance(field.dataType, ArrayType):
        value = field.dataType.elementType.names[1]
        entries = f.transform(column, lambda entry: f.struct(entry["name"], entry[value]))
        column = f.to_json(f.map_from_entries(entries))
    elif isinstance(field.dataType, TimestampType):
        column = f.date_format(column, TIME)
    elif not isinstance(field.dataType, StringType):
        column = column.cast("string")
    return column.alias(field.name)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def staging(name):
    return quoted(f"sluice_next_{name}")
