/// A token in a file, read again whenever it is needed: whoever writes it may renew it.
enum WebIdentityToken {
    static func read(_ path: String, _ files: FileAccess) throws(CredentialError) -> String {
        let text: String
        do throws(FileAccess.Failure) {
            text = try files.text(path)
        } catch {
            switch error {
            case .missing: throw CredentialError("the token file \(path) doesn't exist", hint: hint)
            case .unreadable(let reason):
                throw CredentialError("the token file \(path) can't be read: \(reason)", hint: hint)
            }
        }
        guard !text.isEmpty else {
            // Writers that replace the content in two steps leave it empty for a moment.
            throw CredentialError("the token file \(path) is empty", hint: hint, isTemporary: true)
        }
        guard EnvironmentCredentials.isClean(text) else {
            throw CredentialError(
                "the token file \(path) holds a line break, a blank or another character that no token has",
                hint: "write the token alone, without a line break at its end (printf %s instead of echo)")
        }
        return text
    }

    private static let hint = "check that the token is mounted, and that its path is right"
}
