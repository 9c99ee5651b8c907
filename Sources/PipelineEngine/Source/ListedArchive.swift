package import PipelineCore

/// An archive that has been listed and not yet read.
package struct ListedArchive: Sendable {
    let cursor: any ArchiveCursor
    let listing: [ListedFile]
    let bounds: ArchiveBounds
    let share: ArchiveShare

    /// - Parameter shard: Whose part of it is to be read.
    /// - Throws: `PipelineError` of the reader; of kind `.noInput` where there are more names than can be numbered.
    package static func open(
        _ reader: any ArchiveReader, for shard: Shard = .whole, bounds: ArchiveBounds = ArchiveBounds()
    ) async throws -> ListedArchive {
        let cursor = try await reader.open()
        let listing = await cursor.listing
        let share = ArchiveShare(of: shard, in: listing)
        let archive = ListedArchive(cursor: cursor, listing: listing, bounds: bounds, share: share)
        do { try bounds.check(fileCount: archive.listing.count) } catch {
            await cursor.close()
            throw error
        }
        if let own = share.files { await cursor.read(only: own) }
        return archive
    }

    /// As `RunRecord.listingHash` has it.
    package var hash: String { ArchiveChains.digest(of: listing) }

    /// The files that are read as far as the listing tells.
    package var filesToRead: [ListedFile] {
        listing.indices.filter { share.opens(file: $0) && listing[$0].leftOut == nil }.map { listing[$0] }
    }
}
