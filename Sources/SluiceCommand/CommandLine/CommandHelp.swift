internal import PipelineCore

/// What a command's help says below its first line: examples first, then words, then how it ends.
struct CommandHelp {
    /// Calls as they are typed, at least two.
    var examples: [String]
    var words: String
    /// How it may end otherwise than by 0 and 64.
    var exits: [PipelineError.Kind]

    init(_ examples: String..., words: String, exits: [PipelineError.Kind] = []) {
        self.examples = examples
        self.words = words
        self.exits = exits
    }

    var text: String {
        let calls = examples.map { "  $ " + $0 }.joined(separator: "\n")
        return [calls, words, exitCodes].filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var exitCodes: String {
        let kinds = Set(exits + [.usage])
        // Every command may find that the system gives it too few files or threads, or meet a fault of its own.
        let known = ExitStatus.all.filter { status in
            status.number == 0 || kinds.contains { $0.rawValue == status.number }
        }
        return Self.exitCodesLabel + known.map { "\($0.number) \($0.words)" }.joined(separator: "; ") + "."
    }

    static let exitCodesLabel = "Exit codes: "

    /// How a pipeline's run may end.
    static let exitsOfARun = PipelineError.Kind.allCases
    /// How a look at a pipeline's file may end.
    static let exitsOfAFile: [PipelineError.Kind] = [.noInput, .configuration]
    /// How a look at its sinks may end, too.
    static let exitsOfSinks: [PipelineError.Kind] = exitsOfAFile + [.unavailable, .temporary, .permission]
}
