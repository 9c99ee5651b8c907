#if canImport(Glibc)
internal import Glibc
#endif

/// How the process's memory is kept small.
enum Memory {
    /// Batches of rows come and go in pieces of megabytes, each on another thread. By default glibc keeps what is freed in
    /// up to eight arenas for each core and stops mapping large pieces on their own once one was freed: an archive then
    /// takes 173 MiB where 113 do (249,000 endpoints into SQLite), and longer.
    static func returnWhatIsFreed() {
        #if canImport(Glibc)
        // Looked up by name: the module doesn't cover <malloc.h>, and other C libraries have no such function.
        typealias Setting = @convention(c) (_ parameter: Int32, _ value: Int32) -> Int32
        guard let symbol = dlsym(nil, "mallopt") else { return }
        // safe: mallopt(3) has this type; the parameters are those of glibc's <malloc.h>.
        let set = unsafeBitCast(symbol, to: Setting.self)
        let (trimThreshold, mmapThreshold, arenaMax): (Int32, Int32, Int32) = (-1, -3, -8)
        _ = set(arenaMax, 2)
        _ = set(mmapThreshold, 1 << 20)
        _ = set(trimThreshold, 1 << 20)
        #endif
    }
}
