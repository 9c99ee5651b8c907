internal import AWSSigning

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
enum EnvironmentCredentials {
    private static let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]

    /// Nil where neither key nor secret is set; blank is unset.
    static func read(_ environment: [String: String]) throws(CredentialError) -> SigningCredentials? {
        func value(_ name: String) -> String? {
            ClientSettings.value(environment[name])
        }
        // A line break within would spoil the headers of every request.
        if let broken = names.first(where: { value($0).map { !isClean($0) } ?? false }) {
            throw CredentialError(
                "environment: \(broken) holds a blank, a line break or another character that none has",
                hint: "set it again, without what came along when it was copied")
        }
        switch (value(names[0]), value(names[1])) {
        case (let key?, let secret?):
            return SigningCredentials(accessKeyID: key, secretAccessKey: secret, sessionToken: value(names[2]))
        case (nil, nil): return nil
        case (_, nil): throw incomplete("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")
        case (nil, _): throw incomplete("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not")
        }
    }

    private static func incomplete(_ message: String) -> CredentialError {
        CredentialError("environment: \(message)", hint: "set both, or neither to use a profile or a role")
    }

    /// What a header may hold: printable ASCII without blanks.
    static func isClean(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
}
