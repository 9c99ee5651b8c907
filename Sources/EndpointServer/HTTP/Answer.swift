/// What one request is answered with, before it is bytes.
enum Answer {
    case endpoints(SyntheticUser, application: [UInt8])
    /// A full user: 15 endpoints of 15 KB.
    case large([UInt8], application: [UInt8])
    /// 200 and this text as JSON.
    case body(StaticString)
    /// 200 and a page, as a proxy or captive portal answers.
    case html
    case error(ServiceError)
    /// 404 and plain text, as something in between answers.
    case wrongPath
}

/// An error as the API reports it: the code in `x-amzn-ErrorType`, the message in a JSON body.
struct ServiceError: Error, Sendable, Equatable {
    let status: Int
    let code: String
    let message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    static let unknownUser = ServiceError(404, "NotFoundException", "Resource not found")
    static let unknownApplication = ServiceError(404, "NotFoundException", "Application not found")
    static let forbidden = ServiceError(403, "ForbiddenException", "User is not authorized to perform this action")
    static let shutdown = ServiceError(
        403, "ForbiddenException",
        "Forbidden:On October 30, 2026, AWS will end support for the Amazon Pinpoint engagement features, "
            + "such as endpoints, segments, campaigns, journeys, and analytics.")
    static let methodNotAllowed = ServiceError(405, "MethodNotAllowedException", "Only GET is allowed here")
    static let payloadTooLarge = ServiceError(413, "PayloadTooLargeException", "The request is too large")
    static let tooManyRequests = ServiceError(429, "TooManyRequestsException", "Too Many Requests")

    static func badRequest(_ message: String) -> ServiceError { ServiceError(400, "BadRequestException", message) }

    /// The error that the API sends with a status.
    init(status: Int) {
        switch status {
        case 400: self = .badRequest("The request couldn't be read")
        case 403: self = .forbidden
        case 405: self = .methodNotAllowed
        case 413: self = .payloadTooLarge
        case 429: self = .tooManyRequests
        case 500: self = ServiceError(500, "InternalServerErrorException", "Internal server error")
        case 502: self = ServiceError(502, "BadGatewayException", "Bad gateway")
        case 503: self = ServiceError(503, "ServiceUnavailableException", "Service unavailable")
        case 504: self = ServiceError(504, "GatewayTimeoutException", "Endpoint request timed out")
        default: self = ServiceError(status, "UnknownException", "A fault of status \(status)")
        }
    }
}
