#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The time of day, to which signatures and certificates are held.
public enum WallClock {
    /// Seconds since 1970-01-01T00:00:00Z.
    public static var unixSeconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now.tv_sec
    }
}
