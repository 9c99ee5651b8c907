public import PipelineCore

/// A 200 that isn't the expected JSON: to be retried, never to be taken for "no endpoints".
public struct MalformedAnswer: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the body; nothing of its content.
    public var message: String
    public var description: String { message }

    public init(_ message: String) { self.message = message }
}

/// The bodies that `GetUserEndpoints` answers with.
public enum EndpointAnswer {
    /// Reads the body of a 200: `{"Item":[…]}`, where a list without elements and null both mean no endpoint.
    public static func decode(_ body: [UInt8]) throws(MalformedAnswer) -> EndpointTape {
        let tape: JSONTape
        do throws(JSONDecodingError) { tape = try JSONTape(decoding: body) } catch {
            throw MalformedAnswer(
                body.isEmpty ? "the answer has no body" : "the answer of \(body.count) bytes is \(error)")
        }
        guard tape.root.kind == .object else { throw MalformedAnswer("the answer isn't a JSON object") }
        guard let item = tape.root["Item"] else { throw MalformedAnswer("the answer has no member 'Item'") }
        switch item.kind {
        case .null: return EndpointTape(tape, form: .none)
        case .array: break
        default: throw MalformedAnswer("the answer's 'Item' isn't a list")
        }
        let list = item.index
        let areObjects = tape.withContents { contents in
            var element = list + 1
            while element < Int(contents.nodes[list].end) {
                if contents.nodes[element].kind != .object { return false }
                element = Int(contents.nodes[element].end)
            }
            return true
        }
        guard areObjects else { throw MalformedAnswer("an element of the answer's 'Item' isn't an object") }
        return EndpointTape(tape, form: .list(node: list))
    }

    /// Reads whatever a service says about an error; anything else gives nils.
    ///
    /// - Returns: `code` from `__type` or `code`, as it stands there; `message` from `Message` or `message`;
    ///   `requestID` from `RequestID`; `isService`: `Message` is spelt as the service spells it, and as gateways in
    ///   front of it don't.
    public static func errorBody(
        _ body: [UInt8]
    ) -> (code: String?, message: String?, requestID: String?, isService: Bool) {
        guard let root = try? JSONTape(decoding: body).root else { return (nil, nil, nil, false) }
        func text(_ names: String...) -> String? {
            names.lazy.compactMap { root[$0]?.text }.first
        }
        return (
            text("__type", "code"), text("Message", "message"), text("RequestID"), root["Message"]?.text != nil
        )
    }
}
