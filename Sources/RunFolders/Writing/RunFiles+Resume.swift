internal import Crypto
internal import LocalFiles
internal import PipelineCore

extension RunFiles {
    /// Makes the first file of each table in a fresh folder, durably.
    static func create(in folder: String, _ format: RunFormat) throws -> [TableFiles] {
        let tables = format.tables.indices.map { format.newFiles($0) }
        for table in tables {
            let path = "\(folder)/\(table.folder)"
            try Files.makeFolder(path)
            let file = try WritableFile("\(folder)/\(table.path(0))", .fresh)
            try file.write(table.header.bytes, at: 0)
            try file.sync()
            file.close()
            try Files.sync(folder: path)
        }
        return tables
    }

    /// Takes up the files of a checkpoint: checks that they hold what it says, cuts off what was written after it, and
    /// removes files that it doesn't know.
    ///
    /// The file under way is read once, because its hash goes on; of finished files the size is compared.
    ///
    /// - Throws: `PipelineError` of kind `.ioError` where a file is missing, shorter, or holds something else.
    static func resume(
        _ checkpoint: RunCheckpoint, in folder: String, _ format: RunFormat, maxFileSize: Int
    ) throws -> RunFiles {
        guard checkpoint.tables.map(\.name) == format.tables.map(\.table.name) else {
            throw PipelineError(
                .configuration, "the unfinished run in \(folder) has other tables than the configuration now asks for",
                hint: "Restore the configuration to resume the run, or run with --fresh to begin again.")
        }
        var files: [TableFiles] = []
        for (index, table) in checkpoint.tables.enumerated() {
            files.append(try resume(table, in: folder, format.newFiles(index, generation: table.generation)))
        }
        return try RunFiles(folder, files, format, maxFileSize: maxFileSize)
    }

    /// - Parameter files: the table's, as they were before it had any rows.
    private static func resume(
        _ table: RunCheckpoint.TableRecord, in folder: String, _ files: TableFiles
    ) throws -> TableFiles {
        guard let current = table.current, current.number == table.finished.count else {
            throw PipelineError(.software, "the checkpoint in \(folder) names no file under way for '\(table.name)'")
        }
        let place = files.folder
        for (number, finished) in table.finished.enumerated() {
            let file = try WritableFile("\(folder)/\(files.path(number))", .existing)
            let size = try file.size()
            // A file that the batch behind the checkpoint has ended is still under way here; finished ones never change.
            guard size == finished.bytes else { throw damaged(file.path, "\(size) bytes, not \(finished.bytes)") }
        }
        let file = try WritableFile("\(folder)/\(files.path(current.number))", .existing)
        let size = try file.size()
        guard size >= current.bytes else { throw damaged(file.path, "\(size) bytes, not \(current.bytes)") }
        let hash = try hash(of: file, upTo: current.bytes)
        guard Hexadecimal.text(hash.finalize()) == current.sha256 else {
            throw damaged(file.path, "other content in its first \(current.bytes) bytes")
        }
        if size > current.bytes {
            try file.cut(to: current.bytes)
            try Failpoint.reach("ndjson.resume.after-cut")
        }
        let known = Set((0...current.number).map { files.path($0) })
        for name in try Files.names(in: "\(folder)/\(place)") where !known.contains("\(place)/\(name)") {
            try Files.remove("\(folder)/\(place)/\(name)")
            try Failpoint.reach("ndjson.resume.after-remove")
        }
        // Other generations of the table: the one before, or one that was never committed.
        for name in try Files.names(in: folder)
        where name != place && RunLayout.table(ofFolder: name) == table.name {
            try Files.remove("\(folder)/\(name)")
        }
        var files = files
        files.finished = table.finished
        files.current = GrowingFile(
            number: current.number, rows: current.rows, bytes: current.bytes, length: current.length,
            checksum: current.checksum, hash: hash)
        return files
    }

    private static func hash(of file: WritableFile, upTo end: Int) throws -> SHA256 {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < end {
            let wanted = min(buffer.count, end - offset)
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
            guard count == wanted else { throw damaged(file.path, "fewer bytes than before") }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
        return hash
    }

    private static func damaged(_ path: String, _ what: String) -> PipelineError {
        PipelineError(
            .ioError, "\(path) isn't what the checkpoint beside it says: it has \(what)",
            hint: "Restore the file to resume the run, or run with --fresh to begin again.")
    }
}
