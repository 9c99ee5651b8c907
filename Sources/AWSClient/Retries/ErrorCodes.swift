/// What the error codes that all AWS services share mean for a caller.
public enum ErrorCodes {
    /// Too many requests, whatever the status.
    public static let throttling: Set<String> = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
        "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
    ]
    /// Worth another attempt, whatever the status.
    public static let transient: Set<String> = ["RequestTimeout", "RequestTimeoutException"]
    /// The credentials were good once.
    public static let expiredToken: Set<String> = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]
    /// The service knows no such key, or no longer.
    public static let unknownKey: Set<String> = ["UnrecognizedClientException", "InvalidClientTokenId"]
    /// The credentials aren't good, or the request isn't signed as it should be.
    public static let credentials: Set<String> = [
        "UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException",
        "MissingAuthenticationToken", "IncompleteSignatureException", "IncompleteSignature",
        "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDeniedException", "RequestTimeTooSkewed",
        "RequestInTheFuture",
    ]
    /// The caller's clock may be wrong.
    public static let clockSkew: Set<String> = [
        "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException",
        "SignatureDoesNotMatch",
    ]

    /// Codes that say nothing of a caller or of what it asked for, and so are told as they came.
    public static let wellKnown = throttling.union(transient).union(expiredToken).union(credentials).union(clockSkew)
        .union([
            "BadRequestException", "ConflictException", "ForbiddenException", "InternalServerErrorException",
            "MethodNotAllowedException", "NotFoundException", "PayloadTooLargeException", "ServiceUnavailableException",
            "InternalServerError", "ServiceUnavailable",
        ])

    /// Statuses worth another attempt, whoever gave them: the server's own trouble, and what servers and load balancers
    /// say of a connection that they end (408, 460), that a client closed (499), or that isn't for them (421, 425).
    public static func isTransient(status: Int) -> Bool {
        status >= 500 || [408, 421, 425, 460, 499].contains(status)
    }

    /// The code within a header `x-amzn-ErrorType` or a `__type`: cut at the first `:`, and what stands behind a `#`.
    public static func code(in value: some StringProtocol) -> String {
        let text = value.prefix { $0 != ":" }
        let name = text.lastIndex(of: "#").map { text[text.index(after: $0)...] } ?? text[...]
        return String(name.drop { $0 == " " })
    }
}
