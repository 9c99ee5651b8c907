internal import AWSClient
internal import PipelineCore

/// What stops a run, in words that say what to do.
enum RunStop {
    static func error(for fault: ServiceFault, applicationID: String) -> PipelineError {
        // Where the service gave no code, its place is taken by the status.
        let hasCode = fault.status.map { fault.code != "HTTP\($0)" } ?? true
        let words = hasCode ? "\(fault.status.map { "\($0) " } ?? "")\(fault.code): \(fault.message)" : fault.message
        let request = " (\(fault.requestID.map { "request \($0), " } ?? "")\(fault.effort))"
        if fault.code == "ApplicationNotFound" {
            return PipelineError(
                .permission, "the service knows no application '\(applicationID)': \(fault.message)\(request)",
                hint: "check application_id, and that region and credentials are those of its account")
        }
        if isShutdown(fault.message) {
            return PipelineError(
                .permission,
                "Amazon Pinpoint's engagement features have reached their end of support, and this account can't read "
                    + "them any more. The service said: \(words)\(request)",
                hint: "read the archives of an earlier export with a source of type 'archive', or name a compatible "
                    + "server in endpoint_url")
        }
        let hint: String
        switch fault.code {
        case _ where ErrorCodes.expiredToken.contains(fault.code):
            hint = "the session token has expired; get new credentials and run again, the run goes on where it stopped"
        case "UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException":
            hint = "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"
        case _ where ErrorCodes.clockSkew.contains(fault.code):
            hint = "check AWS_SECRET_ACCESS_KEY, the region, and this machine's clock"
        default: hint = "the credentials need the permission mobiletargeting:GetUserEndpoints"
        }
        return PipelineError(.permission, "the service refused the request: \(words)\(request)", hint: hint)
    }

    static func error(for error: ServiceClientError, endpoint: Endpoint) -> PipelineError {
        switch error {
        case .unavailable(let lastFailure, let attempts, let elapsed):
            PipelineError(
                .unavailable,
                "\(endpoint.authority) is unavailable: \(ServiceFault.effort(attempts: attempts, seconds: elapsed)) "
                    + "without an answer; the last one met: \(lastFailure)",
                hint: "run again once it answers; the run goes on where it stopped")
        case .credentials(let failure): Self.error(for: failure)
        }
    }

    private static func error(for failure: CredentialError) -> PipelineError {
        switch failure.kind {
        case .refusal, .unsettled: PipelineError(.permission, failure.message, hint: failure.hint)
        case .away:
            PipelineError(
                .unavailable, "there are no credentials for now: \(failure.message)",
                hint: "run again once their source answers; the run goes on where it stopped"
                    + (failure.hint.map { ". If it stays so: \($0)" } ?? ""))
        case .unreachable: PipelineError(.configuration, failure.message, hint: failure.hint)
        }
    }

    static func malformedAnswers(_ fault: ServiceFault, endpoint: Endpoint) -> PipelineError {
        PipelineError(
            .unavailable,
            "\(endpoint.authority) answered \(GetUserEndpoints.malformedUsersLimit) users in a row with something else "
                + "than endpoints: \(fault.message) (\(fault.origin), \(fault.effort))",
            hint: "check endpoint_url, and whether a proxy or a login page answers in the service's place")
    }

    /// "Forbidden:On October …, 2026, AWS will end support for the Amazon Pinpoint engagement features …"
    static func isShutdown(_ message: String) -> Bool {
        let words = message.lowercased()
        return words.contains("end support") || words.contains("end of support") || words.contains("ended support")
    }
}
