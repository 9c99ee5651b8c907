internal import PipelineCore

extension OptionDecoder {
    /// Any value as JSON. A scalar that begins as a JSON document does is one, so that its spelling can be chosen freely;
    /// references aren't replaced, since `${` may stand in an answer.
    mutating func decodeDocument(_ node: DocumentNode, label: String) -> OptionValue? {
        if case .scalar(let text, isPlain: false) = node.content, let first = text.first(where: { !$0.isWhitespace }),
            first == "{" || first == "["
        {
            do throws(JSONDecodingError) { _ = try JSONTape(decoding: Array(text.utf8)) } catch {
                diagnostics.error("\(label) holds no JSON document: \(error)", at: node.place)
                return nil
            }
            return .document(text)
        }
        return .document(JSONValue(node).compact)
    }
}

extension JSONValue {
    /// A YAML value as JSON: what is spelled like a JSON number, `true`, `false` or a null is one where it isn't quoted.
    fileprivate init(_ node: DocumentNode) {
        switch node.content {
        case .sequence(let items): self = .array(items.map(JSONValue.init))
        case .mapping(let entries): self = .object(entries.map { ($0.key, JSONValue($0.value)) })
        case .scalar(let text, isPlain: true):
            if node.isNull {
                self = .null
            } else if text == "true" || text == "false" {
                self = .boolean(text == "true")
            } else if let tape = try? JSONTape(decoding: Array(text.utf8)), tape.root.kind == .number {
                self = .raw(text)
            } else {
                self = .string(text)
            }
        case .scalar(let text, isPlain: false): self = .string(text)
        }
    }
}
