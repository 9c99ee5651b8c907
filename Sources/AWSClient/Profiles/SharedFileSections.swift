/// One of the files that the AWS tools share (`~/.aws/config`, `~/.aws/credentials`), in its sections.
///
/// The grammar is the one that the SDKs' common tests fix: a comment begins a line, or stands behind a blank; a line that
/// begins with a blank continues the value in front of it; behind an empty value, such lines are properties of their own.
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
    }

    /// In the file's order; a name may occur more than once.
    package private(set) var sections: [Section] = []

    package init(_ text: String) throws(Malformed) {
        var property: (name: String, hasSubproperties: Bool)?
        // Swift counts CR LF as one character, so lines are split by bytes.
        let bytes = Array(text.utf8)
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, raw) in lines.enumerated() {
            let line = String(decoding: raw, as: UTF8.self)
            let trimmed = Self.trim(line)
            guard let first = trimmed.first, first != "#", first != ";" else { continue }
            if Self.isBlank(line.utf8.first) {
                guard let current = property else {
                    throw Malformed(line: index + 1, message: "Expected a property definition, found continuation")
                }
                if current.hasSubproperties, !trimmed.contains("=") {
                    throw Malformed(line: index + 1, message: "Expected an '=' sign defining a sub-property")
                }
                sections[sections.count - 1].properties[current.name, default: ""] += "\n\(trimmed)"
            } else if first == "[" {
                property = nil
                guard let end = trimmed.firstIndex(of: "]") else {
                    throw Malformed(line: index + 1, message: "A profile definition must end with ']'")
                }
                let behind = Self.trim(trimmed[trimmed.index(after: end)...])
                guard behind.isEmpty || behind.hasPrefix("#") || behind.hasPrefix(";") else {
                    throw Malformed(line: index + 1, message: "Only a comment may stand behind a profile definition")
                }
                let name = Self.trim(trimmed[trimmed.index(after: trimmed.startIndex)..<end])
                sections.append(Section(name: name, properties: [:]))
            } else {
                guard !sections.isEmpty else {
                    throw Malformed(line: index + 1, message: "Expected a profile definition")
                }
                let definition = Self.withoutComment(trimmed)
                guard let equals = definition.firstIndex(of: "=") else {
                    throw Malformed(line: index + 1, message: "Expected an '=' sign defining a property")
                }
                let name = Self.trim(definition[..<equals]).lowercased()
                guard !name.isEmpty else {
                    throw Malformed(line: index + 1, message: "The property in front of '=' has no name")
                }
                let value = Self.trim(definition[definition.index(after: equals)...])
                property = (name, value.isEmpty)
                sections[sections.count - 1].properties[name] = value
            }
        }
        for index in sections.indices {
            sections[index].properties = sections[index].properties.filter { Self.isName($0.key) }
        }
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
}
