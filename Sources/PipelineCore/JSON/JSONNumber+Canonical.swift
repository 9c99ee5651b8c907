extension JSONNumber {
    /// Appends a number as its sign, its significant digits and the place of its point: equal for all numerals of one decimal
    /// value (`1e3`, `1000`, `1000.0`), zero without a sign.
    ///
    /// - Parameter source: A well-formed JSON number.
    package static func appendCanonical(_ source: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        let decimal = Decimal(source)
        guard !decimal.isZero else {
            bytes.append(UInt8(ascii: "0"))
            return
        }
        if decimal.isNegative { bytes.append(UInt8(ascii: "-")) }
        var significant = bytes.count
        var isLeading = true
        for byte in source {
            guard byte | 0x20 != UInt8(ascii: "e") else { break }
            guard byte != UInt8(ascii: "-"), byte != UInt8(ascii: ".") else { continue }
            if isLeading, byte == UInt8(ascii: "0") { continue }
            isLeading = false
            bytes.append(byte)
            if byte != UInt8(ascii: "0") { significant = bytes.count }
        }
        bytes.removeLast(bytes.count - significant)
        bytes.append(UInt8(ascii: "e"))
        bytes.append(contentsOf: String(decimal.pointPosition).utf8)
    }
}
