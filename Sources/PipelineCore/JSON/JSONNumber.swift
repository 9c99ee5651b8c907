/// The value of a number's source text: the nearest double, whether that says the same decimal, whether a store of
/// exact decimals can hold it.
public enum JSONNumber {
    /// A number as a column can hold it.
    @frozen
    public struct Reading: Sendable {
        /// The nearest double (ties to even); infinite where the number overflows.
        public var value: Double
        /// The shortest decimal that reads back as `value` has the number's own value.
        public var isExact: Bool

        @inlinable
        init(value: Double, isExact: Bool) {
            self.value = value
            self.isExact = isExact
        }
    }

    /// Reads a number that the scanner has found well-formed.
    public static func read(_ source: UnsafeBufferPointer<UInt8>) -> Reading {
        if let value = short(source) { return Reading(value: value, isExact: true) }
        let value = Double(String(decoding: source, as: UTF8.self)) ?? .nan
        guard value.isFinite else { return Reading(value: value, isExact: false) }
        var shortest = value.description
        let isExact = shortest.withUTF8 { Decimal($0).hasSameValue(as: Decimal(source)) }
        return Reading(value: value, isExact: isExact)
    }

    static func double(_ source: UnsafeBufferPointer<UInt8>) -> Double { read(source).value }

    /// Postgres' `numeric`, and so `jsonb`, holds up to 131,072 digits before the point and 16,383 behind it;
    /// of zero too it reads no exponent from `Int32.max / 2` on.
    public static func fitsNumeric(_ source: UnsafeBufferPointer<UInt8>) -> Bool {
        if source.count <= 300, !source.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return true }
        let decimal = Decimal(source)
        return decimal.scale <= 16_383 && decimal.exponent < Int(Int32.max / 2) && decimal.pointPosition <= 131_072
    }

    /// Numbers of up to 15 digits between 1e-22 and 1e37, sign aside: both factors are exact doubles, so one rounding
    /// gives the nearest double, and no two decimals of 15 digits share one.
    @inline(__always)
    private static func short(_ source: UnsafeBufferPointer<UInt8>) -> Double? {
        guard source.count <= 24, let base = source.baseAddress else { return nil }
        var index = 0
        let count = source.count
        let isNegative = base[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        var significand: UInt64 = 0
        var digits = 0
        var exponent = 0
        var isBehindPoint = false
        while index < count {
            let digit = base[index] &- UInt8(ascii: "0")
            if digit < 10 {
                significand = significand &* 10 &+ UInt64(digit)
                if significand != 0 { digits &+= 1 }
                if isBehindPoint { exponent &-= 1 }
            } else if base[index] == UInt8(ascii: ".") {
                isBehindPoint = true
            } else {
                break
            }
            index &+= 1
        }
        guard digits <= 15 else { return nil }
        if index < count {
            index &+= 1
            let isSmall = base[index] == UInt8(ascii: "-")
            if isSmall || base[index] == UInt8(ascii: "+") { index &+= 1 }
            guard count &- index <= 3 else { return nil }
            var written = 0
            while index < count {
                written = written * 10 + Int(base[index] &- UInt8(ascii: "0"))
                index &+= 1
            }
            exponent += isSmall ? -written : written
        }
        guard significand != 0 else { return isNegative ? -0.0 : 0.0 }
        guard exponent >= -22, exponent <= 22 else { return nil }
        var value = Double(significand)
        if exponent < 0 { value /= powersOfTen[-exponent] } else { value *= powersOfTen[exponent] }
        return isNegative ? -value : value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}

extension JSONNumber {
    /// A decimal numeral taken apart: 0.d₁d₂d₃… × 10^pointPosition, without leading and trailing zeros.
    struct Decimal {
        private let source: UnsafeBufferPointer<UInt8>
        /// The significant digits stand in this range, a point perhaps among them.
        private var range: Range<Int>
        private(set) var isNegative: Bool
        /// Digits before the decimal point, negative where zeros follow it first.
        private(set) var pointPosition: Int
        /// Digits behind the point once the exponent is applied, trailing zeros included.
        private(set) var scale: Int
        /// What stands behind the `e`.
        private(set) var exponent: Int

        var isZero: Bool { range.isEmpty }

        /// - Parameter source: A well-formed JSON number, or a description of a finite double.
        init(_ source: UnsafeBufferPointer<UInt8>) {
            self.source = source
            isNegative = source.first == UInt8(ascii: "-")
            let start = isNegative ? 1 : 0
            let mantissaEnd = source[start...].firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? source.count
            let point = source[start..<mantissaEnd].firstIndex(of: UInt8(ascii: ".")) ?? mantissaEnd
            exponent = Self.exponent(source[mantissaEnd...])
            scale = max(0, max(0, mantissaEnd - point - 1) - exponent)
            func isSignificant(_ byte: UInt8) -> Bool { byte != UInt8(ascii: "0") && byte != UInt8(ascii: ".") }
            guard let first = source[start..<mantissaEnd].firstIndex(where: isSignificant),
                let last = source[start..<mantissaEnd].lastIndex(where: isSignificant)
            else {
                range = 0..<0
                pointPosition = 0
                return
            }
            range = first..<last + 1
            pointPosition = exponent + (first < point ? point - first : point + 1 - first)
        }

        /// Far beyond every bound that is compared with, where it is huge.
        private static func exponent(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
            var value = 0
            var isSmall = false
            for byte in text.dropFirst() {
                switch byte {
                case UInt8(ascii: "-"): isSmall = true
                case UInt8(ascii: "+"): break
                default: value = min(value * 10 + Int(byte &- UInt8(ascii: "0")), 1 << 50)
                }
            }
            return isSmall ? -value : value
        }

        /// Zero has no sign here.
        func hasSameValue(as other: Decimal) -> Bool {
            if isZero || other.isZero { return isZero && other.isZero }
            guard isNegative == other.isNegative, pointPosition == other.pointPosition else { return false }
            var left = range.lowerBound
            var right = other.range.lowerBound
            while true {
                if left < range.upperBound, source[left] == UInt8(ascii: ".") { left += 1 }
                if right < other.range.upperBound, other.source[right] == UInt8(ascii: ".") { right += 1 }
                guard left < range.upperBound, right < other.range.upperBound else {
                    return left == range.upperBound && right == other.range.upperBound
                }
                guard source[left] == other.source[right] else { return false }
                left += 1
                right += 1
            }
        }
    }
}
