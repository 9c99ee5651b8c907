/// An edit of one endpoint's tape before flattening: filter, mask, drop.
///
/// Pure: the same tape gives the same result, whatever was edited before and on whichever task. `TransformConformance`
/// in `PipelineTesting` checks it.
public protocol Transform: Sendable {
    /// Edits the endpoints of one answer in place.
    ///
    /// Endpoints that an earlier transform has taken out are edited like the others: a store that still holds one finds it
    /// by its ID as it is by then.
    func apply(to endpoints: inout EndpointTape) throws
    /// What stands for an ID wherever else than in the tape it would stand: in `users`, in `failures`, in place of the ID
    /// that was asked for. Nil where the transform leaves such IDs as they are.
    func idMask(for id: RecordID) -> (@Sendable (String) -> String)?
    /// The members of an endpoint that its options name, each by its names from the outside in; `*` is every name of a map.
    var namedMembers: [[String]] { get }
    /// It may take endpoints out, so that a store which merges removes them. True unless a transform says otherwise.
    var mayTakeOut: Bool { get }
    /// Values are hidden or left out. Then what can't be edited, the bytes of input that couldn't be read, is left out too.
    var hidesValues: Bool { get }
}

extension Transform {
    public func idMask(for id: RecordID) -> (@Sendable (String) -> String)? { nil }
    public var hidesValues: Bool { false }
    public var mayTakeOut: Bool { true }
    public var namedMembers: [[String]] { [] }
}

/// An ID that belongs to a record and not to one of its endpoints.
public enum RecordID: Sendable, Hashable, CaseIterable {
    /// `ApplicationId`
    case application
    /// `User.UserId`
    case user
}
