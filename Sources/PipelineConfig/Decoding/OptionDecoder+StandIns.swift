internal import PipelineCore

extension OptionDecoder {
    /// A value of the type, in the place of one that isn't there.
    func standIn(for result: Interpolation.Result, as type: OptionType, isAddress: Bool)
        -> OptionValue
    {
        let text = result.text
        switch type {
        case .text, .pattern: return .text(text)
        // Long enough for a key, and in form for a database.
        case .secret:
            return .secret(Secret(isAddress ? "postgresql://unset/\(text)" : "\(text)-0123456789abcdef"))
        case .boolean: return .boolean(false)
        case .integer(let range): return .integer(range.lowerBound)
        case .number(let range): return .number(range.lowerBound)
        case .enumeration(let names): return .text(names.first ?? "")
        case .duration(let range): return .duration(range.lowerBound)
        case .size(let range): return .size(range.lowerBound)
        case .shareOrCount: return .shareOrCount(.count(0))
        case .path:
            return .path(
                PathOption(written: text, resolved: FileContents.resolve(text, in: interpolation.folder)))
        case .fieldPath, .list, .map, .object, .document, .plugin: return .text(text)
        }
    }

    /// Decodes what isn't asked for, so that variables and files may be missing there.
    mutating func withStandIns<Result>(_ isAllowed: Bool, _ body: (inout Self) -> Result) -> Result {
        let outer = interpolation.standsIn
        interpolation.standsIn = outer || isAllowed
        defer { interpolation.standsIn = outer }
        return body(&self)
    }
}
