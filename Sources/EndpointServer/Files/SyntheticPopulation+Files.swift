extension SyntheticPopulation {
    /// Writes what an export of all users would be: an endpoint a line, in the users' order. A name ending in `.gz` makes it gzip.
    ///
    /// Each line is the endpoint as the API serves it, byte for byte, so it carries ApplicationId and User.UserId. Blocks its thread.
    ///
    /// - Parameter force: writes over a file that isn't one of this form.
    /// - Throws: `OutputFileError`
    public func writeArchive(to path: String, applicationID: String, force: Bool = false) throws {
        let file = try OutputFile(path: path, form: .archive(seed: seed, applicationID: applicationID), force: force)
        let application = Array(applicationID.utf8)
        var synthesis = EndpointSynthesis()
        for index in 0..<users {
            let user = user(at: index)
            for endpoint in 0..<user.endpointCount {
                synthesis.text.bytes.removeAll(keepingCapacity: true)
                synthesis.append(user, endpoint: endpoint, application: application)
                synthesis.text.raw("\n")
                try file.append(synthesis.text.bytes)
            }
        }
        try file.finish()
    }

    /// Writes the IDs in order, one a line. Blocks its thread.
    ///
    /// - Parameter force: writes over a file that isn't one of this form.
    /// - Throws: `OutputFileError`
    public func writeIDs(to path: String, force: Bool = false) throws {
        let file = try OutputFile(path: path, form: .ids, force: force)
        for index in 0..<users {
            try file.append(Self.id(at: index) + [UInt8(ascii: "\n")])
        }
        try file.finish()
    }

    /// Writes CSV with the columns user_id, status (`found` or `absent`) and endpoint_count, in the users' order. Blocks its thread.
    ///
    /// - Parameter force: writes over a file that isn't one of this form.
    /// - Throws: `OutputFileError`
    public func writeOutcomes(to path: String, force: Bool = false) throws {
        let file = try OutputFile(path: path, form: .outcomes, force: force)
        try file.append("user_id,status,endpoint_count\n".utf8)
        for index in 0..<users {
            let user = user(at: index)
            var line = JSONText()
            line.bytes = user.id
            line.raw(user.isAbsent ? ",absent," : ",found,")
            line.number(user.endpointCount)
            line.raw("\n")
            try file.append(line.bytes)
        }
        try file.finish()
    }
}
