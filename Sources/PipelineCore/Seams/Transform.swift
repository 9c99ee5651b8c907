/// An edit of one endpoint's tape in front of flattening: filter, mask, drop. Pure: the same tape gives the same result.
public protocol Transform: Sendable {
    /// Edits the endpoints of one answer in place.
    func apply(to endpoints: inout EndpointTape) throws
}
