internal import LineInput
package import PipelineCore

/// What a file, a folder or a glob of earlier exports holds, as far as its files' first bytes and its first records tell.
package struct ArchiveSurvey: Sendable {
    /// A reason in words that follow "it is" or "because", and how many names it holds for.
    package struct Reason: Sendable, Equatable {
        package var text: String
        package var count: Int
        /// The first of these names, relative to the archive's folder.
        package var name: String
    }

    /// Files that are read, and their bytes as they stand on disk.
    package var files = 0
    package var bytes: UInt64 = 0
    /// Names that are passed over, and files that can't be read: each of these becomes a failure.
    package var leftOut: [Reason] = []
    package var unreadable: [Reason] = []
    /// Records looked at, and those of them that are no documents.
    package var recordsLookedAt = 0
    package var faults = 0
    /// How many records there are in all.
    package var records = InputCount(0, isExact: true)

    private static let mostRecords = 10_000
    /// What more files than this hold is told by their names alone.
    private static let mostFilesOpened = 1000

    /// - Parameter take: Gets each document of the sample.
    /// - Throws: `PipelineError` of kind `.noInput` where there is nothing to read.
    package init(_ path: PathOption, take: ([UInt8]) -> Void) async throws {
        try countFiles(path)
        let cursor = try await ArchiveFileReader(path: path, warn: { _ in }).open()
        do { try await sample(cursor, take) } catch {
            await cursor.close()
            throw error
        }
        await cursor.close()
    }

    private mutating func countFiles(_ path: PathOption) throws {
        let archive = try ArchiveListing(path, NameFilter(), warn: { _ in })
        var opened = 0
        for (number, listed) in archive.names.enumerated() {
            try Task.checkCancellation()
            if let reason = listed.leftOut {
                Self.count(listed, reason, in: &leftOut)
                continue
            }
            opened += 1
            let file = archive.file(number)
            var content: ArchiveContent?
            if opened <= Self.mostFilesOpened, file.problem == nil {
                do { content = try ArchiveContent.sniff(file.path) } catch {
                    content = .unreadable("a file that can't be read")
                }
            }
            switch content {
            case .junk(let reason): Self.count(listed, reason, in: &leftOut)
            case .empty: Self.count(listed, "empty", in: &leftOut)
            case .unreadable(let reason): Self.count(listed, reason, in: &unreadable)
            case .text, nil:
                if let problem = file.problem {
                    Self.count(listed, problem, in: &unreadable)
                } else {
                    files += 1
                    bytes += listed.size
                }
            }
        }
    }

    private mutating func sample(_ cursor: any ArchiveCursor, _ take: ([UInt8]) -> Void) async throws {
        var isComplete = false
        while recordsLookedAt < Self.mostRecords {
            let events = try await cursor.next(limit: 256)
            isComplete = events.isEmpty
            if isComplete { break }
            for case .record(let record) in events {
                recordsLookedAt += 1
                switch record.content {
                case .document(let bytes): take(bytes)
                case .fault: faults += 1
                }
            }
        }
        records = InputCount(recordsLookedAt, isExact: isComplete)
        if !isComplete, let share = await cursor.fractionRead, share > 0 {
            records = InputCount(max(recordsLookedAt, Int(Double(recordsLookedAt) / share)), isExact: false)
        }
    }

    private static func count(_ file: ListedFile, _ reason: String, in list: inout [Reason]) {
        if let index = list.firstIndex(where: { $0.text == reason }) {
            list[index].count += 1
        } else {
            list.append(Reason(text: reason, count: 1, name: file.name))
        }
    }
}
