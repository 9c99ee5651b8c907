internal import PipelineCore

/// JSON that people may look at too: a member a line.
enum JSONMembers {
    /// - Parameter members: names, and values that are JSON already.
    static func text(_ members: [(String, String)]) -> String {
        let lines = members.map { name, value in
            var writer = JSONWriter()
            writer.value(name)
            return "\(writer.text): \(value)"
        }
        return "{\n\(lines.joined(separator: ",\n"))\n}\n"
    }
}
