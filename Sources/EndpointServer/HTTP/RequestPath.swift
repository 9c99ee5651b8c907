/// The path `/v1/apps/{application}/users/{user}`, read from its wire form.
package struct RequestPath: Equatable {
    /// Percent-decoded once, UTF-8.
    package let application: [UInt8]
    package let user: [UInt8]

    /// Why a target isn't read.
    package enum Fault: Error, Equatable {
        /// Another path.
        case wrongPath
        /// A percent sign without two hexadecimal digits, or bytes that aren't UTF-8.
        case badEncoding
    }

    /// Slashes separate before anything is decoded, and nothing is normalised: an empty segment, `.` or `..` makes it another path.
    ///
    /// - Parameter target: path and query exactly as they came.
    package init(target: String) throws(Fault) {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.count == 6, segments[0].isEmpty, segments[1].elementsEqual("v1".utf8),
            segments[2].elementsEqual("apps".utf8), segments[4].elementsEqual("users".utf8)
        else { throw .wrongPath }
        application = try Self.decode(segments[3])
        user = try Self.decode(segments[5])
    }

    private static func decode(_ segment: Substring.UTF8View) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(segment.count)
        var isEncoded = false
        var rest = segment[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(nibble), let low = rest.popFirst().flatMap(nibble) else {
                throw .badEncoding
            }
            isEncoded = true
            bytes.append(high << 4 | low)
        }
        if bytes.isEmpty || segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { throw .wrongPath }
        if isEncoded, String(validating: bytes, as: UTF8.self) == nil { throw .badEncoding }
        return bytes
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
