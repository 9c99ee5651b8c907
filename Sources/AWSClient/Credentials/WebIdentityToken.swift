/// A token in a file, read again whenever it is needed: whoever writes it may renew it.
enum WebIdentityToken {
    /// - Parameter allowsBlanks: a header's value such as `Bearer …`.
    static func read(
        _ path: String, _ files: FileAccess, allowsBlanks: Bool = false
    ) throws(CredentialError) -> String {
        let content: [UInt8]
        do throws(FileAccess.Failure) {
            content = try files.bytes(path)
        } catch {
            // Whoever writes the file anew may take it away first.
            switch error {
            case .missing:
                throw CredentialError("the token file \(path) doesn't exist", hint: hint, kind: .unsettled)
            case .unreadable(let reason):
                throw CredentialError("the token file \(path) can't be read: \(reason)", hint: hint, kind: .unsettled)
            }
        }
        let text = trim(content)
        guard !text.isEmpty else {
            // Writers that replace the content in two steps leave it empty for a moment.
            throw CredentialError("the token file \(path) is empty", hint: hint, kind: .unsettled)
        }
        guard text.utf8.allSatisfy({ ($0 > 0x20 || allowsBlanks && $0 == 0x20) && $0 < 0x7F }) else {
            let blank = allowsBlanks ? "" : ", a blank"
            throw CredentialError(
                "the token file \(path) holds a line break\(blank) or another character that no token has",
                hint: "write the token alone", kind: .unsettled)
        }
        return text
    }

    /// Without white space at its ends, which editors, `echo` and secret stores leave there, and without a byte order
    /// mark.
    private static func trim(_ content: [UInt8]) -> String {
        let bytes = content.starts(with: [0xEF, 0xBB, 0xBF]) ? content.dropFirst(3) : content[...]
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let rest = bytes.drop(while: isBlank)
        let end = rest.lastIndex { !isBlank($0) } ?? rest.startIndex
        return rest.isEmpty ? "" : String(decoding: rest[...end], as: UTF8.self)
    }

    private static let hint = "check that the token is mounted, and that its path is right"
}
