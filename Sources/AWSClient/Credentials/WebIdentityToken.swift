/// A token in a file, read again whenever it is needed: whoever writes it may renew it.
enum WebIdentityToken {
    /// - Parameter allowsBlanks: a header's value such as `Bearer …`.
    static func read(
        _ path: String, _ files: FileAccess, allowsBlanks: Bool = false
    ) throws(CredentialError) -> String {
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
        let isClean = text.utf8.allSatisfy { ($0 > 0x20 || allowsBlanks && $0 == 0x20) && $0 < 0x7F }
        guard isClean, text.utf8.contains(where: { $0 != 0x20 }) else {
            let blank = allowsBlanks ? "" : ", a blank"
            throw CredentialError(
                "the token file \(path) holds a line break\(blank) or another character that no token has",
                hint: "write the token alone, without a line break at its end (printf %s instead of echo)")
        }
        return text
    }

    private static let hint = "check that the token is mounted, and that its path is right"
}
