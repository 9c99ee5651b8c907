/// An error that ends a run: what happened, where, what to do. Its kind decides the exit code.
public struct PipelineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why a run ended, with the exit code of `sysexits.h` where it has one. `ExitStatus` has their words.
    public enum Kind: Int32, Sendable, CaseIterable {
        case usage = 64
        /// Complete, but more failed than is accepted.
        case incomplete = 65
        /// The input is missing, unreadable or changed.
        case noInput = 66
        /// The source or a sink doesn't answer.
        case unavailable = 69
        /// A fault of the program.
        case software = 70
        /// The output can't be created.
        case cantCreate = 73
        /// A sink's I/O failed; the disk may be full.
        case ioError = 74
        /// Stopped early or locked; run again.
        case temporary = 75
        /// A brake.
        case brake = 76
        /// Credentials or permission.
        case permission = 77
        case configuration = 78
    }

    public var kind: Kind
    /// What happened and where. No secret, no user ID.
    public var message: String
    /// What to do next.
    public var hint: String?
    /// What the next call of the same command is given so that it isn't stopped by this again: `--accept failed`.
    public var option: String?

    public init(_ kind: Kind, _ message: String, hint: String? = nil, option: String? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.option = option
    }

    public var exitCode: Int32 { kind.rawValue }
    public var description: String { hint.map { "\(message)\n  \($0)" } ?? message }
}
