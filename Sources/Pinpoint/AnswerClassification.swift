internal import AWSClient
internal import PipelineCore

/// A final answer about one user.
enum Found: Sendable {
    case endpoints(EndpointTape)
    case noSuchUser
}

/// What an answer of `GetUserEndpoints` means. Pure.
///
/// It is judged as it came, but for the words of a message, from which the user's ID is taken out: an ID may say anything.
/// The texts of a fault go through `hide`, which takes out the request's secrets as well, before they are cut to their length.
enum AnswerClassification {
    /// The code of an answer that isn't the service's.
    static let malformedCode = FailureCode.malformedResponse.rawValue
    /// The code of the answer that the service gives to an account which can't use it any more.
    static let shutdownCode = "EndOfSupport"
    /// No service's error is larger; of one that is, no text is told.
    private static let largestError = 64 << 10

    static func verdict(
        on answer: HTTPAnswer, withoutID: (String) -> String = { $0 }, hide: (String) -> String
    ) -> Verdict<Found> {
        let requestID = answer.requestID.map { PrintableText.of(hide($0), limit: 128) }
        if answer.status == 200 {
            do throws(MalformedAnswer) {
                return .value(.endpoints(try EndpointAnswer.decode(answer.body)))
            } catch {
                return .retry(malformed(answer, error.message, requestID, hide))
            }
        }
        let body = EndpointAnswer.errorBody(answer.body)
        let code = (answer.header("x-amzn-ErrorType") ?? body.code).flatMap { errorCode(in: $0) } ?? ""
        // A refused signature's message goes on with the canonical request, line by line.
        let message = answer.body.count > largestError ? nil : body.message?.prefix { !$0.isNewline }
        let fault = ServiceFault(
            status: answer.status, code: told(code, status: answer.status, hide: hide),
            message: PrintableText.of(hide(message.map(String.init) ?? "HTTP status \(answer.status)")),
            requestID: requestID ?? body.requestID.map { PrintableText.of(hide($0), limit: 128) })
        if answer.status == 429 || ErrorCodes.throttling.contains(code) { return .throttled(fault) }
        if ErrorCodes.isTransient(status: answer.status) || ErrorCodes.transient.contains(code) { return .retry(fault) }
        guard !code.isEmpty || body.isService else {
            return .retry(
                malformed(
                    answer,
                    "not the service's own answer, but a proxy's, a firewall's, or of a wrong path in endpoint_url",
                    requestID, hide))
        }
        return errorVerdict(
            answer, code: code, message: body.isService ? body.message.map(withoutID) : nil, fault, requestID, hide)
    }

    /// An error of the service itself.
    ///
    /// - Parameter message: nil where the body isn't the service's. Gateways say `message`, the service `Message`.
    private static func errorVerdict(
        _ answer: HTTPAnswer, code: String, message: String?, _ fault: ServiceFault, _ requestID: String?,
        _ hide: (String) -> String
    ) -> Verdict<Found> {
        switch answer.status {
        case 404: return notFound(answer, code: code, message: message, fault, requestID, hide)
        case 401, 403:
            guard isShutdown(message ?? "") else { return .denied(fault) }
            var shutdown = fault
            shutdown.code = shutdownCode
            return .denied(shutdown)
        // Signature and token codes stop the run whatever their status.
        case 400 where ErrorCodes.expiredToken.contains(code) || ErrorCodes.credentials.contains(code):
            return .denied(fault)
        case 400..<500 where answer.status != 407: return .failed(fault)
        default: return .retry(malformed(answer, "no answer of the service", requestID, hide))
        }
    }

    /// 404: this user is unknown, or the application is, or somebody in between answered.
    private static func notFound(
        _ answer: HTTPAnswer, code: String, message: String?, _ fault: ServiceFault, _ requestID: String?,
        _ hide: (String) -> String
    ) -> Verdict<Found> {
        guard code == "NotFoundException" || message != nil else {
            return .retry(
                malformed(
                    answer, "not the service's own answer, but a proxy's, or of a wrong path in endpoint_url",
                    requestID,
                    hide))
        }
        if speaksOfApplication(message ?? "") {
            var fault = fault
            fault.code = "ApplicationNotFound"
            return .denied(fault)
        }
        return .value(.noSuchUser)
    }

    /// "Forbidden:On October …, 2026, AWS will end support for the Amazon Pinpoint engagement features …"
    private static func isShutdown(_ message: String) -> Bool {
        let words = message.lowercased()
        return words.contains("end support") || words.contains("end of support") || words.contains("ended support")
    }

    /// "Application not found", "Resource not found: application …", but not "User … of the application …".
    static func speaksOfApplication(_ message: String) -> Bool {
        let words = message.lowercased()
        return words.contains("application") && !words.contains("user") && !words.contains("endpoint")
    }

    /// A code as services spell them; nil for anything else that stands in its place.
    private static func errorCode(in value: String) -> String? {
        let code = ErrorCodes.code(in: value)
        let isName = code.utf8.allSatisfy { byte in
            byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber)
                || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
        return isName && code.utf8.count <= 128 ? code : nil
    }

    /// The code as it is told. A well-known one is nobody's ID and nobody's key, and what is done about it must not
    /// depend on either.
    private static func told(_ code: String, status: Int, hide: (String) -> String) -> String {
        if code.isEmpty { return "HTTP\(status)" }
        return ErrorCodes.wellKnown.contains(code) ? code : hide(code)
    }

    private static func malformed(
        _ answer: HTTPAnswer, _ message: String, _ requestID: String?, _ hide: (String) -> String
    ) -> ServiceFault {
        // What gzip was packed in is unpacked already; any other packing is named, since it may be the reason.
        let coding = answer.header("Content-Encoding").map { PrintableText.of(hide($0), limit: 40) } ?? ""
        let packed = ["", "identity"].contains(coding.lowercased()) ? "" : " (its Content-Encoding is '\(coding)')"
        return ServiceFault(
            status: answer.status, code: malformedCode, message: "HTTP status \(answer.status): \(message)\(packed)",
            requestID: requestID)
    }
}
