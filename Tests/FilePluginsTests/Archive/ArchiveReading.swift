import FilePlugins
import Foundation
import PipelineCore
import Synchronization

/// What reading an archive gave, and the error that ended it.
struct ArchiveReading {
    var records: [ArchiveRecord] = []
    var error: PipelineError?
    var warnings: [String] = []
    var fractions: [Double] = []
    var files: ArchiveFileCounts?

    /// Reads to the end, or to an error.
    init(
        _ resolved: String, written: String? = nil, limit: Int = 1000,
        include: [String]? = nil, exclude: [String]? = nil,
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
            files = await cursor.files
            do {
                var calls = 0
                while case let next = try await cursor.next(limit: limit), !next.isEmpty {
                    records += next
                    if let fraction = await cursor.fractionRead { fractions.append(fraction) }
                    try after(calls)
                    calls += 1
                }
            } catch let error as PipelineError { self.error = error }
            await cursor.close()
        } catch let error as PipelineError { self.error = error }
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
