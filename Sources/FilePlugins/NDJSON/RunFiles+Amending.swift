internal import PipelineCore

/// A table whose rows are written anew, because some of them are to go: the failures of a run that is amended.
///
/// A file only ever grows, so the rows that stay are copied into a folder beside the table's. The checkpoint says which
/// folder counts; when the run is published, that takes the table's name.
extension RunFiles {
    /// Gives a committed table's lines, in order.
    func forEachLine(of index: Int, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        let table = committed[index]
        for (number, finished) in table.finished.enumerated() {
            let file = try OutputFile("\(folder)/\(table.path(number))", .existing)
            defer { file.close() }
            try WrittenLines(file: file, bytes: finished.bytes, length: finished.length).forEach(body)
        }
        let file = try OutputFile("\(folder)/\(table.path(table.current.number))", .existing)
        defer { file.close() }
        try WrittenLines(file: file, bytes: table.current.bytes, length: table.current.length).forEach(body)
    }

    /// Copies a table's lines that are kept, and what is added to them.
    ///
    /// - Returns: the copy, durable, which nothing leads to as yet.
    func copy(
        _ index: Int, level: Int, adding segments: [DeflateSegment], keeping isKept: (ArraySlice<UInt8>) throws -> Bool
    ) throws -> TableFiles {
        var table = TableFiles(name: committed[index].name, generation: committed[index].generation + 1)
        let place = "\(folder)/\(table.folderName)"
        try Files.remove(place)
        try Files.makeFolder(place)
        var file = try OutputFile("\(folder)/\(table.path(0))", .fresh)
        defer { file.close() }
        try file.write(GzipMember.header, at: 0)
        func write(_ segment: DeflateSegment) throws {
            if table.current.rows > 0, table.current.bytes >= maxFileSize {
                let end = table.finishCurrent()
                try file.write(end.bytes, at: end.offset)
                try file.sync()
                file.close()
                file = try OutputFile("\(folder)/\(table.path(table.current.number))", .fresh)
                try file.write(GzipMember.header, at: 0)
            }
            try file.write(segment.bytes, at: table.current.bytes)
            table.current.take(segment)
        }
        var text: [UInt8] = []
        var rows = 0
        func flush() throws {
            guard rows > 0 else { return }
            let segment = try text.withUnsafeBufferPointer { try DeflateSegment($0, rows: rows, level: level) }
            try write(segment)
            text = []
            rows = 0
        }
        try forEachLine(of: index) { line in
            guard try isKept(line) else { return }
            text.append(contentsOf: line)
            text.append(UInt8(ascii: "\n"))
            rows += 1
            if text.count >= BatchEncoder.segmentSize { try flush() }
        }
        try flush()
        for segment in segments { try write(segment) }
        try file.sync()
        try Files.sync(folder: place)
        return table
    }
}

extension OutputFolder {
    /// Gives tables that were written anew their names, in the folder of a complete run. What is done already isn't done
    /// again.
    func nameTables(in made: String) throws {
        guard let checkpoint = try RunCheckpoint.read(in: made), checkpoint.standing.run.state == .complete else {
            return
        }
        for table in checkpoint.tables where table.generation > 0 {
            let aside = "\(made)/\(TableFiles.folderName(table.name, table.generation))"
            guard try Entry(aside) == .folder else { continue }
            try discard("\(made)/\(table.name)")
            try Failpoint.reach("ndjson.publish.between-tables")
            try Files.move(aside, to: "\(made)/\(table.name)")
            try Failpoint.reach("ndjson.publish.after-table")
            try Files.sync(folder: made)
        }
    }
}
