"""What a row of the table is."""


class Row:
    #: What `--only` and `--list` call it.
    name = ""
    #: What ours is measured beside.
    peer = "–"
    #: Not part of `--quick`.
    is_long = False

    def why_not(self, bench):
        """Why this row can't be measured here; nothing if it can."""
        return ""

    def measure(self, bench):
        """One `Result`, or several."""
        raise NotImplementedError
