internal import LocalFiles
internal import PipelineCore

/// A table whose rows are written anew, because some of them are to go: the failures of a run that is amended.
///
/// A file only ever grows, so the rows that stay are copied into a folder beside the table's. The checkpoint says which
/// folder counts; when the run is published, that takes the table's name.
extension RunFiles {
    /// Gives a committed table's records, in order.
    func forEachRecord(of index: Int, _ body: ([UInt8]) throws -> Void) throws {
        let table = committed[index]
        let extents = table.finished.map(\.extent) + [table.current.extent]
        for (number, extent) in extents.enumerated() {
            var records = try format.file.records(in: StoredFile("\(folder)/\(table.path(number))", extent: extent))
            while let record = try records.next() { try body(record) }
        }
    }

    /// Copies a table's records that are kept, and what is added to them.
    ///
    /// - Returns: the copy, durable, which nothing leads to as yet.
    func copy(
        _ index: Int, adding segments: [FileSegment], keeping isKept: ([UInt8]) throws -> Bool
    ) throws -> TableFiles {
        var table = format.newFiles(index, generation: committed[index].generation + 1)
        let place = "\(folder)/\(table.folder)"
        try Files.remove(place)
        try Files.makeFolder(place)
        var file = try WritableFile("\(folder)/\(table.path(0))", .fresh)
        defer { file.close() }
        try file.write(table.header.bytes, at: 0)
        func write(_ segment: FileSegment) throws {
            if table.current.rows > 0, table.current.bytes >= maxFileSize {
                let end = table.finishCurrent()
                try file.write(end.bytes, at: end.offset)
                try file.sync()
                file.close()
                file = try WritableFile("\(folder)/\(table.path(table.current.number))", .fresh)
                try file.write(table.header.bytes, at: 0)
            }
            try file.write(segment.bytes, at: table.current.bytes)
            table.take(segment)
        }
        var text: [UInt8] = []
        var rows = 0
        func flush() throws {
            guard rows > 0 else { return }
            let segment = try text.withUnsafeBufferPointer { try format.file.segment($0, rows: rows) }
            try write(segment)
            text = []
            rows = 0
        }
        let end = format.file.recordEnd
        try forEachRecord(of: index) { record in
            guard try isKept(record) else { return }
            text.append(contentsOf: record)
            text.append(contentsOf: end)
            rows += 1
            if text.count >= FileSegment.usualLength { try flush() }
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
        guard let checkpoint = try RunCheckpoint.read(in: made), checkpoint.stored.run.state.isPublished else {
            return
        }
        for table in checkpoint.tables where table.generation > 0 {
            let aside = "\(made)/\(RunLayout.folder(table.name, generation: table.generation))"
            guard try PathEntry(aside) == .folder else { continue }
            try discard("\(made)/\(RunLayout.folder(table.name))")
            try Failpoint.reach("ndjson.publish.between-tables")
            try Files.move(aside, to: "\(made)/\(RunLayout.folder(table.name))")
            try Failpoint.reach("ndjson.publish.after-table")
            try Files.sync(folder: made)
        }
    }
}
