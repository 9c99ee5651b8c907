internal import PipelineCore

/// A JSON document's value in one form, however a store has written it down: members by the bytes of their names, numbers by
/// their decimal value, strings without escapes.
enum CanonicalJSON {
    /// Appends the form; of what is no JSON, its bytes.
    static func append(_ document: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        // What most rows have.
        if document.elementsEqual("{}".utf8) { return bytes.append(contentsOf: "{}".utf8) }
        guard let tape = try? JSONTape(decoding: Array(document), depthLimit: 1000) else {
            bytes.append(UInt8(ascii: "?"))
            return bytes.append(contentsOf: document)
        }
        tape.withContents { append($0, 0, to: &bytes) }
    }

    private static func append(_ contents: TapeContents, _ index: Int, to bytes: inout [UInt8]) {
        let node = contents.nodes[index]
        switch node.kind {
        case .null: bytes.append(UInt8(ascii: "n"))
        case .true: bytes.append(UInt8(ascii: "t"))
        case .false: bytes.append(UInt8(ascii: "f"))
        case .number: JSONNumber.appendCanonical(contents.source(node), to: &bytes)
        case .string: append(text(node, contents), to: &bytes)
        case .array:
            bytes.append(UInt8(ascii: "["))
            var child = index + 1
            while child < Int(node.end) {
                append(contents, child, to: &bytes)
                bytes.append(UInt8(ascii: ","))
                child = Int(contents.nodes[child].end)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object:
            var members: [(name: [UInt8], value: Int)] = []
            var child = index + 1
            while child < Int(node.end) {
                // Of two members with one name the last counts, as in `jsonb`.
                if !contents.nodes[child].isDropped {
                    members.append((text(contents.nodes[child], contents), child + 1))
                }
                child = Int(contents.nodes[child + 1].end)
            }
            members.sort { $0.name.lexicographicallyPrecedes($1.name) }
            bytes.append(UInt8(ascii: "{"))
            for (name, value) in members {
                append(name, to: &bytes)
                append(contents, value, to: &bytes)
                bytes.append(UInt8(ascii: ","))
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func text(_ node: TapeNode, _ contents: TapeContents) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(1, Int(node.length))) { buffer, count in
            if let output = buffer.baseAddress { count = contents.decode(node, into: output) }
        }
    }

    /// With its length in front, so that no text can pass for something else.
    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: String(text.count).utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text)
    }
}
