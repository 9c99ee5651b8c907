/// A name as SQL spells it.
func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
}

/// Names as SQL spells a list of them.
func list(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

/// A text as SQL spells it, with `standard_conforming_strings` on.
func literal(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
}

/// A `timestamptz` as the tables' text form, `2026-01-02T03:04:05.678Z`, in a session whose time zone is UTC.
func timeText(_ column: String) -> String { #"to_char(\#(column), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"# }
