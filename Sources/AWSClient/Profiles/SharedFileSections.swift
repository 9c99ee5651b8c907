/// One of the files that the AWS tools share (`~/.aws/config`, `~/.aws/credentials`), in its sections.
///
/// The grammar is the one that the SDKs' common tests fix: a comment begins a line, or stands behind a blank; a line that
/// is indented deeper than a property continues its value; behind an empty value, such lines are properties of their own.
/// As in Python's `configparser`, which botocore reads these files with, a section's properties may be indented as well.
///
/// What can't be understood is left out and noted: most of it is of other profiles than the one in use.
package struct SharedFileSections: Sendable {
    package struct Section: Sendable {
        /// What stands between the brackets, trimmed.
        package var name: String
        /// Lower-case names; the last of equal ones.
        package var properties: [String: String]
    }

    package struct Malformed: Error, Sendable, Hashable {
        /// 1-based
        package let line: Int
        /// Holds nothing of the line: it may be a secret.
        package let message: String
        /// The section that it stands in; nil where that has no name.
        package let section: String?
    }

    /// In the file's order; a name may occur more than once.
    package private(set) var sections: [Section] = []
    /// In the file's order.
    package private(set) var faults: [Malformed] = []

    package init(_ text: String) {
        var reader = Reader()
        for (index, raw) in Self.lines(text).enumerated() {
            let line = String(decoding: raw, as: UTF8.self)
            let trimmed = Self.trim(line)
            guard let first = trimmed.utf8.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
                continue
            }
            let indent = line.utf8.prefix { Self.isBlank($0) }.count
            if let message = reader.take(trimmed, indent: indent) {
                let section = reader.isInSection ? reader.sections.last?.name : nil
                faults.append(Malformed(line: index + 1, message: message, section: section))
            }
        }
        sections = reader.sections.map { section in
            Section(name: section.name, properties: section.properties.filter { Self.isName($0.key) })
        }
    }

    /// Swift counts CR LF as one character, so lines are split by bytes.
    private static func lines(_ text: String) -> [ArraySlice<UInt8>] {
        var bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        // A lone CR ends a line as well; of CR LF it is a blank at the line's end.
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\r") {
            let isLone = index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n")
            if isLone { bytes[index] = UInt8(ascii: "\n") }
        }
        return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    /// The properties within a property's value: its lines `name = value`.
    package static func subproperties(_ value: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in value.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            result[trim(line[..<equals]).lowercased()] = trim(line[line.index(after: equals)...])
        }
        return result
    }

    /// Letters, digits and `- / . % @ _ : +`
    package static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-/.%@_:+".utf8.contains(byte)
                }
            }
    }

    package static func trim(_ text: some StringProtocol) -> String {
        let rest = Substring(text).utf8.drop { isBlank($0) }
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(Substring(rest[...last]))
    }

    private static func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// A `#` or `;` behind a blank begins a comment.
    private static func withoutComment(_ text: String) -> String {
        var before: UInt8?
        for index in text.utf8.indices {
            let byte = text.utf8[index]
            if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";"), isBlank(before) { return String(text[..<index]) }
            before = byte
        }
        return text
    }

    /// Takes one line after the other.
    private struct Reader {
        var sections: [Section] = []
        /// False before the first header, and behind one that can't be read.
        var isInSection = false
        private var isBehindOddHeader = false
        private var property: (name: String, hasSubproperties: Bool)?
        /// Of the last line that continues nothing.
        private var indent = 0

        /// - Returns: why the line can't be understood; nil where it can.
        mutating func take(_ line: String, indent: Int) -> String? {
            if let property, indent > self.indent {
                if property.hasSubproperties, !line.contains("=") {
                    return "Expected an '=' sign defining a sub-property"
                }
                sections[sections.count - 1].properties[property.name, default: ""] += "\n\(line)"
                return nil
            }
            self.indent = indent
            property = nil
            if line.utf8.first == UInt8(ascii: "[") { return header(line) }
            guard isInSection else {
                // One message for a header says it all.
                return isBehindOddHeader ? nil : "Expected a profile definition"
            }
            let definition = withoutComment(line)
            guard let equals = definition.firstIndex(of: "=") else {
                return indent > 0
                    ? "Expected a property definition, found continuation"
                    : "Expected an '=' sign defining a property"
            }
            let name = trim(definition[..<equals]).lowercased()
            if name.isEmpty { return "The property in front of '=' has no name" }
            // `name: value` with an '=' in its value.
            if !isName(name), name.contains(":") { return "Expected an '=' sign defining a property" }
            let value = trim(definition[definition.index(after: equals)...])
            property = (name, value.isEmpty)
            sections[sections.count - 1].properties[name] = value
            return nil
        }

        private mutating func header(_ line: String) -> String? {
            guard let end = line.firstIndex(of: "]") else {
                (isInSection, isBehindOddHeader) = (false, true)
                return "A profile definition must end with ']'"
            }
            (isInSection, isBehindOddHeader) = (true, false)
            // What stands behind the bracket is ignored, as botocore does.
            sections.append(Section(name: trim(line[line.index(after: line.startIndex)..<end]), properties: [:]))
            return nil
        }
    }
}
