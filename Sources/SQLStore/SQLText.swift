/// A name as SQL spells it.
public func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
}

/// Names as SQL spells a list of them.
public func quoted(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

/// A text as SQL spells it; in PostgreSQL with `standard_conforming_strings` on.
public func literal(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
}
