internal import ArgumentParser
internal import EndpointServer
internal import NIOCore
internal import PipelineCore
internal import UnixSignals

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// `sluice serve`: GetUserEndpoints for users that are made up.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve GetUserEndpoints for synthetic users.",
        discussion: CommandHelp(
            "sluice serve --synthetic",
            "sluice serve --synthetic --rate 300 --ids users.txt",
            words: """
                Users are named user-000000, user-000001 and so on. What the server says of each depends on the seed and \
                the ID alone. Three in a hundred are absent. IDs that begin with 'odd-' get answers that a client must \
                survive.

                Once it accepts connections the server prints 'listening on URL' on standard output. SIGINT and SIGTERM \
                end it.
                """, exits: [.unavailable, .cantCreate]
        ).text)

    @OptionGroup(title: "Users") var users: UserOptions
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Signatures") var signatures: SignatureOptions

    struct UserOptions: ParsableArguments {
        @Flag(help: "Serve synthetic users, the only kind there is.")
        var synthetic = false

        @Option(help: "How many users there are.")
        var users = 1000

        @Option(help: "What the users' data is made from: the same seed, the same data.")
        var seed: UInt64 = 1

        @Option(help: "The only application there is; without it, every one is.")
        var applicationID: String?

        @Option(help: ArgumentHelp("Write the IDs, one a line.", valueName: "file"))
        var ids: String?

        @Option(help: ArgumentHelp("Write what is said of each ID, as CSV.", valueName: "file"))
        var outcomes: String?

        @Option(
            help: ArgumentHelp(
                "Write what an export of all users would be, an endpoint a line; gzipped where the name ends in .gz. "
                    + "The application is --application-id, else 'synthetic'.", valueName: "file"))
        var archive: String?

        @Flag(help: "Only write the files.")
        var filesOnly = false

        @Flag(help: "Write the files also over others than those that this command has made.")
        var force = false
    }

    struct ServerOptions: ParsableArguments {
        @Option(help: ArgumentHelp("Where to listen. Port 0 takes a free one.", valueName: "host:port"))
        var listen = "127.0.0.1:4100"

        @Option(help: "Requests a second, for all clients together. Beyond it the answer is 429.")
        var rate: Double?

        @Option(help: "Requests at once. By default one second's.")
        var burst: Int?

        @Option(
            help: ArgumentHelp(
                "What goes wrong, with its share of the requests: status:CODE, reset, truncate, html, delay:TIME, "
                    + "stall:TIME (within the body), first-delay:TIME (a share of the users, their first answer alone).",
                valueName: "status:500=0.01,…"))
        var faults: String?

        @Option(help: ArgumentHelp("How long each answer takes at least, as 30ms or 1s.", valueName: "time"))
        var latency: String?

        @Option(help: "Event loops.")
        var threads = 1
    }

    struct SignatureOptions: ParsableArguments {
        @Flag(help: "Take only requests that are signed right; needs --access-key and --secret-key.")
        var verifySignatures = false

        @Option(help: "The access key ID that must sign.")
        var accessKey: String?

        @Option(help: "Its secret.")
        var secretKey: String?

        @Option(help: "The session token that must come along; without it, none may.")
        var sessionToken: String?

        @Option(help: "The region that signatures must be for; without it, any.")
        var region: String?
    }

    func validate() throws {
        guard users.synthetic else { throw ValidationError("There is nothing to serve: give --synthetic.") }
        guard (0...100_000_000).contains(users.users) else {
            throw ValidationError("--users must be from 0 to 100000000.")
        }
        if users.filesOnly, users.ids == nil, users.outcomes == nil, users.archive == nil {
            throw ValidationError("--files-only needs --ids, --outcomes or --archive.")
        }
        _ = try serverConfiguration()
    }

    func run() async throws {
        try ProcessLimits.looked()
        let population = SyntheticPopulation(users: users.users, seed: users.seed)
        do {
            let applicationID = users.applicationID ?? "synthetic"
            let archive = SyntheticFile.archive(seed: users.seed, applicationID: applicationID)
            let files = [(SyntheticFile.ids, users.ids), (.outcomes, users.outcomes), (archive, users.archive)]
            // All or none.
            for case (let form, let path?) in files where !users.force { try form.requireReplaceable(path) }
            if let path = users.ids { try population.writeIDs(to: path, force: users.force) }
            if let path = users.outcomes { try population.writeOutcomes(to: path, force: users.force) }
            if let path = users.archive {
                try population.writeArchive(to: path, applicationID: applicationID, force: users.force)
            }
        } catch let error as OutputFileError {
            throw Self.failure("\(error)", code: 73)
        }
        if users.filesOnly { return }
        // Trapped before the line is printed, so that whoever reads it may stop the server at once.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let server: RunningServer
        do {
            server = try await EndpointServer.start(try serverConfiguration())
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw Self.failure("cannot listen on \(self.server.listen): \(reason)", code: 69)
        } catch {
            throw Self.failure("cannot listen on \(self.server.listen): \(error)", code: 69)
        }
        print("listening on \(server.url)")
        fflush(nil)
        for await _ in signals { break }
        await server.stop()
        Self.say(summary(server.statistics))
    }

    private func serverConfiguration() throws -> EndpointServer.Configuration {
        var configuration = EndpointServer.Configuration(
            population: SyntheticPopulation(users: users.users, seed: users.seed))
        configuration.applicationID = users.applicationID
        (configuration.host, configuration.port) = try address()
        configuration.rate = try rateLimit()
        if let text = server.faults {
            do {
                configuration.faults = try FaultPlan(parsing: text)
            } catch {
                throw ValidationError("--faults: \(error)")
            }
        }
        if let text = server.latency {
            guard let latency = Duration(serverOption: text) else {
                throw ValidationError("--latency must be a time such as 30ms or 1s, not '\(text)'.")
            }
            configuration.latency = latency
        }
        guard (1...64).contains(server.threads) else { throw ValidationError("--threads must be from 1 to 64.") }
        configuration.threads = server.threads
        configuration.signatures = try signatureRequirement()
        return configuration
    }

    private func address() throws -> (String, Int) {
        guard let colon = server.listen.lastIndex(of: ":"),
            let port = UInt16(server.listen[server.listen.index(after: colon)...])
        else { throw ValidationError("--listen must be HOST:PORT, not '\(server.listen)'.") }
        var host = server.listen[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw ValidationError("--listen needs a host, as in 127.0.0.1:\(port).") }
        return (String(host), Int(port))
    }

    private func rateLimit() throws -> EndpointServer.RateLimit? {
        guard let rate = server.rate else {
            if server.burst != nil { throw ValidationError("--burst needs --rate.") }
            return nil
        }
        guard rate > 0, rate <= 1e9 else { throw ValidationError("--rate must be more than 0.") }
        let burst = server.burst ?? max(1, Int(rate.rounded()))
        guard let limit = EndpointServer.RateLimit(requestsPerSecond: rate, burst: burst) else {
            throw ValidationError("--burst must be at least 1.")
        }
        return limit
    }

    private func signatureRequirement() throws -> EndpointServer.SignatureRequirement? {
        guard signatures.verifySignatures else {
            let given = [signatures.accessKey, signatures.secretKey, signatures.sessionToken, signatures.region]
            if given.contains(where: { $0 != nil }) {
                throw ValidationError(
                    "--access-key, --secret-key, --session-token and --region need --verify-signatures.")
            }
            return nil
        }
        guard let accessKey = signatures.accessKey, let secretKey = signatures.secretKey, !accessKey.isEmpty,
            !secretKey.isEmpty
        else { throw ValidationError("--verify-signatures needs --access-key and --secret-key.") }
        return EndpointServer.SignatureRequirement(
            accessKeyID: accessKey, secretAccessKey: secretKey, sessionToken: signatures.sessionToken,
            region: signatures.region)
    }

    private func summary(_ counts: EndpointServer.Statistics) -> String {
        "requests \(counts.requests) · found \(counts.found) · absent \(counts.absent) · throttled \(counts.throttled)"
            + " · rejected \(counts.rejected) · faults \(counts.faults) · errors \(counts.errors)"
    }

    private static func failure(_ message: String, code: Int32) -> ExitCode {
        say("sluice: error: \(message)")
        return ExitCode(code)
    }

    private static func say(_ line: String) {
        let text = Array("\(line)\n".utf8)
        _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
