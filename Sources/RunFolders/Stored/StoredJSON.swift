internal import LocalFiles
internal import PipelineCore

/// How a store's own JSON files are written and read: history, checkpoint file, manifest, owner.
enum StoredJSON {
    /// The version of the form of history, checkpoint file and manifest.
    static let format = 1

    /// What is wrong with a file, as a clause that follows its path.
    struct Fault: Error {
        var clause: String

        init(_ clause: String) { self.clause = clause }
    }

    /// A file's text: one object, on a line of its own.
    static func text(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(body)
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// - Throws: `Fault` where a file has another form than this version's.
    static func checkFormat(of root: JSONNode) throws {
        guard try root.number("format") == format else { throw Fault("was written by another version of this program") }
    }

    /// Reads a file; nil where there is none.
    ///
    /// - Throws: `PipelineError` that names the file: `.configuration` where it is damaged or of another version, which no
    ///   other attempt mends.
    static func read<R>(
        _ path: String, hint: String = "Restore it from a backup, or run with --fresh to begin again.",
        _ body: (JSONNode) throws -> R
    ) throws -> R? {
        guard let bytes = try Files.contents(of: path) else { return nil }
        do { return try body(JSONTape(decoding: bytes).root) } catch {
            let clause = (error as? Fault)?.clause ?? "is damaged (\(error))"
            throw PipelineError(.configuration, "\(path) \(clause)", hint: hint)
        }
    }
}

extension JSONWriter {
    mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        key(name)
        self.value(value)
    }

    /// Writes a value as it stands in another document.
    mutating func value(_ node: JSONNode) {
        switch node.kind {
        case .object:
            object { writer in
                for (name, value) in node.members {
                    writer.key(name)
                    writer.value(value)
                }
            }
        case .array: array { writer in for element in node.elements { writer.value(element) } }
        case .string: value(node.text ?? "")
        case .number: raw(node.numberText)
        case .true: value(true)
        case .false: value(false)
        case .null: null()
        }
    }
}

extension JSONNode {
    func member(_ name: String) throws -> JSONNode {
        guard let node = self[name] else { throw StoredJSON.Fault("lacks '\(name)'") }
        return node
    }

    func string(_ name: String) throws -> String {
        guard let text = try member(name).text else { throw StoredJSON.Fault("has a '\(name)' that isn't a text") }
        return text
    }

    func number(_ name: String) throws -> Int {
        guard let number = try member(name).integer else {
            throw StoredJSON.Fault("has a '\(name)' that isn't a whole number")
        }
        return Int(number)
    }

    /// The document's text.
    var compact: String {
        var writer = JSONWriter()
        writer.value(self)
        return writer.text
    }
}
