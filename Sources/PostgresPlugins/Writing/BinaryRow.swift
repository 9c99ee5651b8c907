internal import PipelineCore
internal import SQLStore

/// Takes the rows of a `COPY … TO STDOUT (FORMAT binary)` apart; the form is that of `BinaryCopy`.
struct BinaryRow {
    private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where each field's bytes stand; an empty range from -1 on for NULL.
    private var fields: [(start: Int, count: Int)] = []
    private var isFirst = true

    /// Takes what the server sends as one row, which must stay in place for as long as its values are used.
    ///
    /// - Returns: False for what ends the rows.
    /// - Throws: `PipelineError` of kind `.software` where it isn't of that form.
    mutating func take(_ message: UnsafeRawBufferPointer) throws -> Bool {
        bytes = message
        fields.removeAll(keepingCapacity: true)
        var place = 0
        if isFirst {
            // The signature and the flags, then how long an extension is.
            guard bytes.count >= 19 else { throw Self.malformed }
            place = 19 + Int(integer(at: 15, as: UInt32.self))
            isFirst = false
        }
        guard place + 2 <= bytes.count else { throw Self.malformed }
        let count = integer(at: place, as: Int16.self)
        if count < 0 { return false }
        place += 2
        for _ in 0..<count {
            guard place + 4 <= bytes.count else { throw Self.malformed }
            let length = Int(integer(at: place, as: Int32.self))
            place += 4
            fields.append(length < 0 ? (-1, 0) : (place, length))
            place += max(0, length)
            guard place <= bytes.count else { throw Self.malformed }
        }
        return true
    }

    private static let malformed = PipelineError(.software, "the server's rows aren't of COPY's binary form")

    private func integer<Integer: FixedWidthInteger>(at place: Int, as type: Integer.Type) -> Integer {
        Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Integer.self))
    }

    /// A `bigint`.
    func integer(_ field: Int) -> Int64 {
        fields[field].count == 8 ? integer(at: fields[field].start, as: Int64.self) : 0
    }

    /// A field's value as that of a column of this type; nil where it isn't to be compared with what a batch holds: the
    /// server has its own spelling of JSON.
    func value(_ field: Int, _ type: ColumnType) -> StoredValue? {
        let (start, count) = fields[field]
        if start < 0 { return .null }
        switch type {
        case .text: return .bytes(.text, UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
        case .integer: return count == 8 ? .integer(integer(at: start, as: Int64.self)) : nil
        case .real:
            return count == 8 ? .real(Double(bitPattern: integer(at: start, as: UInt64.self))) : nil
        case .json, .time: return nil
        }
    }
}
