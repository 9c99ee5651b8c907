internal import PipelineCore
internal import SQLStore

/// Encodes rows as the input of `COPY … (FORMAT binary)`, straight from cells and arena, and sends them in big pieces.
///
/// For each row the count of its columns (2 bytes), then for each value its length (4 bytes; -1 for null) and its bytes,
/// all big-endian. See "Binary Format" in the documentation of COPY.
struct BinaryCopy: ~Copyable {
    private let connection: PostgresConnection
    private let types: [ColumnType]
    /// By column where its values stand in a row; -1 for the row's own number.
    private let places: [Int]
    private let buffer: UnsafeMutableRawBufferPointer
    private var used = 0

    /// What one message carries; more gains nothing (64 KiB to 1 MiB measured the same).
    private static let capacity = 128 * 1024
    /// Nothing but text and JSON is longer.
    private static let widestFixedValue = 12

    init(_ connection: PostgresConnection, _ columns: [CopiedColumn]) {
        self.connection = connection
        types = columns.map(\.type)
        places = columns.map { $0.place ?? -1 }
        buffer = .allocate(byteCount: Self.capacity, alignment: 8)
        // A signature, no flags, no extension.
        for byte in [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0] as [UInt8] {
            buffer[used] = byte
            used += 1
        }
    }

    deinit { buffer.deallocate() }

    /// Sends rows to a table with these columns.
    ///
    /// - Returns: Rows that the server has taken.
    static func send(
        _ rows: RowsInPlace, _ order: [Int], _ columns: [CopiedColumn], to table: String,
        _ connection: PostgresConnection
    ) throws -> Int {
        guard !order.isEmpty else { return 0 }
        let sql = "COPY \(table) (\(quoted(columns.map(\.name)))) FROM STDIN (FORMAT binary)"
        return try connection.copy(sql) { connection in
            var copy = BinaryCopy(connection, columns)
            for row in order { try copy.append(rows, row) }
            try copy.end()
        }
    }

    private mutating func append(_ rows: RowsInPlace, _ row: Int) throws {
        try reserve(2)
        put(UInt16(truncatingIfNeeded: types.count))
        let first = row * rows.columnCount
        for column in 0..<types.count {
            let place = places[column]
            let cell = place < 0 ? Cell.integer(Int64(row)) : rows.cells[first + place]
            try append(cell, types[column], rows.arena)
        }
    }

    @inline(__always)
    private mutating func append(_ cell: Cell, _ type: ColumnType, _ arena: UnsafeRawBufferPointer) throws {
        try reserve(Self.widestFixedValue)
        switch (cell.kind, type) {
        case (.null, _): put(UInt32.max)
        case (.text, .text):
            put(cell.length)
            try append(arena.bytes(of: cell))
        case (.json, .json):
            // The version of jsonb's binary form.
            put(cell.length + 1)
            buffer[used] = 1
            used += 1
            try append(arena.bytes(of: cell))
        case (.integer, .integer):
            put(8 as UInt32)
            put(cell.bits)
        case (.real, .real):
            put(8 as UInt32)
            put(cell.bits)
        case (.integer, .real):
            put(8 as UInt32)
            put(Double(cell.integer).bitPattern)
        case (.time, .time):
            guard let time = TimeText.microseconds(arena.bytes(of: cell)) else {
                throw PipelineError(.software, "a time isn't of the form 2026-01-02T03:04:05.678Z")
            }
            put(8 as UInt32)
            put(UInt64(bitPattern: time))
        default: throw PipelineError(.software, "a value of kind \(cell.kind) stands in a column of type \(type)")
        }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        if used + bytes.count > buffer.count { try flush() }
        guard bytes.count <= buffer.count else {
            try connection.put(bytes)
            return
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[used...]).copyMemory(from: bytes)
        used += bytes.count
    }

    private mutating func end() throws {
        try reserve(2)
        put(UInt16.max)
        try flush()
    }

    @inline(__always)
    private mutating func reserve(_ count: Int) throws { if used + count > buffer.count { try flush() } }

    private mutating func flush() throws {
        try connection.put(UnsafeRawBufferPointer(rebasing: buffer[..<used]))
        used = 0
    }

    @inline(__always)
    private mutating func put<Integer: FixedWidthInteger>(_ value: Integer) {
        buffer.storeBytes(of: value.bigEndian, toByteOffset: used, as: Integer.self)
        used += MemoryLayout<Integer>.size
    }
}

/// One column of a table that rows are copied to.
struct CopiedColumn {
    var name: String
    var type: ColumnType
    /// Where its values stand in a row; nil for the row's number in the batch.
    var place: Int?

    /// The columns of a table whose rows have its form.
    static func all(of definition: TableDefinition) -> [CopiedColumn] {
        definition.columns.enumerated().map { CopiedColumn(name: $1.name, type: $1.type, place: $0) }
    }
}

/// Times as the rows hold them and as Postgres does.
enum TimeText {
    /// Microseconds from 2000-01-01T00:00:00Z; nil where the text isn't of the form `2026-01-02T03:04:05.678Z`.
    static func microseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 24 else { return nil }
        var isValid = true
        func digits(_ range: Range<Int>) -> Int64 {
            var value: Int64 = 0
            for place in range {
                let digit = Int64(text[place]) - 48
                if digit < 0 || digit > 9 { isValid = false }
                value = value * 10 + digit
            }
            return value
        }
        let (year, month, day) = (digits(0..<4), digits(5..<7), digits(8..<10))
        let (hour, minute, second, millisecond) = (
            digits(11..<13), digits(14..<16), digits(17..<19), digits(20..<23)
        )
        guard isValid, text[4] == 45, text[7] == 45, text[10] == 84, text[13] == 58, text[16] == 58, text[19] == 46,
            text[23] == 90, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        // Days of the proleptic Gregorian calendar, years beginning in March, counted from 2000-03-01 (H. Hinnant,
        // "chrono-Compatible Low-Level Date Algorithms").
        let marchYear = (month <= 2 ? year - 1 : year) - 2000
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        // 2000-03-01 is day 60 of 2000.
        let days = era * 146_097 + dayOfEra + 60
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + millisecond * 1000
    }
}
