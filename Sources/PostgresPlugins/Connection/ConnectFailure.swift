internal import PipelineCore

/// Reads what libpq says about an attempt to connect, in the long form of its messages.
enum ConnectFailure {
    /// The last host's answer, or libpq's own words; the password never stands in it.
    static func read(_ text: String, _ parameters: ConnectionParameters) -> PostgresFailure {
        let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("LOCATION:") }
        for line in lines.reversed() {
            if let (state, message) = serversWords(line) {
                return PostgresFailure(sqlState: state, message: parameters.withoutPassword(message))
            }
        }
        let message = parameters.withoutPassword(lines.joined(separator: " ").trimmed)
        if lines.contains(where: { $0.contains("no password supplied") || $0.contains("password authentication") }) {
            return PostgresFailure(sqlState: "28000", message: message)
        }
        // Nothing that waiting helps against.
        let isLasting =
            ["certificate", "invalid sslmode", "invalid port", "server does not support SSL", "definition of service"]
            .contains { word in lines.contains { $0.contains(word) } }
        return PostgresFailure(sqlState: isLasting ? "42000" : nil, message: message)
    }

    /// `…: FATAL:  28P01: password authentication failed …`, whatever the severity is called in the server's language.
    private static func serversWords(_ line: String) -> (state: String, message: String)? {
        let parts = line.components(separatedBy: ":")
        for (index, part) in parts.enumerated().dropFirst() where index + 1 < parts.count {
            let state = part.drop { $0 == " " }
            guard part.hasPrefix(" "), state.utf8.count == 5,
                state.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) }),
                state.utf8.contains(where: { (48...57).contains($0) })
            else { continue }
            return (String(state), parts[(index + 1)...].joined(separator: ":").trimmed)
        }
        return nil
    }
}

extension String {
    fileprivate func components(separatedBy separator: Character) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }

    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
