/// What the first values of a column look like, to find the one that holds user IDs. Keeps hashes, and none of the values.
package struct ColumnSample: Sendable {
    /// Records looked at.
    package private(set) var records = 0
    /// Records without a value here.
    package private(set) var empty = 0
    /// Values that could be user IDs by their form.
    package private(set) var idLike = 0
    /// Values that no name of a column looks like: addresses, long numbers, UUIDs.
    package private(set) var dataLike = 0
    /// Values that aren't valid UTF-8.
    package private(set) var invalid = 0
    private var seen: Set<Int> = []

    package init() {}

    /// Values that differ from each other.
    package var distinct: Int { seen.count }
    /// Records with a value.
    package var filled: Int { records - empty }
    /// No record is without a value, and no value stands twice.
    package var isUnique: Bool { empty == 0 && filled > 0 && distinct == filled }
    /// Nearly all values could be user IDs.
    package var holdsIDs: Bool { filled > 0 && Double(idLike) >= 0.9 * Double(filled) }

    /// Takes the value of the next record.
    package mutating func take(_ value: UnsafeRawBufferPointer) {
        records += 1
        if value.isEmpty { empty += 1 } else { look(at: value) }
    }

    package mutating func take(_ value: [UInt8]) { value.withUnsafeBytes { take($0) } }

    /// Takes a record in which something stands that is no text and no integer.
    package mutating func takeOther() {
        records += 1
        // Differs from everything, so that it isn't missed among the repeated ones.
        seen.insert(~records)
    }

    /// The records up to this number that weren't taken have no value.
    package mutating func fill(upTo count: Int) {
        empty += max(0, count - records)
        records = max(records, count)
    }

    /// Whether a value was among those that were taken.
    package func contains(_ value: [UInt8]) -> Bool { value.withUnsafeBytes { seen.contains(Self.hash($0)) } }

    private mutating func look(at value: UnsafeRawBufferPointer) {
        seen.insert(Self.hash(value))
        if String(validating: value.bindMemory(to: UInt8.self), as: UTF8.self) == nil {
            invalid += 1
        } else if UserIDForm.fits(value) {
            idLike += 1
        }
        if UserIDForm.looksLikeData(value) { dataLike += 1 }
    }

    private static func hash(_ value: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: value)
        return hasher.finalize()
    }
}

/// What user IDs look like.
package enum UserIDForm {
    private static let words: Set<String> = [
        "true", "false", "yes", "no", "null", "none", "nil", "n/a", "nan", ".", "..",
    ]

    /// Whether a text could be a user ID: one word of up to 256 bytes that is no truth value, fraction, date, time or URL.
    package static func fits(_ value: UnsafeRawBufferPointer) -> Bool {
        guard (1...256).contains(value.count), !value.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            return false
        }
        if isNumberOrTime(value) { return false }
        if value.count <= 5, words.contains(String(decoding: value, as: UTF8.self).lowercased()) { return false }
        return !holdsURL(value)
    }

    /// Addresses, telephone numbers, UUIDs: a column isn't called that.
    package static func looksLikeData(_ value: some Collection<UInt8>) -> Bool {
        value.contains(UInt8(ascii: "@")) || value.first == UInt8(ascii: "+") || value.count(where: isDigit) > 3
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Digits with points or commas between them, or a date, a time, both.
    private static func isNumberOrTime(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.contains(where: isDigit), value.allSatisfy({ isDigit($0) || "+-.,/:TZ".utf8.contains($0) }) else {
            return false
        }
        if value.contains(UInt8(ascii: ":")) { return true }
        let unsigned = value.first == UInt8(ascii: "-") ? value.dropFirst() : value[...]
        if unsigned.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }),
            !unsigned.allSatisfy(isDigit)
        {
            return true
        }
        // 2025-01-31, 2025/1/31, 31/01/2025
        let lengths = value.split(omittingEmptySubsequences: false) { !isDigit($0) }.map(\.count)
        guard lengths.count == 3, (1...2).contains(lengths[1]) else { return false }
        return lengths[0] == 4 && (1...2).contains(lengths[2]) || (1...2).contains(lengths[0]) && lengths[2] == 4
    }

    private static func holdsURL(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let colon = value.firstIndex(of: UInt8(ascii: ":")) else { return false }
        return value[colon...].starts(with: "://".utf8)
    }
}
