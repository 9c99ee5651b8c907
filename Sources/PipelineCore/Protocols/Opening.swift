/// What an opened plugin is: an actor that holds files, connections or a lock until it is closed.
public protocol Closable: Actor {
    /// Gives back everything, also where opening has failed halfway; no call follows.
    func close() async
}

/// Finishes the opening of a session, reader or cursor that was just made, and closes it where that fails: nobody else
/// has it yet.
///
/// ```swift
/// public func open(_ context: SinkContext) async throws -> any SinkSession {
///     try await opening(FolderSession(self, context)) { try await $0.connect() }
/// }
/// ```
///
/// - Returns: What it was given, opened.
/// - Throws: What `open` throws, after everything is closed.
public func opening<Opened: Closable>(
    _ opened: Opened, by open: (Opened) async throws -> Void
) async throws -> Opened {
    do {
        try await open(opened)
    } catch {
        await opened.close()
        throw error
    }
    return opened
}
