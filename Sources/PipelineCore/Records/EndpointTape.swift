/// stub
public struct EndpointTape: Sendable { public init() {} }
