#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Two texts that stay where they are: (application_id, user_id) or (application_id, endpoint_id) in an arena.
///
/// Valid for as long as the bytes it points to.
@frozen
public struct KeyInPlace: Hashable {
    public var application: UnsafeRawBufferPointer
    public var id: UnsafeRawBufferPointer

    @inlinable
    public init(application: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer) {
        self.application = application
        self.id = id
    }

    public static func == (left: Self, right: Self) -> Bool {
        // The IDs first: the application is the same for nearly all.
        left.id.hasSameBytes(as: right.id) && left.application.hasSameBytes(as: right.application)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytes: id) }
}

extension UnsafeRawBufferPointer {
    @usableFromInline
    func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard count > 0, let start = baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, count) == 0
    }

    /// Whether a time is earlier than another one; no bytes stand for none, which is earlier than any.
    ///
    /// Times are UTC text of one form, so they have the order of their bytes.
    public func isEarlier(than other: UnsafeRawBufferPointer) -> Bool {
        let common = Swift.min(count, other.count)
        if common > 0, let start = baseAddress, let otherStart = other.baseAddress {
            let order = memcmp(start, otherStart, common)
            if order != 0 { return order < 0 }
        }
        return count < other.count
    }
}
