internal import Flattening
internal import PipelineCore

/// libFuzzer's entry: whatever the bytes are, decoding and flattening end without a trap or a bad access, and what comes
/// out of them holds what the tables promise.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard var tape = try? JSONTape(decoding: bytes) else { return 0 }
    walk(tape.root)
    check(tape)
    // Edits that the input's own length chooses, and the same again.
    let member = tape.root.kind == .object ? tape.indexes(at: [.any, .any], below: 0) : []
    for (number, index) in member.enumerated() where (number + count) % 3 == 0 {
        tape.replace(index, with: "a text in its place, \u{1}\"\\ é")
    }
    if count % 2 == 0 { tape.dropMembers(at: [.any, .name("City")], below: 0) }
    walk(tape.root)
    check(tape)
    return 0
}

private func walk(_ node: JSONNode) {
    _ = (node.text, node.textBytes, node.integer, node.double, node.boolean)
    for element in node.elements { walk(element) }
    for (name, value) in node.members {
        precondition(name.contains("\u{FFFD}") || node[name] != nil, "a member is found by its name")
        walk(value)
    }
}

private func check(_ tape: JSONTape) {
    if tape.root.kind == .object { check(tape, .single(node: 0), isLine: true) }
    if tape.root.kind == .object { check(tape, .single(node: 0), isLine: false) }
    if let item = tape.root["Item"], item.elements.count == item.elements.filter({ $0.kind == .object }).count,
        item.kind == .array
    {
        check(tape, .list(node: item.index), isLine: false)
    }
}

private func check(_ tape: JSONTape, _ form: EndpointTape.Form, isLine: Bool) {
    var builder = BatchBuilder(
        layout: .normalized(mode: isLine ? .append : .merge),
        run: RowContext(runID: "r", logicalDate: "2026-11-23T00:00:00.000Z"))
    for ordinal in 0..<2 {
        builder.append(
            SourceRecord(
                ordinal: ordinal, userID: isLine ? nil : "u", applicationID: isLine ? nil : "a", next: .start,
                origin: RecordOrigin(file: nil, line: 0), hashedBytes: [],
                outcome: .found(EndpointTape(tape, form: form))))
    }
    let (tables, counts) = builder.finish()
    precondition(counts.records == 2, "each record is counted once")
    for (definition, rows) in zip(builder.layout.tables, tables) {
        rows.forEachRow { row in
            for (place, column) in definition.columns.enumerated() { check(row[place], column.type) }
        }
    }
}

private func check(_ value: RowView.Value, _ type: ColumnType) {
    switch (value, type) {
    case (.null, _), (.integer, .integer): break
    case (.text(let text), .text): precondition(!text.utf8.contains(0), "no U+0000 in a text")
    case (.number(let number), .real): precondition(number.isFinite, "numbers are finite")
    case (.time(let time), .time): precondition(time.utf8.count == 24, "a time has 24 bytes")
    case (.json(let json), .json):
        guard let tape = try? JSONTape(decoding: json) else { preconditionFailure("extra is JSON") }
        precondition(tape.root.kind == .object, "extra is a map")
        tape.withContents { contents in
            for index in 0..<tape.nodeCount {
                let node = contents.nodes[index]
                precondition(node.isStorable, "extra can be stored")
                precondition(
                    node.kind != .number || JSONNumber.fitsNumeric(contents.source(node)), "extra's numbers fit")
            }
        }
    default: preconditionFailure("a value of another type than its column's")
    }
}
