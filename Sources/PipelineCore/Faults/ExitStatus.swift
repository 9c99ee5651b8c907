/// A number with which the program ends, and its words: help, documents, units and manifests are made from them.
public struct ExitStatus: Sendable, Hashable {
    public let number: Int32
    /// One word, or several with hyphens: `no-input`.
    public let name: String
    /// A few words, for a list in a line: `input missing or changed`.
    public let words: String
    /// A line for a table, in Markdown.
    public let meaning: String
    /// What to do, in Markdown; empty where the message says it.
    public let advice: String
    public let again: Again

    /// Whether calling again, with nothing else changed, helps.
    public enum Again: String, Sendable, CaseIterable {
        case helps
        /// Once the cause has gone by itself or by somebody's hand: a server is back, a disk has room.
        case later
        case no
    }

    private init(
        _ number: Int32, _ name: String, _ words: String, meaning: String? = nil, advice: String = "",
        again: Again = .no
    ) {
        self.number = number
        self.name = name
        self.words = words
        self.meaning = meaning ?? words
        self.advice = advice
        self.again = again
    }

    public static let complete = ExitStatus(0, "complete", "complete")

    /// All of them, in the order of their numbers.
    public static let all = [complete] + PipelineError.Kind.allCases.map(ExitStatus.init)

    public init(_ kind: PipelineError.Kind) {
        self =
            switch kind {
            case .usage: ExitStatus(kind.rawValue, "usage", "usage", meaning: "wrong usage of the command")
            case .incomplete:
                ExitStatus(
                    kind.rawValue, "incomplete", "complete, but more failed than accepted",
                    meaning: "complete, but more users failed than `accept_failed`, or a sink refused records; "
                        + "`status`: too old; `verify`: different",
                    advice: "look at `failures`; the message says what helps")
            case .noInput:
                ExitStatus(
                    kind.rawValue, "no-input", "input missing or changed",
                    meaning: "the input is missing, unreadable, or changed since the run began",
                    advice: "mend it, run again")
            case .unavailable:
                ExitStatus(
                    kind.rawValue, "unavailable", "the source or a sink is unavailable",
                    meaning: "the source or a sink doesn't answer", advice: "run again later", again: .later)
            case .software: ExitStatus(kind.rawValue, "software", "a fault of the program", advice: "please report it")
            case .cantCreate:
                ExitStatus(
                    kind.rawValue, "cant-create", "cannot create the output", meaning: "the output can't be created")
            case .ioError:
                ExitStatus(
                    kind.rawValue, "io-error", "the output's I/O failed",
                    meaning: "writing failed, for example on a full disk", advice: "make room, run again", again: .later
                )
            case .temporary:
                ExitStatus(
                    kind.rawValue, "temporary", "stopped early or locked",
                    meaning: "stopped early by a signal, or another run holds the lock", advice: "run again",
                    again: .helps)
            case .brake:
                ExitStatus(
                    kind.rawValue, "brake", "a brake", meaning: "a brake stopped the run", advice: "look, then decide")
            case .permission:
                ExitStatus(
                    kind.rawValue, "permission", "credentials or permission",
                    meaning: "credentials or permission; the end of support")
            case .configuration:
                ExitStatus(
                    kind.rawValue, "configuration", "configuration",
                    meaning:
                        "the configuration is wrong, or changed in the middle of a run; or the process may have too "
                        + "few files (`ulimit -n`) or threads")
            }
    }
}
