package import PipelineCore

/// Rows of a table as their number and the sum of their hashes, whatever their order; and the same by buckets of owners, so
/// that what differs is found among few rows.
package struct TableDigest: Sendable {
    package private(set) var rows = 0
    /// Modulo 2¹²⁸.
    package private(set) var sum: UInt128 = 0
    private var buckets: [UInt64]
    private var form: CanonicalRow

    /// The memory of all buckets is 8 MiB, however many rows there are.
    private static let bucketCount = 1 << 20

    package init(_ form: CanonicalRow) {
        self.form = form
        buckets = [UInt64](repeating: 0, count: Self.bucketCount)
    }

    package mutating func add(_ buffer: RowBuffer) {
        buffer.withUnsafeContents { cells, arena in
            for row in 0..<buffer.rowCount {
                form.load(row, of: cells, columnCount: buffer.columnCount, arena)
                let hash = form.hash
                rows += 1
                sum &+= hash
                buckets[Self.bucket(form.key.prefix(form.ownerLength))] &+= UInt64(truncatingIfNeeded: hash)
            }
        }
    }

    /// 32 hexadecimal digits.
    package var text: String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    package func isEqual(to other: TableDigest) -> Bool { rows == other.rows && sum == other.sum }

    /// Whether an owner is among those whose rows may differ.
    func mayDiffer(_ owner: ArraySlice<UInt8>, from other: TableDigest) -> Bool {
        let bucket = Self.bucket(owner)
        return buckets[bucket] != other.buckets[bucket]
    }

    private static func bucket(_ owner: ArraySlice<UInt8>) -> Int {
        Int(truncatingIfNeeded: FowlerNollVo.hash(owner)) & (bucketCount - 1)
    }
}
