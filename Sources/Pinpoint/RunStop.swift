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
        if fault.code == AnswerClassification.shutdownCode {
            let status = fault.status.map { "\($0) " } ?? ""
            return PipelineError(
                .permission,
                "Amazon Pinpoint's engagement features have reached their end of support, and this account can't read "
                    + "them any more. The service said: \(status)\(fault.message)\(request)",
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
        let host = endpoint.authority
        return switch error {
        case .unavailable(let lastFailure, let attempts, let elapsed):
            PipelineError(
                .unavailable,
                "\(host) is unavailable: \(ServiceFault.effort(attempts: attempts, seconds: elapsed)) "
                    + "without an answer; the last one met: \(lastFailure)",
                hint: "run again once it answers; the run goes on where it stopped")
        case .unreachable(let lastFailure, let attempts, let elapsed):
            PipelineError(
                .configuration,
                "\(host) can't be reached as it is configured: \(lastFailure) "
                    + "(\(ServiceFault.effort(attempts: attempts, seconds: elapsed)))",
                hint: "check region and endpoint_url, the proxy, and the certificates that are trusted; waiting won't "
                    + "mend it")
        case .throttled(let lastFailure, let attempts, let elapsed):
            PipelineError(
                .unavailable,
                "\(host) throttles every call: \(ServiceFault.effort(attempts: attempts, seconds: elapsed)) "
                    + "without another answer; the last one met: \(lastFailure)",
                hint: "find out who else uses up the quota of this account and region, and run again; the run goes on "
                    + "where it stopped")
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

    /// - Parameter areRefusals: all of them were 401 or 403.
    static func malformedAnswers(_ fault: ServiceFault, areRefusals: Bool, endpoint: Endpoint) -> PipelineError {
        PipelineError(
            areRefusals ? .permission : .unavailable,
            "\(endpoint.authority) answered \(GetUserEndpoints.malformedUsersLimit) users in a row with something else "
                + "than endpoints: \(fault.message) (\(fault.origin), \(fault.effort))",
            hint: areRefusals
                ? "a proxy or a firewall in front of the service refuses the requests: let them through, or log in there"
                : "check endpoint_url, and whether a proxy or a login page answers in the service's place")
    }
}
