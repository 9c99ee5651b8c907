internal import PipelineCore

/// The transforms of a sink, in order, over whole records: also what their endpoints don't hold is hidden.
struct TransformChain: Sendable {
    private let transforms: [any Transform]
    private let idMasks: [RecordID: [@Sendable (String) -> String]]
    private let hidesValues: Bool

    init(_ transforms: [any Transform]) {
        self.transforms = transforms
        var idMasks: [RecordID: [@Sendable (String) -> String]] = [:]
        for id in RecordID.allCases { idMasks[id] = transforms.compactMap { $0.idMask(for: id) } }
        self.idMasks = idMasks
        hidesValues = transforms.contains { $0.hidesValues }
    }

    func applied(to record: SourceRecord) throws -> SourceRecord {
        if transforms.isEmpty { return record }
        var record = record
        let plain = record
        record.userID = record.userID.map { masked($0, .user) }
        record.applicationID = record.applicationID.map { masked($0, .application) }
        switch record.outcome {
        case .found(var endpoints):
            for transform in transforms { try transform.apply(to: &endpoints) }
            record.outcome = .found(endpoints)
        case .failed(var failure):
            // Nobody knows what stands in bytes that couldn't be read, or what a service's words repeat.
            if hidesValues {
                failure.raw = nil
                if failure.status != nil { failure.message = Self.leftOut }
            }
            hide(plain.userID, record.userID, in: &failure)
            hide(plain.applicationID, record.applicationID, in: &failure)
            record.outcome = .failed(failure)
        case .absent: break
        }
        return record
    }

    private static let leftOut = "(the service's words are left out, because a transform hides values)"

    private func masked(_ id: String, _ kind: RecordID) -> String {
        (idMasks[kind] ?? []).reduce(id) { $1($0) }
    }

    /// A service may name in its message what was asked for.
    private func hide(_ id: String?, _ idMask: String?, in failure: inout RecordFailure) {
        guard let id, let idMask, id != idMask, !id.isEmpty else { return }
        failure.message = failure.message.replacing(id, with: idMask)
        failure.requestID = failure.requestID?.replacing(id, with: idMask)
    }
}
