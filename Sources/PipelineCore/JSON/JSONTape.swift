/// A JSON document as its source bytes and a flat list of nodes over them, made in one validating pass.
///
/// Strict RFC 8259: UTF-8 only (no byte order mark, overlong form or encoded surrogate), one document and nothing but
/// white space around it, no unescaped control character. `\ud800` without a partner and `\u0000` are valid JSON; their
/// strings are flagged. Of members with the same decoded name in one object the last counts, whole; the earlier ones
/// are marked dropped. A number may have as many digits as the document holds; its value is only read when asked for.
/// Bounds: fewer than 4 GiB, and lists and maps nested no deeper than `depthLimit`.
///
/// A tape is a value; copies share their storage until one is edited. Edits mark nodes dropped, or append source text
/// behind the wire bytes and point the node there.
public struct JSONTape: Sendable {
    /// The deepest nesting that is read where nothing else is asked for.
    public static let defaultDepthLimit = 128

    /// The wire bytes, and behind them what edits have appended.
    public private(set) var bytes: [UInt8]
    /// How many of the bytes came from the wire.
    public let wireCount: Int
    /// In document order; the root is the first.
    @usableFromInline private(set) var nodes: [TapeNode]

    /// Validates a document and takes its bytes.
    ///
    /// - Parameter depthLimit: At most 1,000; each level costs stack.
    public init(
        decoding bytes: [UInt8], depthLimit: Int = JSONTape.defaultDepthLimit
    ) throws(JSONDecodingError) {
        guard bytes.count < Int(UInt32.max) else { throw JSONDecodingError(.tooLong, at: 0) }
        var failure: JSONDecodingError?
        // What real documents need; one with more gets further room in the scanner.
        let room = bytes.count / 8 + 16
        var spilled: [TapeNode]?
        let nodes = [TapeNode](unsafeUninitializedCapacity: room) { buffer, count in
            bytes.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else {
                    failure = JSONDecodingError(.unexpectedEnd, at: 0)
                    return
                }
                var scanner = JSONScanner(bytes, base: base, depthLimit: min(depthLimit, 1000), room: buffer)
                do throws(JSONDecodingError) { try scanner.document() } catch { failure = error }
                if let overflow = scanner.overflow {
                    if failure == nil { spilled = Array(UnsafeBufferPointer(start: overflow, count: scanner.count)) }
                } else {
                    count = scanner.count
                }
            }
        }
        if let failure { throw failure }
        self.bytes = bytes
        wireCount = bytes.count
        self.nodes = spilled ?? nodes
    }

    /// Validates a document given as text.
    public init(
        decoding text: String, depthLimit: Int = JSONTape.defaultDepthLimit
    ) throws(JSONDecodingError) {
        try self.init(decoding: Array(text.utf8), depthLimit: depthLimit)
    }

    public var root: JSONNode { JSONNode(tape: self, index: 0) }
    public var nodeCount: Int { nodes.count }
    /// Memory that the tape takes, in bytes.
    public var byteCount: Int { bytes.capacity + nodes.capacity * MemoryLayout<TapeNode>.stride }

    /// Gives the tape to code that reads it at speed; nothing of it may outlive the closure.
    @inlinable
    public func withContents<R, E: Error>(_ body: (TapeContents) throws(E) -> R) throws(E) -> R {
        // The pointers' closures rethrow untyped; the result keeps E.
        let result: Result<R, E>? = nodes.withUnsafeBufferPointer { nodes in
            bytes.withUnsafeBufferPointer { bytes in
                guard let nodes = nodes.baseAddress, let start = bytes.baseAddress else { return nil }
                do throws(E) {
                    return .success(
                        try body(
                            TapeContents(
                                nodes: nodes, bytes: start, count: bytes.count,
                                editedCount: bytes.count - wireCount)))
                } catch { return .failure(error) }
            }
        }
        guard let result else { preconditionFailure("a tape has at least one node and one byte") }
        return try result.get()
    }

    subscript(node index: Int) -> TapeNode {
        get { nodes[index] }
        set { nodes[index] = newValue }
    }

    /// Appends source text behind all other bytes and gives its offset.
    mutating func appendSource(_ source: [UInt8]) -> Int {
        let offset = bytes.count
        precondition(offset + source.count < Int(UInt32.max), "a tape is shorter than 4 GiB")
        bytes.append(contentsOf: source)
        return offset
    }
}

/// A tape's storage while `JSONTape.withContents` lends it: node indexes are those of the tape, unchecked.
@frozen
public struct TapeContents {
    public let nodes: UnsafePointer<TapeNode>
    public let bytes: UnsafePointer<UInt8>
    /// All bytes, those of edits included.
    public let count: Int
    /// The bytes that edits have appended.
    public let editedCount: Int

    @inlinable
    init(nodes: UnsafePointer<TapeNode>, bytes: UnsafePointer<UInt8>, count: Int, editedCount: Int) {
        self.nodes = nodes
        self.bytes = bytes
        self.count = count
        self.editedCount = editedCount
    }

    /// No more bytes than this are in all strings and numbers of a subtree, decoded or not.
    @inlinable
    public func bound(_ index: Int) -> Int { Int(nodes[index].length) + editedCount }

    /// The source text of a value; of a string without its quotes.
    @inlinable
    public func source(_ node: TapeNode) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(node.offset), count: Int(node.length))
    }

    /// Decodes a string to UTF-8 with U+FFFD for U+0000 and for lone surrogates: what a column can hold.
    ///
    /// - Parameter output: Room for at least `node.length` bytes.
    /// - Returns: The bytes written.
    public func decode(_ node: TapeNode, into output: UnsafeMutablePointer<UInt8>) -> Int {
        JSONStrings.decode(bytes + Int(node.offset), Int(node.length), .replaced, into: output)
    }

    /// Gives a string's code points, escapes resolved: U+0000 and lone surrogates as they are.
    public func forEachCodePoint(of node: TapeNode, _ body: (UInt32) -> Void) {
        JSONStrings.forEachCodePoint(bytes + Int(node.offset), Int(node.length), body)
    }

    /// Whether a string says exactly this.
    public func equal(_ node: TapeNode, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        JSONStrings.equal(bytes + Int(node.offset), node, name)
    }

    /// Whether the list or map has nothing in it that still counts.
    public func isEmpty(_ container: Int) -> Bool {
        var index = container + 1
        let end = Int(nodes[container].end)
        while index < end {
            if !nodes[index].isDropped { return false }
            index = Int(nodes[nodes[container].kind == .object ? index + 1 : index].end)
        }
        return true
    }
}
