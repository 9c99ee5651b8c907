internal import LocalFiles
internal import PipelineCore

/// The data files of a run under way, in its folder. What is committed is known; what stands behind it is cut off.
final class RunFiles {
    let folder: String
    /// As of the checkpoint.
    private(set) var committed: [TableFiles]
    /// With what is prepared.
    private var staged: [TableFiles]?
    let format: RunFormat
    let maxFileSize: Int
    /// The run's folder itself, to notice when it is moved away.
    private let place: FolderInPlace
    /// The open files, by table and number: those under way, and those that the prepared batch has ended.
    private var opened: [[Int: WritableFile]]
    /// The files to which the prepared batch has written, by table.
    private var touched: [Set<Int>]
    /// The folders in which the prepared batch has made files.
    private var extended: Set<String> = []

    /// - Parameters:
    ///   - tables: what is committed, the files being at least that long.
    ///   - maxFileSize: bytes of a file after which the next batch begins a new one.
    init(_ folder: String, _ tables: [TableFiles], _ format: RunFormat, maxFileSize: Int) throws {
        self.folder = folder
        self.format = format
        self.maxFileSize = maxFileSize
        place = try FolderInPlace(folder)
        committed = tables
        opened = tables.map { _ in [:] }
        touched = tables.map { _ in [] }
    }

    /// The manifest while it is prepared.
    var nascentManifest: String { "\(folder)/\(RunLayout.nascent(RunLayout.manifest))" }

    /// What the files hold once what is prepared is committed.
    var prepared: [TableFiles] { staged ?? committed }

    // MARK: The two steps

    /// Writes a batch's segments, by table, behind what is there.
    ///
    /// An error leaves the batch half written; `abandon` follows.
    func write(_ segments: [[FileSegment]]) throws {
        var tables = committed
        for index in tables.indices where !segments[index].isEmpty {
            try checkEnd(of: index)
            if tables[index].current.rows > 0, tables[index].current.bytes >= maxFileSize {
                try finish(index, &tables[index])
                try begin(index, &tables[index])
            }
            touched[index].insert(tables[index].current.number)
            for segment in segments[index] {
                let current = tables[index].current
                try file(index, current.number).write(segment.bytes, at: current.bytes)
                tables[index].take(segment)
            }
        }
        staged = tables
    }

    /// Takes a copy of a table in the place of what is there, with whatever else is prepared.
    func replace(_ index: Int, with copy: TableFiles) {
        var tables = prepared
        tables[index] = copy
        staged = tables
        extended.insert(folder)
    }

    /// Ends every file under way.
    func writeEnds() throws {
        var tables = committed
        for index in tables.indices {
            try checkEnd(of: index)
            try finish(index, &tables[index])
        }
        staged = tables
    }

    /// Makes what is prepared durable, short of the checkpoint.
    func sync() throws {
        try checkPlace()
        for (index, numbers) in touched.enumerated() {
            for number in numbers.sorted() {
                let file = try file(index, number)
                guard file.isInPlace else { throw Self.vanished(file.path) }
                try file.sync()
            }
        }
        for folder in extended.sorted() { try Files.sync(folder: folder) }
    }

    /// - Throws: where the run's folder is no longer where it was.
    func checkPlace() throws {
        guard place.isInPlace else { throw Self.vanished(folder) }
    }

    /// What is prepared is committed now.
    func markCommitted() {
        guard let staged else { return }
        for index in staged.indices {
            if staged[index].generation != committed[index].generation {
                for file in opened[index].values { file.close() }
                opened[index] = [:]
                // Where it can't be removed now, it goes when the run is taken up again or published.
                try? Files.remove("\(folder)/\(committed[index].folder)")
            }
            for number in opened[index].keys where number < staged[index].current.number {
                opened[index].removeValue(forKey: number)?.close()
            }
            touched[index] = []
        }
        committed = staged
        self.staged = nil
        extended = []
    }

    /// Cuts the files back to what is committed. What can't be cut now is cut before the next batch is written.
    func abandon() {
        for (table, copy) in zip(committed, prepared) where table.generation != copy.generation {
            try? Files.remove("\(folder)/\(copy.folder)")
        }
        staged = nil
        for index in committed.indices {
            let current = committed[index].current
            for number in touched[index] {
                if number == current.number {
                    try? file(index, number).cut(to: current.bytes)
                } else {
                    opened[index].removeValue(forKey: number)?.close()
                    try? Files.remove(path(index, number))
                }
            }
            touched[index] = []
        }
        extended = []
    }

    func close() {
        for file in opened.flatMap(\.values) { file.close() }
        opened = committed.map { _ in [:] }
    }

    // MARK: Single files

    /// Nothing may stand behind what is committed, or it would stand behind a shorter batch as well.
    private func checkEnd(of index: Int) throws {
        let current = committed[index].current
        let file = try file(index, current.number)
        let size = try file.size()
        guard size >= current.bytes else {
            throw PipelineError(
                .ioError, "\(file.path) was cut short by something else: it has \(size) bytes, not \(current.bytes)",
                hint: "Restore the file to resume the run, or run with --fresh to begin again.")
        }
        if size > current.bytes { try file.cut(to: current.bytes) }
    }

    private func finish(_ index: Int, _ table: inout TableFiles) throws {
        let end = table.finishCurrent()
        touched[index].insert(end.file)
        try file(index, end.file).write(end.bytes, at: end.offset)
    }

    private func begin(_ index: Int, _ table: inout TableFiles) throws {
        let number = table.current.number
        let file = try WritableFile(path(index, number), .fresh)
        opened[index][number] = file
        touched[index].insert(number)
        extended.insert("\(folder)/\(table.folder)")
        try Failpoint.reach("ndjson.prepare.after-new-file")
        try file.write(table.header.bytes, at: 0)
    }

    private func path(_ index: Int, _ number: Int) -> String {
        "\(folder)/\(committed[index].path(number))"
    }

    private func file(_ index: Int, _ number: Int) throws -> WritableFile {
        if let file = opened[index][number] { return file }
        let file = try WritableFile(path(index, number), .existing)
        opened[index][number] = file
        return file
    }

    private static func vanished(_ path: String) -> PipelineError {
        PipelineError(
            .ioError, "\(path) was moved or deleted while the run was writing there",
            hint: "Put it back to resume the run, or run with --fresh to begin again.")
    }
}
