public import PipelineCore

/// A store of files: a folder for each run, in it a folder for each table, and all that makes its commits happen exactly once.
///
/// While a run is under way its files stand aside, under `.sluice`, and the checkpoint file beside them says how much of each
/// belongs to the last commit; what stands behind that is cut off when the run is taken up again. When it is complete its
/// folder takes its place in one step, with a manifest of its files and their SHA-256. A file's bytes depend on the rows and the
/// batches alone, however often the run was interrupted.
public struct RunFolderStore: Sendable {
    /// Absolute; missing folders are made when the store is opened.
    public let path: String
    /// `append` keeps every run's folder; `replace` the newest and the one before.
    public let mode: WriteMode
    /// Bytes of a file after which the next batch begins a new one.
    public let maxFileSize: Int
    public let format: any FileFormat
    /// Names the threads that do the work, in a debugger.
    let label: String
    /// Takes what is worth a line in the log, though it ends no run.
    let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - path: absolute; missing folders are made when the store is opened.
    ///   - mode: not `merge`: files have no keys to merge by.
    ///   - maxFileSize: 1 or more.
    ///   - label: such as the plugin's type.
    ///   - warn: takes what is worth a line in the log, though it ends no run.
    public init(
        path: String, mode: WriteMode, maxFileSize: Int, format: any FileFormat, label: String,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        precondition(!mode.needsKeys, "files have no keys to merge by")
        precondition(maxFileSize > 0, "out of range")
        self.path = path
        self.mode = mode
        self.maxFileSize = maxFileSize
        self.format = format
        self.label = label
        self.warn = warn
    }

    /// As `Sink.open`.
    public func open(_ context: SinkContext) async throws -> any SinkSession {
        try await opening(RunFolderSession(self, context)) { try await $0.connect() }
    }

    /// As `Sink.inspect`.
    public func inspect(_ context: SinkContext) async throws -> SinkInspection {
        try await RunFolderInspection(self, context).perform()
    }

    /// As `Sink.openForReading`.
    public func openForReading(_ context: SinkReadingContext) -> any SinkReader { RunFolderReader(self, context) }
}

/// A sink whose rows go into run folders. It brings its options and its file format; the store does the rest.
public protocol RunFolderSink: Sink {
    var store: RunFolderStore { get }
}

extension RunFolderSink {
    public var target: String { store.path }
    public var mode: WriteMode { store.mode }
    /// Whoever has read a file would never learn of a change.
    public var amendsPublishedRuns: Bool { false }

    public var guarantee: String {
        "exactly once: files are cut back to the checkpoint; their bytes don't depend on interruptions"
    }

    public func inspect(_ context: SinkContext) async throws -> SinkInspection { try await store.inspect(context) }

    public func open(_ context: SinkContext) async throws -> any SinkSession { try await store.open(context) }

    public func openForReading(_ context: SinkReadingContext) async throws -> any SinkReader {
        store.openForReading(context)
    }
}
