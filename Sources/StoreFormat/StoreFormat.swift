public import PipelineCore

/// The form in which a store is kept, counted from 1: ledgers in databases, manifests, histories, checkpoint files, spools.
///
/// One number for all of them: it grows when any of them changes in a way that an earlier version would misread.
///
/// | number | written by | what changed |
/// |---|---|---|
/// | 1 | 0.1 | ledgers and spools carry no number |
/// | 2 | 0.2 | `consumed`, `listing_hash`, `timeline`; ordinals of archives by file; `changed_at`, `removals`; `runs/` |
public struct StoreFormat: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 1 or more.
    public let number: Int

    /// - Parameter number: as a store says it; what is below 1 is taken for no format of this program.
    public init(_ number: Int) { self.number = number }

    /// What version 0.1 wrote.
    public static let first = StoreFormat(1)
    /// What this version writes.
    public static let current = StoreFormat(2)

    public static func < (left: StoreFormat, right: StoreFormat) -> Bool { left.number < right.number }

    public var description: String { String(number) }

    /// Whether this version can read it.
    public var isKnown: Bool { (Self.first...Self.current).contains(self) }

    /// - Parameter place: what carries the number, as a person finds it: a path, a server with database and schema.
    /// - Throws: `PipelineError` of kind `.configuration` where this version can't read it.
    public func check(of place: String) throws {
        guard !isKnown else { return }
        if self < .first { throw Self.unreadable(place, "its format is \(number), which is none") }
        throw PipelineError(
            .configuration,
            "\(place) has the format \(number), and this version of sluice knows formats up to \(Self.current)",
            hint: "A later version wrote it: use that one, or name another place. Nothing was changed.")
    }

    /// What is there can't be understood, which isn't the same as nothing.
    ///
    /// - Parameter clause: what is wrong, in the form "it lacks 'run'".
    public static func unreadable(_ place: String, _ clause: String, hint: String? = nil) -> PipelineError {
        PipelineError(
            .configuration, "\(place) can't be read: \(clause)",
            hint: hint ?? "Restore it from a backup, or move it away to begin anew. Nothing was changed.")
    }

    /// An unfinished run that this version can't go on with, because an earlier one counted or laid out its records otherwise.
    public static func unfinished(_ runID: String, of place: String, writtenBy version: String) -> PipelineError {
        PipelineError(
            .configuration,
            "\(place): run \(runID) was begun by version \(version) and can't be gone on with by this one",
            hint: "Finish it with that version, or run with --fresh to give it up and begin again.")
    }
}
