package import PipelineCore

/// Where a record stands in an archive, as its ordinal says: file number × 2³² + record number, so that the ordinals of a
/// file's records depend on no other file.
package struct ArchivePlace: Sendable, Hashable {
    /// The file's number in the listing, from 0.
    package private(set) var file: Int
    /// The record's number in its file, from 0.
    package private(set) var record: Int

    package init(file: Int = 0, record: Int = 0) {
        self.file = file
        self.record = record
    }

    package init(ordinal: Int) { self.init(file: ordinal >> 32, record: ordinal & 0xFFFF_FFFF) }

    package var ordinal: Int { file << 32 + record }

    /// From the place at which reading stands to the one behind an event.
    package mutating func advance(by event: ArchiveEvent) {
        switch event {
        case .record: record += 1
        case .file(.begun): break
        case .file(.ended), .file(.leftOut), .file(.passed): self = ArchivePlace(file: file + 1)
        }
    }
}

/// What an archive may have at most: every ordinal is below 2⁵³, which numbers in JSON hold as well.
public struct ArchiveBounds: Sendable {
    /// Names in the listing.
    public var files = 1 << 21
    /// Records in one file.
    public var records = 1 << 32

    public init() {}

    /// - Throws: `PipelineError` of kind `.noInput` where there are too many names.
    func check(fileCount count: Int) throws {
        guard count > files else { return }
        throw PipelineError(
            .noInput, "the archive has \(count) names, more than the \(files) that can be numbered",
            hint: "Read it in parts, each with a 'path' and a pipeline of its own, or join its files.")
    }

    /// - Throws: `PipelineError` of kind `.noInput` where this record's file has too many of them.
    func check(_ place: ArchivePlace, of record: ArchiveRecord) throws {
        guard place.record >= records else { return }
        throw PipelineError(
            .noInput, "\(record.file) has more than \(records) records, which is the most that one file may have",
            hint: "Split the file and run with --fresh.")
    }
}
