/// When a user is parked.
package struct ParkingPolicy: Sendable {
    /// The head's first attempt must have been sent this long ago.
    package var parkAfter: Duration = .seconds(1)
    /// How often that is looked at; a stall costs at most this much more.
    package var checkInterval: Duration = .milliseconds(20)
    /// More parked users than this stop the run.
    package var maxParked = 10_000
    /// Answers held in the window, in bytes.
    package var maxHeldBytes = 32 << 20

    package init() {}
}
