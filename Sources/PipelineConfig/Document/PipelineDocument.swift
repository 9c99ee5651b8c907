internal import Yams

/// A configuration file as a tree of values with places.
struct PipelineDocument {
    let root: DocumentNode

    /// Nil, with diagnostics, where there is no one YAML document. Duplicate keys are reported; the first one counts.
    init?(_ bytes: [UInt8], diagnostics: inout DiagnosticCollector) {
        guard var text = DocumentText(bytes, diagnostics: &diagnostics) else { return nil }
        guard AliasLimits.check(text, diagnostics: &diagnostics) else { return nil }
        var veils = KeyVeils()
        while true {
            do {
                let parser = try Parser(yaml: text.text, resolver: .basic, encoding: .utf8)
                guard let node = try parser.nextRoot() else {
                    diagnostics.error("the file holds no options", at: Place(line: 1, column: 1))
                    return nil
                }
                if let second = try parser.nextRoot() {
                    let content = second.mark.map(Place.init) ?? Place(line: 1, column: 1)
                    let mistake = YAMLMistake.secondDocument(at: TextOutline(text).documentStart(before: content))
                    diagnostics.error(mistake.message, at: mistake.place, hint: mistake.hint)
                    return nil
                }
                guard
                    let root = DocumentComposer.compose(
                        node, characters: text.scalars.count, veils: veils, diagnostics: &diagnostics)
                else { return nil }
                guard !root.isNull else {
                    diagnostics.error("the file holds no options", at: root.place)
                    return nil
                }
                self.root = root
                return
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                // The parser stops at the first mapping with such keys and tells where the first of them stands. That
                // one is veiled, so that the parser goes on, and all are reported where the second one stands.
                let key = keys.first ?? ""
                guard veils.veil(key, at: Place(context.mark), in: &text) else {
                    diagnostics.error(
                        "the key '\(key)' stands here and once more below", at: Place(context.mark))
                    return nil
                }
            } catch {
                Self.report(error, in: text, to: &diagnostics)
                return nil
            }
        }
    }

    /// Parses a value that a schema holds, such as a default.
    init?(yaml: String, diagnostics: inout DiagnosticCollector) {
        self.init(Array(yaml.utf8), diagnostics: &diagnostics)
    }

    private static func report(
        _ error: any Error, in text: DocumentText, to diagnostics: inout DiagnosticCollector
    ) {
        guard let error = error as? YamlError else {
            diagnostics.error("the file isn't valid YAML", at: nil)
            return
        }
        guard let complaint = YAMLComplaint(error) else {
            if case .reader(let problem, _, _, _) = error {
                diagnostics.error("not valid YAML: \(problem)", at: nil)
            } else {
                diagnostics.error("the file isn't valid YAML", at: nil)
            }
            return
        }
        if let mistake = YAMLMistake(complaint, in: text) {
            diagnostics.error(mistake.message, at: mistake.place, hint: mistake.hint)
            return
        }
        let hint = complaint.context.map { context in
            context.place == complaint.place
                ? context.text : "\(context.text) that begins at \(context.place)"
        }
        diagnostics.error("not valid YAML: \(complaint.problem)", at: complaint.place, hint: hint)
    }
}

extension Place {
    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

/// Keys that stand twice, made different from each other for the parser's eyes: the first character of each is
/// exchanged for a private one, which keeps all columns.
struct KeyVeils {
    private static let first: UInt32 = 0xF0000
    /// So many repeated keys are parsed around; the next one ends the reading.
    private static let limit = 64
    /// Each costs one more reading of the whole text; so many characters are read again in all.
    private static let maximumReread = 4_000_000

    private var keys: [String] = []

    /// False where the key can't be veiled: it isn't a simple one, or there are too many.
    mutating func veil(_ key: String, at place: Place, in text: inout DocumentText) -> Bool {
        guard keys.count < Self.limit, keys.count * text.scalars.count <= Self.maximumReread,
            var offset = text.offset(of: place),
            let veil = Unicode.Scalar(Self.first + UInt32(keys.count)),
            !keys.isEmpty || !text.scalars.contains(where: { $0.value >= Self.first })
        else { return false }
        if text.scalars[offset] == "\"" || text.scalars[offset] == "'" {
            offset += 1
            guard offset + 1 < text.scalars.count, !["\"", "'"].contains(text.scalars[offset]) else {
                return false
            }
            // The rest of an escape is harmless text, unless it would end the key.
            if text.scalars[offset] == "\\", ["\"", "\n", "\r"].contains(text.scalars[offset + 1]) {
                return false
            }
        } else if "&*!?|>[]{}".unicodeScalars.contains(text.scalars[offset]) {
            return false
        }
        guard text.scalars[offset].value < Self.first else { return false }
        keys.append(key)
        text.replace(at: offset, with: veil)
        return true
    }

    /// The key as the parser first told it.
    func lift(_ key: String) -> String {
        guard let scalar = key.unicodeScalars.first, scalar.value >= Self.first else { return key }
        let index = Int(scalar.value - Self.first)
        return index < keys.count ? keys[index] : key
    }
}
