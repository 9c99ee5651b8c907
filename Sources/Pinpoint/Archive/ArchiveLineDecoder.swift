public import PipelineCore

/// What an export's records mean: an endpoint each, or an answer of `GetUserEndpoints` that somebody saved.
///
/// - A map with an `Id` is one endpoint.
/// - `{"Item":[…]}` and `{"EndpointsResponse":{"Item":[…]}}` are as many endpoints as the list has; null is none.
/// - Any other map is one endpoint, though one that can't be stored: it lacks the `Id`.
public struct ArchiveLineDecoder: RecordDecoder {
    /// The application that every endpoint must belong to, where its record says one; nil: to any.
    public let applicationID: String?

    public init(applicationID: String?) { self.applicationID = applicationID }

    /// - Returns: `found`; `failed` with `MalformedRecord` for what is neither an endpoint nor a list of endpoints, and with
    ///   `WrongApplication` where an endpoint has another `ApplicationId`. Messages hold nothing of the record.
    public func decode(_ document: [UInt8]) -> Outcome {
        let tape: JSONTape
        do throws(JSONDecodingError) { tape = try JSONTape(decoding: document) } catch {
            return Self.malformed(document.isEmpty ? "the record is empty" : "the record is \(error)")
        }
        let form: EndpointTape.Form
        do throws(RecordFailure) {
            form = try tape.withContents { contents throws(RecordFailure) in
                let form = try Self.form(of: contents)
                if let applicationID { try Self.check(applicationID, form, contents) }
                return form
            }
        } catch { return .failed(error) }
        return .found(EndpointTape(tape, form: form))
    }

    private static func form(of contents: TapeContents) throws(RecordFailure) -> EndpointTape.Form {
        guard contents.nodes[0].kind == .object else { throw failure("the record is JSON, but not a map") }
        if value("Id", of: 0, contents) != nil { return .single(node: 0) }
        if let item = value("Item", of: 0, contents) { return try list(item, contents) }
        if let response = value("EndpointsResponse", of: 0, contents), let item = value("Item", of: response, contents)
        {
            return try list(item, contents)
        }
        return .single(node: 0)
    }

    private static func list(_ item: Int, _ contents: TapeContents) throws(RecordFailure) -> EndpointTape.Form {
        switch contents.nodes[item].kind {
        case .null: return .none
        case .array: break
        default: throw failure("the record's 'Item' is not a list")
        }
        try forEachElement(of: item, contents) { element throws(RecordFailure) in
            guard contents.nodes[element].kind == .object else {
                throw failure("an element of the record's 'Item' is not a map")
            }
        }
        return .list(node: item)
    }

    /// Compares what the endpoints say of their application; null says nothing.
    private static func check(
        _ applicationID: String, _ form: EndpointTape.Form, _ contents: TapeContents
    ) throws(RecordFailure) {
        func check(_ endpoint: Int) throws(RecordFailure) {
            guard let value = value("ApplicationId", of: endpoint, contents), contents.nodes[value].kind != .null,
                !isText(applicationID, contents.nodes[value], contents)
            else { return }
            throw RecordFailure(
                .wrongApplication,
                "the record's endpoint belongs to another application than 'application_id' names")
        }
        switch form {
        case .none: break
        case .single(let node): try check(node)
        case .list(let node): try forEachElement(of: node, contents, check)
        }
    }

    private static func forEachElement(
        of list: Int, _ contents: TapeContents, _ body: (Int) throws(RecordFailure) -> Void
    ) throws(RecordFailure) {
        var element = list + 1
        while element < Int(contents.nodes[list].end) {
            try body(element)
            element = Int(contents.nodes[element].end)
        }
    }

    /// The value of an object's member; nil for what isn't a map or lacks the name.
    private static func value(_ name: StaticString, of object: Int, _ contents: TapeContents) -> Int? {
        guard contents.nodes[object].kind == .object else { return nil }
        return name.withUTF8Buffer { name in
            var child = object + 1
            while child < Int(contents.nodes[object].end) {
                let candidate = contents.nodes[child]
                if !candidate.isDropped, contents.equal(candidate, name) { return child + 1 }
                child = Int(contents.nodes[child + 1].end)
            }
            return nil
        }
    }

    private static func isText(_ text: String, _ node: TapeNode, _ contents: TapeContents) -> Bool {
        guard node.kind == .string else { return false }
        var text = text
        return text.withUTF8 { contents.equal(node, $0) }
    }

    private static func failure(_ message: String) -> RecordFailure {
        RecordFailure(.malformedRecord, message)
    }

    private static func malformed(_ message: String) -> Outcome { .failed(failure(message)) }
}
