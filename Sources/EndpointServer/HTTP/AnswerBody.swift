/// Writes the bodies of answers; one for each connection, its memory used again.
struct AnswerBody {
    private var synthesis = EndpointSynthesis()

    /// The text of the body, and its media type.
    mutating func write(_ answer: Answer, requestID: String, seed: UInt64) -> (bytes: [UInt8], type: String) {
        synthesis.text.bytes.removeAll(keepingCapacity: true)
        var type = "application/json"
        switch answer {
        case .endpoints(let user, let application): items(user, application)
        case .large(let id, let application): full(id, application)
        case .body(let text): synthesis.text.raw(text)
        case .html:
            synthesis.text.raw("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>\n")
            type = "text/html"
        case .wrongPath:
            synthesis.text.raw("There is nothing at this path.\n")
            type = "text/plain"
        case .error(let error):
            synthesis.text.raw(#"{"Message":"#)
            synthesis.text.quoted(error.message.utf8)
            synthesis.text.raw(#","RequestID":"#)
            synthesis.text.quoted(requestID.utf8)
            synthesis.text.raw("}")
        }
        return (synthesis.text.bytes, type)
    }

    /// The bare payload. Around the items it differs for a few users: blanks and line breaks, members that nobody knows, a repeated key.
    private mutating func items(_ user: SyntheticUser, _ application: [UInt8]) {
        let form = Int(user.hash >> 7 & 255)
        if user.endpointCount == 0, form < 128 { return synthesis.text.raw(#"{"Item":null}"#) }
        switch form {
        case 0..<8: synthesis.text.raw("\r\n{ \"Item\" :\n [\n")
        case 8..<12: synthesis.text.raw(#"{"Unknown":{"Item":[{"Id":"no"}]},"Item":["#)
        case 12: synthesis.text.raw(#"{"Item":[{"Id":"superseded"}],"Item":["#)
        case 13: synthesis.text.raw(#"{"\u0049tem":["#)
        default: synthesis.text.raw(#"{"Item":["#)
        }
        for index in 0..<user.endpointCount {
            if index > 0 { synthesis.text.raw(form < 8 ? "\n,\t" : ",") }
            synthesis.append(user, endpoint: index, application: application)
        }
        switch form {
        case 0..<8: synthesis.text.raw("\n]\n}\n")
        case 14..<18: synthesis.text.raw(#"],"NextToken":null}"#)
        default: synthesis.text.raw("]}")
        }
    }

    /// 15 endpoints of 15 KB: three attributes of 50 values of nearly 100 characters each.
    private mutating func full(_ id: [UInt8], _ application: [UInt8]) {
        synthesis.text.raw(#"{"Item":["#)
        for index in 0..<15 {
            synthesis.text.raw(index == 0 ? #"{"Id":"large-"# : #",{"Id":"large-"#)
            synthesis.text.number(index)
            synthesis.text.raw(#"","ApplicationId":"#)
            synthesis.text.quoted(application)
            synthesis.text.raw(#","ChannelType":"CUSTOM","User":{"UserId":"#)
            synthesis.text.quoted(id)
            synthesis.text.raw(#"},"Attributes":{"#)
            for attribute in 0..<3 {
                synthesis.text.raw(attribute == 0 ? #""a"# : #",""#)
                synthesis.text.number(attribute)
                synthesis.text.raw(#"":["#)
                for value in 0..<50 {
                    synthesis.text.raw(value == 0 ? "\"" : ",\"")
                    synthesis.text.bytes.append(contentsOf: repeatElement(UInt8(ascii: "v"), count: 88))
                    synthesis.text.number(value, digits: 4)
                    synthesis.text.raw("\"")
                }
                synthesis.text.raw("]")
            }
            synthesis.text.raw("}}")
        }
        synthesis.text.raw("]}")
    }
}
