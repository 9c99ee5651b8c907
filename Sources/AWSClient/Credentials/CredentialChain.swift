internal import AWSSigning
internal import Synchronization

/// The sources of credentials in the order that all AWS tools share. Each `load` asks afresh, and reads the shared files
/// again; all that is kept is which source gave the last ones.
package struct CredentialChain: Sendable {
    private var settings: ClientSettings
    private let region: String?
    private let transport: CredentialTransport
    private let processTimeout: Double
    private let kept = Kept()
    private let warn: @Sendable (String) -> Void

    /// What outlasts a `load`.
    private final class Kept: Sendable {
        let profileGaveThem = Mutex(false)
        let tokens = SSOTokenMemory()
    }

    /// - Parameters:
    ///   - region: where roles are assumed; nil: what the settings say.
    ///   - processTimeout: seconds for a `credential_process`.
    ///   - warn: takes a warning for the log; no secret in it.
    package init(
        settings: ClientSettings, region: String? = nil, transport: CredentialTransport, processTimeout: Double = 60,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.warn = warn
        self.settings = settings
        self.region = region
        self.transport = transport
        self.processTimeout = processTimeout
    }

    /// The first source that is set up decides: where it fails, no later one is asked.
    ///
    /// - Throws: `CredentialError`, `CancellationError`
    package func load() async throws -> LoadedCredentials {
        var chain = self
        chain.settings = settings.reread()
        return try await chain.ask()
    }

    private func ask() async throws -> LoadedCredentials {
        var without: [String] = []
        if settings.profileOrigin != .option {
            if let credentials = try EnvironmentCredentials.read(settings.environment) {
                return LoadedCredentials(credentials).from("the environment", notFrom: without)
            }
            without.append("environment: neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set")
        }
        if let loaded = try await profile(&without) {
            kept.profileGaveThem.withLock { $0 = true }
            return loaded.from("profile '\(settings.profile)'", notFrom: without)
        }
        if kept.profileGaveThem.withLock({ $0 }) {
            // Its file is just being written anew: a later source would give somebody else's credentials.
            throw CredentialError(
                "the profile that gave the credentials has none any more; " + without.joined(separator: "; "),
                hint: "restore the profile", kind: .unsettled)
        }
        if let loaded = try await webIdentity() { return loaded.from("web identity", notFrom: without) }
        without.append("web identity: AWS_WEB_IDENTITY_TOKEN_FILE isn't set")
        let container = ContainerCredentials(settings: settings, transport: transport)
        if container.isConfigured { return try await container.load().from("the container", notFrom: without) }
        without.append("container: no AWS_CONTAINER_CREDENTIALS_… is set")
        var kind = CredentialError.Kind.unsettled
        do {
            switch try await InstanceMetadata(settings: settings, transport: transport).find() {
            case .credentials(let loaded): return loaded.from("instance metadata", notFrom: without)
            case .none(let reason, _): without.append("instance metadata: \(reason)")
            }
        } catch let error as CredentialError {
            if error.kind == .away { kind = .away }
            without.append(error.message)
        }
        throw CredentialError(
            "there are no AWS credentials; " + without.joined(separator: "; "),
            hint:
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN with temporary ones, or name a "
                + "profile that has credentials, or run where there is a role", kind: kind)
    }

    // MARK: - Profiles

    /// Nil where the profile has nothing to do with credentials.
    private func profile(_ without: inout [String]) async throws -> LoadedCredentials? {
        let name = settings.profile
        let plan: ProfilePlan
        do throws(ProfileFault) {
            plan = try ProfilePlan(profile: name, in: settings.shared)
        } catch {
            try requireUnderstood([.profile(name)])
            // What is missing may stand where nobody can read it.
            let doubts = settings.doubts.map { " (\($0))" }.joined()
            switch error {
            case .unknownProfile(name, nil) where settings.profileOrigin == .standard:
                without.append("profile 'default': there is none\(doubts)")
                return nil
            case .noCredentials(name):
                without.append("profile '\(name)': it says nothing of credentials\(doubts)")
                return nil
            case .unknownProfile, .unknownSession:
                let failure = error.error
                throw CredentialError(failure.message + doubts, hint: failure.hint, kind: .unsettled)
            default: throw error.error.whileChanging
            }
        }
        var titles = ([plan.baseProfile] + plan.roles.map(\.profile)).map { SharedFiles.Title.profile($0) }
        if case .sso(let access) = plan.base, let session = access.session {
            titles.append(SharedFiles.Title(kind: "sso-session", name: session))
        }
        try requireUnderstood(titles)
        var loaded: LoadedCredentials
        do {
            loaded = try await base(plan)
        } catch let error as CredentialError {
            throw error.within("profile '\(plan.baseProfile)'")
        }
        for role in plan.roles {
            do {
                loaded = try await tokens(region: regionOfProfile(role.profile)).assume(role, with: loaded.credentials)
            } catch let error as CredentialError {
                throw error.within("profile '\(role.profile)'")
            }
        }
        return loaded
    }

    private func requireUnderstood(_ titles: [SharedFiles.Title]) throws(CredentialError) {
        guard let fault = settings.fault(of: titles) else { return }
        throw CredentialError(
            "profile '\(settings.profile)': could not parse profile file: \(fault)", hint: "correct the file",
            kind: .unsettled)
    }

    private func base(_ plan: ProfilePlan) async throws -> LoadedCredentials {
        switch plan.base {
        case .accessKey(let credentials):
            do throws(CredentialError) {
                return LoadedCredentials(try CredentialDocument.checked(credentials))
            } catch {
                throw error.whileChanging
            }
        case .named(.environment):
            guard let credentials = try EnvironmentCredentials.read(settings.environment) else {
                throw CredentialError(
                    "its credential_source is Environment, where neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY "
                        + "is set",
                    hint: "set both")
            }
            return LoadedCredentials(credentials)
        case .named(.instanceMetadata):
            return try await InstanceMetadata(settings: settings, transport: transport).load()
        case .named(.container):
            let container = ContainerCredentials(settings: settings, transport: transport)
            guard container.isConfigured else {
                throw CredentialError(
                    "its credential_source is EcsContainer, but no AWS_CONTAINER_CREDENTIALS_… is set",
                    hint: "run it as a task with a role")
            }
            return try await container.load()
        case .webIdentity(let role):
            return try await assume(role, region: regionOfProfile(plan.baseProfile))
        case .sso(let access):
            return try await SSOCredentials(
                access: access,
                tokens: SSOTokenSource(
                    access: access, settings: settings, transport: transport, memory: kept.tokens, warn: warn),
                settings: settings, transport: transport
            ).load()
        case .process(let command):
            return try await ProcessCredentials(
                command: command, environment: settings.environment, timeout: processTimeout
            ).load()
        }
    }

    // MARK: - Roles

    private func webIdentity() async throws -> LoadedCredentials? {
        guard let file = settings.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return nil }
        guard let roleARN = settings.variable("AWS_ROLE_ARN") else {
            throw CredentialError(
                "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not", hint: "set both")
        }
        let role = WebIdentityRole(
            roleARN: roleARN, tokenFile: file, sessionName: settings.variable("AWS_ROLE_SESSION_NAME"))
        do {
            return try await assume(role, region: nil)
        } catch let error as CredentialError {
            throw error.within("web identity")
        }
    }

    private func assume(_ role: WebIdentityRole, region: String?) async throws -> LoadedCredentials {
        let token = try WebIdentityToken.read(settings.expand(role.tokenFile), settings.files)
        return try await tokens(region: region).assume(role, token: token)
    }

    /// What a profile on the way says of its region, where nothing else says one.
    private func regionOfProfile(_ name: String) -> String? {
        settings.shared.profiles[name]?["region"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func tokens(region fallback: String?) throws -> SecurityTokenService {
        let known = region ?? settings.setting(["AWS_REGION", "AWS_DEFAULT_REGION"], "region")?.value ?? fallback
        do throws(EndpointResolution.Failure) {
            let place = try EndpointResolution(.sts, region: known, endpointURL: nil, settings: settings)
            return SecurityTokenService(place: place, transport: transport)
        } catch {
            throw CredentialError(
                "STS can't be reached: \(error.words)",
                hint: "set AWS_REGION, or region in profile '\(settings.profile)'")
        }
    }
}
