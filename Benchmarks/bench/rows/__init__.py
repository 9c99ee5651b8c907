"""The rows of the table, in its order. A row is what `Row` says; a new one needs one more line here."""

from . import api, archive_databases, archive_files, cost, decoding, growth, limit, merge_again

ROWS = [
    api.ToSQLite(1),
    api.ToSQLite(3),
    limit.Unknown(),
    limit.Moving(),
    decoding.Decoding(),
    archive_files.ToNDJSON("gzip"),
    archive_files.ToNDJSON("zstd"),
    archive_databases.IntoSQLite(),
    archive_databases.IntoPostgres("append"),
    archive_databases.IntoPostgres("merge"),
    *(merge_again.IntoPostgres(percent) for percent in (0, 1, 100)),
    *(merge_again.IntoSQLite(percent) for percent in (0, 1, 100)),
    cost.Validate(),
    cost.Shards(),
    *growth.ROWS,
]
