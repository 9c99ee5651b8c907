internal import AWSSigning

/// The sources of credentials in the order that all AWS tools share. Nothing is kept: each `load` asks afresh.
package struct CredentialChain: Sendable {
    private let settings: ClientSettings
    private let region: String?
    private let transport: CredentialTransport
    private let processTimeout: Double

    /// - Parameters:
    ///   - region: where roles are assumed; nil: what the settings say.
    ///   - processTimeout: seconds for a `credential_process`.
    package init(
        settings: ClientSettings, region: String? = nil, transport: CredentialTransport, processTimeout: Double = 60
    ) {
        self.settings = settings
        self.region = region
        self.transport = transport
        self.processTimeout = processTimeout
    }

    /// The first source that is set up decides: where it fails, no later one is asked.
    ///
    /// - Throws: `CredentialError`, `CancellationError`
    package func load() async throws -> LoadedCredentials {
        var without: [String] = []
        if settings.profileOrigin != .option {
            if let credentials = try EnvironmentCredentials.read(settings.environment) {
                return LoadedCredentials(credentials)
            }
            without.append("environment: neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set")
        }
        if let loaded = try await profile(&without) { return loaded }
        if let loaded = try await webIdentity() { return loaded }
        without.append("web identity: AWS_WEB_IDENTITY_TOKEN_FILE isn't set")
        let container = ContainerCredentials(settings: settings, transport: transport)
        if container.isConfigured { return try await container.load() }
        without.append("container: no AWS_CONTAINER_CREDENTIALS_… is set")
        switch try await InstanceMetadata(settings: settings, transport: transport).find() {
        case .credentials(let loaded): return loaded
        case .none(let reason):
            without.append("instance metadata: \(reason)")
        }
        throw CredentialError(
            "there are no AWS credentials; " + without.joined(separator: "; "),
            hint:
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN with temporary ones, or name a "
                + "profile that has credentials, or run where there is a role")
    }

    // MARK: - Profiles

    /// Nil where the profile has nothing to do with credentials.
    private func profile(_ without: inout [String]) async throws -> LoadedCredentials? {
        let name = settings.profile
        if let fault = settings.fault {
            throw CredentialError(
                "profile '\(name)': could not parse profile file: \(fault)", hint: "correct the file")
        }
        let plan: ProfilePlan
        do throws(ProfileFault) {
            plan = try ProfilePlan(profile: name, in: settings.shared)
        } catch {
            let unreadable = settings.unreadable.map { " (\($0))" }.joined()
            switch error {
            case .unknownProfile(name, nil) where settings.profileOrigin == .standard:
                without.append("profile 'default': there is none\(unreadable)")
                return nil
            case .noCredentials(name):
                without.append("profile '\(name)': it says nothing of credentials\(unreadable)")
                return nil
            case .unknownProfile where !settings.unreadable.isEmpty:
                let failure = error.error
                throw CredentialError(failure.message + unreadable, hint: failure.hint)
            default: throw error.error
            }
        }
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

    private func base(_ plan: ProfilePlan) async throws -> LoadedCredentials {
        switch plan.base {
        case .accessKey(let credentials): return LoadedCredentials(try CredentialDocument.checked(credentials))
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
            return try await SSOCredentials(access: access, settings: settings, transport: transport).load()
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
