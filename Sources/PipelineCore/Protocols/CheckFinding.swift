/// One thing that a look at a part of a pipeline has found: a line for a person.
public struct CheckFinding: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        case ok
        /// It may be meant so, and a run would begin.
        case doubt
        /// A run would end with this.
        case failure(PipelineError.Kind)
    }

    public var verdict: Verdict
    /// What was found, without a full stop; no secret and no user ID.
    public var message: String
    /// What to do.
    public var hint: String?

    public init(_ verdict: Verdict, _ message: String, hint: String? = nil) {
        self.verdict = verdict
        self.message = message
        self.hint = hint
    }

    public static func ok(_ message: String) -> CheckFinding { CheckFinding(.ok, message) }

    public static func doubt(_ message: String, hint: String? = nil) -> CheckFinding {
        CheckFinding(.doubt, message, hint: hint)
    }

    /// What keeps a run from beginning.
    public init(_ error: PipelineError) {
        self.init(.failure(error.kind), error.message, hint: error.hint)
    }
}
