package import PipelineCore

/// What the consumed input is known by, taken record by record: of a list the hash of its IDs, of an archive the chains over
/// its finished files and the hash of the records of the file under way.
package struct InputAccount: Sendable {
    private var records: InputHash
    /// Nil for a list.
    private var chains: ArchiveChains?

    /// - Parameter records: The hash of what a list's run has consumed.
    package init(ofList records: InputHash = InputHash()) { self.records = records }

    private init(_ chains: ArchiveChains) {
        records = InputHash()
        self.chains = chains
    }

    /// Of an archive of which nothing has been read.
    package static var ofArchive: InputAccount { InputAccount(ArchiveChains()) }

    package var isOfArchive: Bool { chains != nil }

    package mutating func append(_ hashedBytes: [UInt8]) { records.append(hashedBytes) }

    package mutating func note(_ event: ArchiveFileEvent) {
        switch event {
        case .begun: break
        case .ended(let file), .leftOut(let file, _):
            chains?.append(file, records: records.digest)
            records = InputHash()
        case .passed(let file): chains?.pass(file)
        }
    }

    /// As `RunProgress.inputHash` has it.
    package var text: String {
        guard let chains else { return records.hex }
        return "\(hexadecimal(chains.contents)):\(records.hex):\(hexadecimal(chains.states))"
    }
}

extension InputAccount {
    /// An archive's account as a checkpoint keeps it.
    struct Stored {
        private let chains: ArchiveChains
        private let records: String

        /// - Parameter text: `RunProgress.inputHash`; nil for one that isn't an archive's.
        init?(_ text: String) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, let contents = bytes(hexadecimal: parts[0]),
                let states = bytes(hexadecimal: parts[2])
            else { return nil }
            chains = ArchiveChains(contents: contents, states: states)
            records = String(parts[1])
        }

        /// Whether some records of a file have been consumed, and its end has not been reached.
        var hasFileUnderWay: Bool { records != InputHash().hex }

        /// The account at the end of the finished files, where these need not be read again.
        var afterFinishedFiles: InputAccount { InputAccount(chains) }

        func agreesOnStates(with other: ArchiveChains) -> Bool { chains.states == other.states }

        /// Whether the same has been read. When files were last changed doesn't matter.
        func agrees(with account: InputAccount) -> Bool {
            chains.contents == account.chains?.contents && records == account.records.hex
        }
    }
}

/// The bytes that 64 hexadecimal digits stand for; nil for anything else.
private func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
