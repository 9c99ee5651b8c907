public import PipelineCore

/// Keeps the endpoints that meet every one of its conditions; the others are as if they weren't there.
public struct FilterTransform: Transform {
    struct Condition: Sendable {
        var path: MemberPath
        var test: Test
    }

    enum Test: Sendable {
        /// One of the values at the path is one of these.
        case isIn(Set<[UInt8]>)
        /// None of them is.
        case isNotIn(Set<[UInt8]>)
        /// Nothing stands at the path but nulls, empty lists and empty maps.
        case isNull
        case isNotNull
    }

    let conditions: [Condition]
    public var namedMembers: [[String]] { conditions.map(\.path.names) }

    public func apply(to endpoints: inout EndpointTape) {
        for endpoint in endpoints.indexes {
            if !conditions.allSatisfy({ $0.holds(for: endpoint, in: endpoints.tape) }) { endpoints.drop(endpoint) }
        }
    }
}

extension FilterTransform.Condition {
    func holds(for endpoint: Int, in tape: JSONTape) -> Bool {
        var values: [JSONNode] = []
        for index in tape.indexes(at: path.steps, below: endpoint) {
            Self.gather(tape.value(at: index), into: &values)
        }
        switch test {
        case .isIn(let texts): return values.contains { Self.text(of: $0).map(texts.contains) ?? false }
        case .isNotIn(let texts): return !values.contains { Self.text(of: $0).map(texts.contains) ?? false }
        case .isNull: return values.isEmpty
        case .isNotNull: return !values.isEmpty
        }
    }

    /// The elements of lists, and what is no list; nothing of nulls and of what is empty.
    private static func gather(_ node: JSONNode, into values: inout [JSONNode]) {
        switch node.kind {
        case .null: break
        case .array: for element in node.elements { gather(element, into: &values) }
        case .object: if !node.members.isEmpty { values.append(node) }
        case .string, .number, .true, .false: values.append(node)
        }
    }

    /// The UTF-8 of a string, or of a number, `true` or `false` as it stands in the answer; nil for a map.
    private static func text(of node: JSONNode) -> [UInt8]? {
        if let text = node.textBytes { return text }
        if let flag = node.boolean { return Array((flag ? "true" : "false").utf8) }
        return node.kind == .number ? Array(node.numberText.utf8) : nil
    }
}
