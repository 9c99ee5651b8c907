import FilePlugins
import Foundation
import PipelineCore
import Synchronization
import Testing

/// What reading an archive gave, and the error that ended it.
struct ArchiveReading {
    var records: [ArchiveRecord] = []
    var error: PipelineError?
    var warnings: [String] = []
    var fractions: [Double] = []
    /// What was read and left out; nil where the archive couldn't be listed.
    var files: ArchiveFileCounts?
    /// The names of the listing, by number.
    var names: [String] = []
    /// What became of each name that was passed, by number: `read`, `unreadable`, `passed`, or why it is left out.
    var ends: [String] = []
    /// The number of each record's file.
    var numbers: [Int] = []
    /// The files as they were when they were opened.
    var ended: [ListedFile] = []

    /// Reads to the end, or to an error.
    init(
        _ resolved: String, written: String? = nil, limit: Int = 1000,
        include: [String]? = nil, exclude: [String]? = nil, only own: Set<Int>? = nil,
        from first: Int = 0,
        after: (_ call: Int) throws -> Void = { _ in }
    ) async throws {
        let warned = Mutex<[String]>([])
        let reader = ArchiveFileReader(
            path: PathOption(written: written ?? resolved, resolved: resolved), include: include, exclude: exclude
        ) { line in
            warned.withLock { $0.append(line) }
        }
        defer { warnings = warned.withLock { $0 } }
        do {
            let cursor = try await reader.open()
            files = ArchiveFileCounts()
            names = await cursor.listing.map(\.name)
            if let own { await cursor.read(only: own) }
            if first > 0 { try await cursor.skip(to: first) }
            do {
                var calls = 0
                while case let next = try await cursor.next(limit: limit), !next.isEmpty {
                    for event in next { take(event, from: first) }
                    if let fraction = await cursor.fractionRead { fractions.append(fraction) }
                    try after(calls)
                    calls += 1
                }
            } catch let error as PipelineError { self.error = error }
            await cursor.close()
        } catch let error as PipelineError { self.error = error }
    }

    private mutating func take(_ event: ArchiveEvent, from first: Int) {
        switch event {
        case .record(let record):
            records.append(record)
            numbers.append(first + ends.count - 1)
        case .file(.begun(let isRead)):
            ends.append(isRead ? "read" : "unreadable")
            if isRead { files?.read += 1 }
        case .file(.ended(let file)):
            #expect(file.name == names[first + ends.count - 1])
            ended.append(file)
        case .file(.leftOut(let file, let reason)):
            #expect(file.name == names[first + ends.count])
            ends.append(reason)
            files?.leftOut += 1
        case .file(.passed(let file)):
            #expect(file.name == names[first + ends.count])
            ends.append("passed")
        }
    }

    /// Short forms: a document's text as it is, a fault as its code in angle brackets.
    var contents: [String] {
        records.map {
            switch $0.content {
            case .document(let bytes): String(decoding: bytes, as: UTF8.self)
            case .fault(let fault): "<\(fault.code.rawValue)>"
            }
        }
    }
    var faults: [InputFault] {
        records.compactMap { if case .fault(let fault) = $0.content { fault } else { nil } }
    }
    /// Each record's file, as it is shown, and its line.
    var places: [String] { records.map { "\($0.file):\($0.line)" } }
}

extension TemporaryFolder {
    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: target)
    }
}
