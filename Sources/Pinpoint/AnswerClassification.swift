internal import AWSClient
internal import PipelineCore

/// A final answer about one user.
enum Found: Sendable {
    case endpoints(EndpointTape)
    case noSuchUser
}

/// What an answer of `GetUserEndpoints` means. Pure.
///
/// The texts of a fault go through `hide`, which takes the user's ID out, before they are cut to their length.
enum AnswerClassification {
    /// The code of an answer that isn't the service's.
    static let malformedCode = "MalformedResponse"

    static func verdict(on answer: HTTPAnswer, hide: (String) -> String) -> Verdict<Found> {
        let requestID = answer.requestID.map { PrintableText.of(hide($0), limit: 128) }
        if answer.status == 200 {
            do throws(MalformedAnswer) {
                return .value(.endpoints(try EndpointAnswer.decode(answer.body)))
            } catch {
                return .retry(malformed(answer, error.message, requestID))
            }
        }
        let body = EndpointAnswer.errorBody(answer.body)
        let code = (answer.header("x-amzn-ErrorType") ?? body.code).flatMap { errorCode(in: $0) } ?? ""
        // A refused signature's message goes on with the canonical request, line by line.
        let message = body.message?.prefix { !$0.isNewline }
        let fault = ServiceFault(
            status: answer.status, code: code.isEmpty ? "HTTP\(answer.status)" : hide(code),
            message: PrintableText.of(hide(message.map(String.init) ?? "HTTP status \(answer.status)")),
            requestID: requestID ?? body.requestID.map { PrintableText.of(hide($0), limit: 128) })
        if answer.status == 429 || ErrorCodes.throttling.contains(code) { return .throttled(fault) }
        switch answer.status {
        case 404: return notFound(answer, code: code, message: body.isService ? body.message : nil, fault, requestID)
        case 401, 403: return .denied(fault)
        case _ where ErrorCodes.isTransient(status: answer.status) || ErrorCodes.transient.contains(code):
            return .retry(fault)
        case 500...: return .retry(fault)
        // Signature and token codes stop the run whatever their status.
        case 400 where ErrorCodes.expiredToken.contains(code) || ErrorCodes.credentials.contains(code):
            return .denied(fault)
        case 400..<500 where answer.status != 407: return .failed(fault)
        default: return .retry(malformed(answer, "HTTP status \(answer.status) is no answer of the service", requestID))
        }
    }

    /// 404: this user is unknown, or the application is, or somebody in between answered.
    ///
    /// - Parameter message: nil where the body isn't the service's. Gateways say `message`, the service `Message`.
    private static func notFound(
        _ answer: HTTPAnswer, code: String, message: String?, _ fault: ServiceFault, _ requestID: String?
    ) -> Verdict<Found> {
        guard code == "NotFoundException" || message != nil else {
            return .retry(
                malformed(
                    answer, "a 404 that isn't the service's: a proxy's, or of a wrong path in endpoint_url", requestID))
        }
        if speaksOfApplication(message ?? fault.message) {
            var fault = fault
            fault.code = "ApplicationNotFound"
            return .denied(fault)
        }
        return .value(.noSuchUser)
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

    private static func malformed(_ answer: HTTPAnswer, _ message: String, _ requestID: String?) -> ServiceFault {
        ServiceFault(status: answer.status, code: malformedCode, message: message, requestID: requestID)
    }
}
