#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The time of day.
enum WallClock {
    /// Seconds since 1970.
    static var unixSeconds: Int { Int(time(nil)) }
}
