internal import AWSSigning
internal import Logging

/// What a refused signature can be mended with: the clock, or newer credentials.
extension ServiceClient {
    /// Corrects the clock, or fetches newer credentials, once for each call; false where there is nothing to mend.
    func mend(_ fault: ServiceFault, date: String?, _ mending: inout Mending, _ call: inout CallProgress)
        async throws -> Bool
    {
        if ErrorCodes.clockSkew.contains(fault.code), !mending.mendedClock, let date,
            let correction = clockSkew.learn(date: date, signedWith: mending.clockSkew)
        {
            if correction.isNews {
                let seconds = correction.seconds
                logger.warning(
                    "this machine's clock is \(abs(seconds)) s \(seconds > 0 ? "behind" : "ahead of") the service's")
            }
            mending.mendedClock = true
            return true
        }
        // A key that was taken back may have a successor, too.
        if ErrorCodes.expiredToken.contains(fault.code) || ErrorCodes.unknownKey.contains(fault.code),
            mending.rejected == nil, let used = mending.key
        {
            mending.rejected = used
            let asked = gate.now
            let newer = try await key(rejected: used)
            call.paused += gate.now - asked
            return newer != used
        }
        return false
    }

    func key(rejected: SigningCredentials?) async throws -> SigningCredentials {
        do {
            return try await credentials.credentials(rejected: rejected)
        } catch let error as CredentialError {
            throw ServiceClientError.credentials(error)
        }
    }
}
