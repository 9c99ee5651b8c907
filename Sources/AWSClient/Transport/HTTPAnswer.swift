/// One HTTP answer, complete.
public struct HTTPAnswer: Sendable {
    public let status: Int
    /// As they came, in order.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of this name, in any case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.utf8.elementsEqual(name.utf8) || $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The request's ID as the service gave it in a header.
    public var requestID: String? { header("x-amzn-RequestId") ?? header("x-amz-request-id") }
}
