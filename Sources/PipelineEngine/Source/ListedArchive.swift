package import PipelineCore

/// An archive that has been listed and not yet read.
package struct ListedArchive: Sendable {
    let cursor: any ArchiveCursor
    let listing: [ListedFile]
    let bounds: ArchiveBounds

    /// - Throws: `PipelineError` of the reader; of kind `.noInput` where there are more names than can be numbered.
    package static func open(
        _ reader: any ArchiveReader, bounds: ArchiveBounds = ArchiveBounds()
    ) async throws -> ListedArchive {
        let cursor = try await reader.open()
        let archive = ListedArchive(cursor: cursor, listing: await cursor.listing, bounds: bounds)
        do { try bounds.check(archive.listing) } catch {
            await cursor.close()
            throw error
        }
        return archive
    }

    /// As `RunRecord.listingHash` has it.
    package var hash: String { ArchiveChains.digest(of: listing) }
}
