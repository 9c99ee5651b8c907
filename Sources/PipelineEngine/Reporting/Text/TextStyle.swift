/// How a text for people looks: with a few colours on a terminal, with none elsewhere.
public enum TextStyle: Sendable, Hashable {
    case plain, coloured

    /// What went right.
    package func good(_ text: String) -> String { paint(text, 32) }
    /// What somebody should look at, or wait for.
    package func doubtful(_ text: String) -> String { paint(text, 33) }
    /// What went wrong.
    package func bad(_ text: String) -> String { paint(text, 31) }

    private func paint(_ text: String, _ colour: Int) -> String {
        self == .plain || text.isEmpty ? text : "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}
