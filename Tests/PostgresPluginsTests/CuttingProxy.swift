import Foundation

/// A way to the server on which connections break at chosen moments, for the client as for the server.
final class CuttingProxy: Sendable {
    /// When the next connection breaks.
    enum Cut: String, CaseIterable {
        /// Some bytes of COPY data have gone through.
        case duringCopy = "copy"
        /// The client has sent COMMIT; the server never gets it.
        case beforeCommit = "before"
        /// The server has committed; the client never learns of it.
        case afterCommit = "after"
    }

    let port: Int
    private let process: Process
    private let commands: FileHandle
    private let answers: FileHandle

    init(serverPort: Int) throws {
        process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, String(serverPort)]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        commands = input.fileHandleForWriting
        answers = output.fileHandleForReading
        guard let port = Int(Self.line(answers)) else { throw Shell.Failure(message: "the proxy doesn't start") }
        self.port = port
    }

    deinit { try? commands.close() }

    /// Breaks the connection on which the given moment comes next; `times` times.
    func cut(_ cut: Cut, times: Int = 1) throws {
        try commands.write(contentsOf: Data("\(cut.rawValue) \(times)\n".utf8))
        _ = Self.line(answers)
    }

    /// How many connections were broken so far.
    func cuts() throws -> Int {
        try commands.write(contentsOf: Data("count 0\n".utf8))
        return Int(Self.line(answers)) ?? -1
    }

    private static func line(_ handle: FileHandle) -> String {
        var text = ""
        while !text.hasSuffix("\n") {
            guard let byte = try? handle.read(upToCount: 1), !byte.isEmpty else { break }
            text += String(decoding: byte, as: UTF8.self)
        }
        return text.trimmingCharacters(in: .newlines)
    }

    private static let script = #"""
        import os, socket, struct, sys, threading
        COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
        state = {"cut": None, "times": 0, "cuts": 0}
        lock = threading.Lock()
        def take(cut):
            with lock:
                if state["cut"] != cut or state["times"] == 0: return False
                state["times"] -= 1
                state["cuts"] += 1
                return True
        def reset(*ends):
            for end in ends:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RDWR)
                except OSError: pass
                try: end.close()
                except OSError: pass
        def serve(client):
            server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            swallowing = threading.Event()
            def back():
                try:
                    while True:
                        data = server.recv(65536)
                        if not data: break
                        if swallowing.is_set():
                            # The answer to COMMIT is here; nobody gets it.
                            break
                        client.sendall(data)
                except OSError: pass
                reset(client, server)
            threading.Thread(target=back, daemon=True).start()
            copied = 0
            in_copy = False
            try:
                while True:
                    data = client.recv(65536)
                    if not data: break
                    if COMMIT in data and take("before"): break
                    if COMMIT in data and take("after"): swallowing.set()
                    if b"COPY \"" in data or b"COPY pg_temp" in data: in_copy = True
                    elif in_copy and data[:1] == b"d" or copied:
                        copied += len(data)
                        if copied > 100 and take("copy"): break
                    server.sendall(data)
            except OSError: pass
            if swallowing.is_set(): return
            reset(client, server)
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        def accept():
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        for line in sys.stdin:
            word, times = line.split()
            with lock:
                if word != "count": state["cut"], state["times"] = word, int(times)
                print(state["cuts"], flush=True)
        os._exit(0)
        """#
}
