/// The columns of a Pinpoint import file, and the endpoint that a row makes.
///
/// Dots in a header lead into maps: `User.UserId`. `Attributes.x` and `User.UserAttributes.x` are lists of texts, with a
/// header repeated for each further element; `Metrics.x`, `Location.Latitude` and `Location.Longitude` are numbers where
/// the text is one in JSON. Everything else is text, columns that Pinpoint doesn't know included. Empty fields are left out.
struct ImportColumns {
    private enum Kind {
        case text
        case number
        case list
    }

    /// A member of the endpoint or of one of its maps.
    private struct Member {
        /// As it stands in the document: `"Attributes":`.
        var label: [UInt8]
        var name: [UInt8]
        var kind = Kind.text
        /// The columns of a value, from 0, in order.
        var columns: [Int] = []
        /// The members of a map.
        var members: [Member]?
    }

    private var members: [Member] = []
    let count: Int

    init(header: [[UInt8]]) {
        count = header.count
        for (column, name) in header.enumerated() {
            let (path, kind) = Self.path(name)
            if !Self.insert(path, kind, column, into: &members) {
                // A value and a map can't share a name: this one stands at the top, under its whole name.
                _ = Self.insert([name], .list, column, into: &members)
            }
        }
    }

    private static func path(_ name: [UInt8]) -> (path: [[UInt8]], kind: Kind) {
        // An attribute's own name may hold dots.
        let maps: [([String], Kind)] = [
            (["Attributes"], .list), (["User", "UserAttributes"], .list), (["Metrics"], .number),
        ]
        for (map, kind) in maps {
            let prefix = Array((map.joined(separator: ".") + ".").utf8)
            if name.starts(with: prefix) {
                return (map.map { Array($0.utf8) } + [Array(name.dropFirst(prefix.count))], kind)
            }
        }
        let isNumber = ["Location.Latitude", "Location.Longitude"].contains { Array($0.utf8) == name }
        let path = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        // Deeper than anything that Pinpoint has; documents have a bound of their own.
        return (path.count > 8 ? [name] : path, isNumber ? .number : .text)
    }

    /// False where a name on the way is a value, or the last one a map.
    private static func insert(
        _ path: [[UInt8]], _ kind: Kind, _ column: Int, into members: inout [Member]
    ) -> Bool {
        guard let name = path.first else { return false }
        let isLast = path.count == 1
        let index: Int
        if let found = members.firstIndex(where: { $0.name == name }) {
            index = found
            guard (members[index].members == nil) == isLast else { return false }
        } else {
            var label: [UInt8] = []
            appendText(name, to: &label)
            label.append(UInt8(ascii: ":"))
            index = members.count
            members.append(Member(label: label, name: name, kind: kind, members: isLast ? nil : []))
        }
        if isLast {
            members[index].columns.append(column)
            return true
        }
        var inner = members[index].members ?? []
        members[index].members = nil
        defer { members[index].members = inner }
        return insert(Array(path.dropFirst()), kind, column, into: &inner)
    }

    /// The row's endpoint as a JSON document.
    ///
    /// - Parameter fields: as many as the header has; valid UTF-8.
    func document(_ fields: ArraySlice<[UInt8]>) -> [UInt8] {
        var output: [UInt8] = []
        _ = write(members, fields, to: &output)
        if output.isEmpty { output = Array("{}".utf8) }
        return output
    }

    /// Appends a map; false, and nothing is appended, where it is empty.
    private func write(_ members: [Member], _ fields: ArraySlice<[UInt8]>, to output: inout [UInt8]) -> Bool {
        let start = output.count
        for member in members {
            let before = output.count
            output.append(before == start ? UInt8(ascii: "{") : UInt8(ascii: ","))
            output += member.label
            let hasValue =
                if let inner = member.members {
                    write(inner, fields, to: &output)
                } else {
                    write(member, fields, to: &output)
                }
            if !hasValue { output.removeSubrange(before...) }
        }
        if output.count == start { return false }
        output.append(UInt8(ascii: "}"))
        return true
    }

    private func write(_ member: Member, _ fields: ArraySlice<[UInt8]>, to output: inout [UInt8]) -> Bool {
        let values = member.columns.lazy.map { fields[fields.startIndex + $0] }.filter { !$0.isEmpty }
        guard let first = values.first else { return false }
        // A header that is repeated where no list is expected makes one all the same: nothing is lost.
        let isList = member.kind == .list || member.columns.count > 1
        if !isList {
            append(first, member.kind, to: &output)
            return true
        }
        var opening = UInt8(ascii: "[")
        for value in values {
            output.append(opening)
            append(value, member.kind, to: &output)
            opening = UInt8(ascii: ",")
        }
        output.append(UInt8(ascii: "]"))
        return true
    }

    private func append(_ value: [UInt8], _ kind: Kind, to output: inout [UInt8]) {
        if case .number = kind, Self.isNumber(value) {
            output += value
        } else {
            Self.appendText(value, to: &output)
        }
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
    private static func isNumber(_ text: [UInt8]) -> Bool {
        var rest = text[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        if whole == 0 || (leadsWithZero && whole > 1) { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            if digits() == 0 { return false }
        }
        if let letter = rest.first, letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }

    private static func appendText(_ text: [UInt8], to output: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        output.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: output += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
