/// The header of an import file as Pinpoint spells it.
///
/// Blanks beside a name are no part of it. A name that differs from one of Pinpoint's in its case alone is that one, unless
/// another column has it.
struct ImportHeader {
    /// The columns' names.
    private(set) var names: [[UInt8]]
    /// It names what every import file names.
    let isKnown: Bool
    /// Blanks stand behind the separators, so they do in rows, and are no part of the values either.
    let hasBlanks: Bool

    init(_ fields: some Collection<[UInt8]>) {
        hasBlanks = fields.count > 1 && fields.dropFirst().allSatisfy { $0.first == 0x20 }
        let written = fields.map(Self.name)
        names = written
        var taken = Set(written)
        for (column, name) in written.enumerated() {
            guard let standard = Self.standard(name), standard != name else { continue }
            // Attributes have names of their own, and repeat as lists.
            let isList = Self.prefixes.contains { standard.count > $0.count && standard.starts(with: $0) }
            if isList || taken.insert(standard).inserted { names[column] = standard }
        }
        isKnown = names.contains { name in Self.keys.contains(name) }
    }

    /// Whether a row holds names of columns and nothing else, an endpoint's key among them.
    static func isHeader(_ fields: some Collection<[UInt8]>) -> Bool {
        guard fields.count > 1, let first = fields.first, standard(name(first)) != nil else { return false }
        return fields.allSatisfy { standard(name($0)) != nil } && ImportHeader(fields).isKnown
    }

    /// A value without the blanks, and then the quotes, that stand before it where separators have blanks.
    static func value(_ field: [UInt8]) -> [UInt8] { unquoted(Array(field.drop { $0 == 0x20 })) }

    private static func name(_ field: [UInt8]) -> [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var text = field[...].drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return unquoted(Array(text))
    }

    private static func unquoted(_ text: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        guard text.count > 1, text.first == quote, text.last == quote else { return text }
        return Array(text[1..<text.count - 1])
    }

    private static func standard(_ name: [UInt8]) -> [UInt8]? {
        let folded = lowercased(name)
        if let known = known[folded] { return known }
        for prefix in prefixes where folded.starts(with: lowercased(prefix)) {
            return prefix + name.dropFirst(prefix.count)
        }
        return nil
    }

    private static func lowercased(_ text: [UInt8]) -> [UInt8] {
        text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    private static let keys = ["Id", "Address", "ChannelType", "User.UserId"].map { Array($0.utf8) }
    private static let prefixes = ["Attributes.", "User.UserAttributes.", "Metrics."].map { Array($0.utf8) }
    private static let known: [[UInt8]: [UInt8]] = {
        let plain = [
            "Id", "Address", "ApplicationId", "ChannelType", "CohortId", "CreationDate", "EffectiveDate",
            "EndpointStatus",
            "OptOut", "RequestId", "User.UserId",
        ]
        let demographic = [
            "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion", "Timezone",
        ]
        let location = ["City", "Country", "Latitude", "Longitude", "PostalCode", "Region"]
        let names = plain + demographic.map { "Demographic.\($0)" } + location.map { "Location.\($0)" }
        return Dictionary(uniqueKeysWithValues: names.map { (lowercased(Array($0.utf8)), Array($0.utf8)) })
    }()
}
