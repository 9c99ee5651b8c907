internal import NIOPosix

/// A profile's `credential_process`: a command whose output is the credentials.
struct ProcessCredentials: Sendable {
    let command: String
    let environment: [String: String]
    /// In seconds.
    var timeout = 60.0

    private static let outputLimit = 1 << 20
    private static let form = "it must print {\"Version\": 1, \"AccessKeyId\": …} and nothing besides"

    /// Neither the command's output nor what it says on standard error is repeated anywhere.
    ///
    /// - Throws: `CredentialError`, `CancellationError`
    func load() async throws -> LoadedCredentials {
        do {
            return try await run()
        } catch let error as CredentialError {
            // What a command has done before, it may do again: it asks others, who may be away.
            throw error.whileChanging
        }
    }

    private func run() async throws -> LoadedCredentials {
        let process = ShellCommand(
            command: command, environment: environment, timeout: timeout, outputLimit: Self.outputLimit)
        let isCancelled = ShellCommand.Cancellation()
        let end = try await withTaskCancellationHandler {
            try await NIOThreadPool.singleton.runIfActive { process.run(isCancelled) }
        } onCancel: {
            isCancelled.set()
        }
        switch end {
        case .exited(0, let output): return try Self.read(output)
        case .exited(let status, _):
            throw CredentialError(
                "its credential_process ended with exit status \(status)",
                hint: "run the command by hand to see what it says")
        case .killed(let signal):
            throw CredentialError(
                "its credential_process was ended by signal \(signal)", hint: "run the command by hand")
        case .timedOut:
            throw CredentialError(
                "its credential_process gave no answer in \(Int(timeout)) s and was ended",
                hint: "it must not ask for anything; run the command by hand to see what it waits for")
        case .tooMuchOutput:
            throw CredentialError(
                "its credential_process printed more than any credentials and was ended", hint: Self.form)
        case .cancelled: throw CancellationError()
        case .notStarted(let reason):
            throw CredentialError("its credential_process can't be started: \(reason)", hint: "is there /bin/sh?")
        }
    }

    private static func read(_ output: [UInt8]) throws(CredentialError) -> LoadedCredentials {
        guard let document = try? JSONValue(decoding: output) else {
            throw CredentialError("its credential_process printed something else than JSON", hint: form)
        }
        guard document["Version"]?.number == 1 else {
            throw CredentialError("the Version that its credential_process printed isn't 1", hint: form)
        }
        do throws(CredentialError) {
            return try CredentialDocument.credentials(in: document, token: "SessionToken")
        } catch {
            throw error.within("credential_process")
        }
    }
}
