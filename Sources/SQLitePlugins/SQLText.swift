/// A name as SQL spells it.
func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
}

/// Names as SQL spells a list of them.
func list(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

/// A text as SQL spells it.
func literal(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
}
