/// One component of a glob, as shells read it: `*` for any text, `?` for one character, `[a-z]` and `[!a-z]` for one of a
/// set or none of it. Nothing but a dot matches a dot at the beginning of a name.
struct GlobPattern: Sendable {
    private enum Token: Sendable {
        case literal(Unicode.Scalar)
        case one
        case any
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private let tokens: [Token]

    init(_ text: Substring) {
        let text = Array(text.unicodeScalars)
        var tokens: [Token] = []
        var index = 0
        while index < text.count {
            switch text[index] {
            case "*":
                tokens.append(.any)
            case "?":
                tokens.append(.one)
            case "[":
                if let (set, behind) = Self.set(text, from: index + 1) {
                    tokens.append(set)
                    index = behind
                    continue
                }
                tokens.append(.literal("["))
            default:
                tokens.append(.literal(text[index]))
            }
            index += 1
        }
        self.tokens = tokens
    }

    /// True for a text that means more than itself.
    static func isPattern(_ text: some StringProtocol) -> Bool { text.utf8.contains { "*?[".utf8.contains($0) } }

    /// Reads a set from behind its opening bracket; nil where none closes it.
    private static func set(_ text: [Unicode.Scalar], from start: Int) -> (Token, behind: Int)? {
        var index = start
        let isNegated = index < text.count && (text[index] == "!" || text[index] == "^")
        if isNegated { index += 1 }
        let first = index
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while index < text.count {
            // A bracket that closes nothing yet is one of the set.
            if text[index] == "]", index > first { return (.set(ranges, isNegated: isNegated), index + 1) }
            if index + 2 < text.count, text[index + 1] == "-", text[index + 2] != "]" {
                if text[index] <= text[index + 2] { ranges.append(text[index]...text[index + 2]) }
                index += 3
            } else {
                ranges.append(text[index]...text[index])
                index += 1
            }
        }
        return nil
    }

    func matches(_ name: String) -> Bool {
        let name = Array(name.unicodeScalars)
        if name.first == "." {
            guard case .literal(".")? = tokens.first else { return false }
        }
        var token = 0
        var index = 0
        // Where the last star stands, and how far the text that it takes goes.
        var star: (token: Int, index: Int)?
        while index < name.count {
            if token < tokens.count, case .any = tokens[token] {
                star = (token, index)
                token += 1
            } else if token < tokens.count, Self.matches(tokens[token], name[index]) {
                token += 1
                index += 1
            } else if let last = star {
                token = last.token + 1
                index = last.index + 1
                star = (last.token, index)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    private static func matches(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .literal(let literal): literal == scalar
        case .one: true
        case .any: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
