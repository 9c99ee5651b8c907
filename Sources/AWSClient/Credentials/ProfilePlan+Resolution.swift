internal import AWSSigning

extension ProfilePlan {
    /// Follows a profile to its base.
    ///
    /// A profile that is another one's source gives its own key where it has one, before its role; the first profile's
    /// role comes before its key, as in botocore.
    package init(profile: String, in files: SharedFiles) throws(ProfileFault) {
        var roles: [AssumedRole] = []
        var visited: [String] = []
        var name = profile
        while true {
            guard let properties = files.profiles[name] else {
                throw .unknownProfile(name, referencedFrom: visited.last)
            }
            let reader = ProfileReader(name: name, properties: properties, files: files)
            let isSource = !visited.isEmpty
            if isSource, let key = try reader.accessKey() {
                (baseProfile, base) = (name, .accessKey(key))
                break
            }
            visited.append(name)
            guard let role = try reader.assumedRole() else {
                guard let base = try reader.base() else { throw .noCredentials(name) }
                (baseProfile, self.base) = (name, base)
                break
            }
            roles.append(role.role)
            switch role.source {
            case .named(let source):
                (baseProfile, base) = (name, .named(source))
                self.roles = roles.reversed()
                return
            case .profile(let source):
                if source == name {
                    // A profile may be its own source: its key assumes its role.
                    guard let key = try reader.accessKey() else { throw .loop([name, name]) }
                    (baseProfile, base) = (name, .accessKey(key))
                    self.roles = roles.reversed()
                    return
                }
                if visited.contains(source) { throw .loop(visited + [source]) }
                name = source
            }
        }
        self.roles = roles.reversed()
    }
}

/// Reads one profile's properties; blank is unset.
private struct ProfileReader {
    enum RoleSource {
        case profile(String)
        case named(ProfilePlan.NamedSource)
    }

    let name: String
    let properties: SharedFiles.Properties
    let files: SharedFiles

    private func value(_ key: String) -> String? {
        properties[key].flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    }

    private func required(_ key: String) throws(ProfileFault) -> String {
        guard let value = value(key) else { throw .missingProperty(key, profile: name) }
        return value
    }

    func accessKey() throws(ProfileFault) -> SigningCredentials? {
        guard value("aws_access_key_id") != nil || value("aws_secret_access_key") != nil else { return nil }
        return SigningCredentials(
            accessKeyID: try required("aws_access_key_id"), secretAccessKey: try required("aws_secret_access_key"),
            sessionToken: value("aws_session_token") ?? value("aws_security_token"))
    }

    /// Nil where the profile doesn't assume a role by means of other credentials.
    func assumedRole() throws(ProfileFault) -> (role: AssumedRole, source: RoleSource)? {
        guard let roleARN = value("role_arn") else { return nil }
        let source: RoleSource
        switch (value("source_profile"), value("credential_source")) {
        case (_?, _?): throw .conflictingSources(name)
        case (let profile?, nil): source = .profile(profile)
        case (nil, let text?):
            guard let named = ProfilePlan.NamedSource(rawValue: text) else { throw .unknownCredentialSource(name) }
            source = .named(named)
        case (nil, nil):
            if value("web_identity_token_file") != nil { return nil }
            throw .roleWithoutSource(name)
        }
        if value("mfa_serial") != nil { throw .multiFactor(name) }
        var duration: Int?
        if let text = value("duration_seconds") {
            guard let seconds = Int(text), seconds > 0 else { throw .malformedDuration(name) }
            duration = seconds
        }
        let role = AssumedRole(
            profile: name, roleARN: roleARN, sessionName: value("role_session_name"),
            externalID: value("external_id"), durationSeconds: duration)
        return (role, source)
    }

    /// Nil where the profile holds nothing of the kind.
    func base() throws(ProfileFault) -> ProfilePlan.Base? {
        if let tokenFile = value("web_identity_token_file") {
            return .webIdentity(
                WebIdentityRole(
                    roleARN: try required("role_arn"), tokenFile: tokenFile, sessionName: value("role_session_name")))
        }
        if let sso = try sso() { return .sso(sso) }
        if let key = try accessKey() { return .accessKey(key) }
        // As in botocore, which asks the session before a process.
        if value("login_session") != nil { throw .loginSession(name) }
        return value("credential_process").map { .process($0) }
    }

    private func sso() throws(ProfileFault) -> SSOAccess? {
        let keys = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"]
        guard keys.contains(where: { value($0) != nil }) else { return nil }
        var role: SSOAccess.Role?
        if value("sso_account_id") != nil || value("sso_role_name") != nil {
            role = SSOAccess.Role(accountID: try required("sso_account_id"), name: try required("sso_role_name"))
        }
        guard let session = value("sso_session") else {
            guard let role else { throw .missingProperty("sso_account_id", profile: name) }
            return SSOAccess(
                profile: name, session: nil, region: try required("sso_region"),
                startURL: try required("sso_start_url"), role: role)
        }
        guard let shared = files.ssoSessions[session] else { throw .unknownSession(session, profile: name) }
        for key in ["sso_region", "sso_start_url"] {
            if let own = value(key), own != shared[key] { throw .regionOutsideSession(name) }
        }
        func sessionProperty(_ key: String) throws(ProfileFault) -> String {
            guard let value = shared[key], !value.isEmpty else {
                throw .missingProperty("\(key) of [sso-session \(session)]", profile: name)
            }
            return value
        }
        return SSOAccess(
            profile: name, session: session, region: try sessionProperty("sso_region"),
            startURL: try sessionProperty("sso_start_url"), role: role)
    }
}
