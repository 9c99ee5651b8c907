internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// How a store's own JSON files are written and read: history, checkpoint file, manifest, owner.
enum StoredJSON {
    /// What is wrong with a file, as a clause: "it lacks 'run'".
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

    /// Reads a file; nil where there is none.
    ///
    /// - Parameters:
    ///   - unmarked: the format of a file that doesn't name one; nil where each does.
    ///   - hint: what to do where it can't be understood; the same for whoever reads a file of this kind.
    ///   - body: takes the document with its format, which this version knows.
    /// - Throws: `PipelineError` of kind `.configuration` that names the file, where it is damaged or of a later version: no
    ///   other attempt mends that.
    static func read<R>(
        _ path: String, unmarked: StoreFormat? = nil, hint: String, _ body: (JSONNode, StoreFormat) throws -> R
    ) throws -> R? {
        guard let bytes = try Files.contents(of: path) else { return nil }
        do {
            let root = try JSONTape(decoding: bytes).root
            guard root.kind == .object else { throw Fault("it holds no object") }
            let number = try root["format"] == nil ? nil : root.number("format")
            guard let format = number.map(StoreFormat.init) ?? unmarked else { throw Fault("it lacks 'format'") }
            try format.check(of: path)
            return try body(root, format)
        } catch let error as PipelineError {
            throw error
        } catch {
            let clause = (error as? Fault)?.clause ?? "it is damaged (\(error))"
            throw StoreFormat.unreadable(path, clause, hint: "\(hint) Nothing was changed.")
        }
    }
}

extension JSONWriter {
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
        guard let node = self[name] else { throw StoredJSON.Fault("it lacks '\(name)'") }
        return node
    }

    func string(_ name: String) throws -> String {
        guard let text = try member(name).text else { throw StoredJSON.Fault("its '\(name)' isn't a text") }
        return text
    }

    /// Nil for null.
    func textOrNull(_ name: String) throws -> String? {
        try member(name).isNull ? nil : string(name)
    }

    func boolean(_ name: String) throws -> Bool {
        guard let value = try member(name).boolean else {
            throw StoredJSON.Fault("its '\(name)' is neither true nor false")
        }
        return value
    }

    func list(_ name: String) throws -> [JSONNode] {
        guard try member(name).kind == .array else { throw StoredJSON.Fault("its '\(name)' isn't a list") }
        return try member(name).elements
    }

    func number(_ name: String) throws -> Int {
        guard let number = try member(name).integer else {
            throw StoredJSON.Fault("its '\(name)' isn't a whole number")
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
