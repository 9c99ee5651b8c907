import PipelineCore
import Synchronization

/// A store in memory that outlives its sessions, as a database outlives a process: prepared work that wasn't committed
/// is gone with its session.
final class MemoryStore: Sendable {
    /// What a store holds of one pipeline and shard.
    struct Ledger: Sendable, Equatable {
        var runs: [String: RunRecord] = [:]
        var lastRun: String?
        var checkpoint: Checkpoint?
        var commits = 0
    }

    struct Content: Sendable {
        /// What readers see: `table/key` → the row's values.
        var rows: [String: [RowView.Value]] = [:]
        /// What a run has written that readers don't see yet.
        var aside: [String: [RowView.Value]] = [:]
        var ledgers: [String: Ledger] = [:]
        /// Who opened the store first, and how.
        var owner: (pipeline: String, mode: WriteMode)?
        /// Keys of rows in a store without keys.
        var lastRow = 0

        /// The ledger of a store that one pipeline uses.
        private var only: Ledger { ledgers.values.first ?? Ledger() }
        var runs: [String: RunRecord] { only.runs }
        var lastRun: RunRecord? { only.lastRun.flatMap { only.runs[$0] } }
        var checkpoint: Checkpoint? { only.checkpoint }
        var commits: Int { only.commits }
    }

    /// A step at which a test may throw or wait.
    enum Step: Sendable, Hashable {
        case begin, prepare(Int), commit(Int), prepareCompletion, commitCompletion
    }

    private let content = Mutex(Content())
    private let locks = Mutex<Set<String>>([])
    private let fault = Mutex<(@Sendable (Step) async throws -> Void)?>(nil)
    private let falsehood = Mutex<(@Sendable (inout Checkpoint) -> Void)?>(nil)
    private let refused = Mutex<(@Sendable (_ userID: String) -> Bool)?>(nil)

    var current: Content { content.withLock { $0 } }
    func update(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

    func failing(_ body: (@Sendable (Step) async throws -> Void)?) { fault.withLock { $0 = body } }
    func reach(_ step: Step) async throws { try await fault.withLock { $0 }?(step) }

    /// Sets whose records are refused because of their content.
    func refusing(_ body: (@Sendable (_ userID: String) -> Bool)?) { refused.withLock { $0 = body } }
    func refuses(_ userID: String) -> Bool { refused.withLock { $0 }?(userID) ?? false }

    /// Makes its sessions prepare other checkpoints than they should.
    func falsifying(_ body: (@Sendable (inout Checkpoint) -> Void)?) { falsehood.withLock { $0 = body } }
    func falsified(_ checkpoint: Checkpoint) -> Checkpoint {
        var result = checkpoint
        falsehood.withLock { $0 }?(&result)
        return result
    }

    func lock(_ name: String) -> Bool { locks.withLock { $0.insert(name).inserted } }
    func unlock(_ name: String) { locks.withLock { _ = $0.remove(name) } }

    /// A text as it stands in a key: ASCII without a slash, so that texts with the same bytes alone are the same.
    static func key(_ text: String) -> String {
        text.unicodeScalars.map { $0 == "/" ? "\\/" : $0.escaped(asASCII: true) }.joined()
    }

    /// The rows of one table that readers see.
    func rows(_ table: String) -> [String: [RowView.Value]] { current.rows(table) }
}

extension MemoryStore.Content {
    func rows(_ table: String) -> [String: [RowView.Value]] { rows.filter { $0.key.hasPrefix(table + "/") } }
}
