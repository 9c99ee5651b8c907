package import AWSSigning

/// Where a profile's credentials come from: a base, and the roles that are assumed one after the other from there. Pure.
package struct ProfilePlan: Sendable, Hashable {
    package enum Base: Sendable, Hashable {
        case accessKey(SigningCredentials)
        case named(NamedSource)
        case webIdentity(WebIdentityRole)
        case sso(SSOAccess)
        /// A command line for the shell.
        case process(String)
    }

    /// What `credential_source` may name.
    package enum NamedSource: String, Sendable, CaseIterable {
        case environment = "Environment"
        case instanceMetadata = "Ec2InstanceMetadata"
        case container = "EcsContainer"
    }

    /// The profile that holds the base.
    package let baseProfile: String
    package let base: Base
    /// In the order in which they are assumed.
    package let roles: [AssumedRole]
}

/// A role that a profile names, for `AssumeRole`.
package struct AssumedRole: Sendable, Hashable {
    package let profile: String
    package let roleARN: String
    package let sessionName: String?
    package let externalID: String?
    package let durationSeconds: Int?
}

/// A role for `AssumeRoleWithWebIdentity`.
package struct WebIdentityRole: Sendable, Hashable {
    package let roleARN: String
    package let tokenFile: String
    package let sessionName: String?
}

/// A role of IAM Identity Center.
package struct SSOAccess: Sendable, Hashable {
    package let profile: String
    /// Nil: the older form, where the token is cached under the start URL.
    package let session: String?
    package let region: String
    package let startURL: String
    /// Nil where the profile asks for a token and not for credentials.
    package let role: Role?

    package struct Role: Sendable, Hashable {
        package let accountID: String
        package let name: String
    }

    /// Under which the token is cached.
    package var cacheKey: String { session ?? startURL }
}

/// Why a profile leads nowhere.
package enum ProfileFault: Error, Sendable, Hashable {
    case unknownProfile(String, referencedFrom: String?)
    case noCredentials(String)
    case missingProperty(String, profile: String)
    case loop([String])
    case roleWithoutSource(String)
    case conflictingSources(String)
    case unknownCredentialSource(String)
    case malformedDuration(String)
    case multiFactor(String)
    case loginSession(String)
    case unknownSession(String, profile: String)
    case regionOutsideSession(String)

    var error: CredentialError {
        switch self {
        case .unknownProfile(let name, let from?):
            CredentialError(
                "profile '\(from)': its source_profile '\(name)' doesn't exist",
                hint: "add [profile \(name)] to the AWS configuration file, or correct source_profile")
        case .unknownProfile(let name, nil):
            CredentialError(
                "profile '\(name)': it stands neither in the AWS configuration file nor in the credentials file",
                hint: "check the name, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE; `aws configure list-profiles` "
                    + "shows those there are")
        case .noCredentials(let name):
            CredentialError(
                "profile '\(name)': it holds no credentials, and nothing that says where they come from",
                hint: "add a key, role_arn, sso_session or credential_process to it")
        case .missingProperty(let property, let profile):
            CredentialError(
                "profile '\(profile)': \(property) is missing", hint: "add \(property) to it")
        case .loop(let names):
            CredentialError(
                "profile '\(names.first ?? "")': source_profile leads in a circle: \(names.joined(separator: " → "))",
                hint: "let one of them name a profile with credentials of its own")
        case .roleWithoutSource(let profile):
            CredentialError(
                "profile '\(profile)': role_arn needs source_profile or credential_source beside it",
                hint: "name the profile or the service whose credentials may assume the role")
        case .conflictingSources(let profile):
            CredentialError(
                "profile '\(profile)': source_profile and credential_source exclude each other",
                hint: "leave only one of them")
        case .unknownCredentialSource(let profile):
            CredentialError(
                "profile '\(profile)': its credential_source is unknown",
                hint: "use " + ProfilePlan.NamedSource.allCases.map(\.rawValue).joined(separator: ", "))
        case .malformedDuration(let profile):
            CredentialError(
                "profile '\(profile)': duration_seconds isn't a number of seconds", hint: "900 to 43200 are allowed")
        case .multiFactor(let profile):
            CredentialError(
                "profile '\(profile)': mfa_serial asks for a code from a device, which a job that runs alone can't have",
                hint: "use a role without mfa_serial, or put session credentials into the environment: "
                    + "`aws configure export-credentials --profile \(profile) --format env`")
        case .loginSession(let profile):
            CredentialError(
                "profile '\(profile)': its login_session is a sign-in of `aws login`, which only the AWS CLI can renew",
                hint: "let the CLI hand its credentials out: name another profile, with the line credential_process = "
                    + "aws configure export-credentials --profile \(profile) --format process")
        case .unknownSession(let session, let profile):
            CredentialError(
                "profile '\(profile)': there is no [sso-session \(session)]",
                hint: "add it to the AWS configuration file, or run `aws configure sso --profile \(profile)`")
        case .regionOutsideSession(let profile):
            CredentialError(
                "profile '\(profile)': sso_region and sso_start_url belong into its [sso-session]",
                hint: "remove them from the profile")
        }
    }
}
