import PipelineCore
import Testing

@Suite struct RowBuilderTests {
    private func values(_ buffer: RowBuffer) -> [[RowView.Value]] {
        var result: [[RowView.Value]] = []
        buffer.forEachRow { row in result.append((0..<buffer.columnCount).map { row[$0] }) }
        return result
    }

    @Test func rowsComeOutAsTheyWentIn() {
        var builder = RowBuilder(columnCount: 3)
        var model: [[RowView.Value]] = []
        for round in 0..<3 {
            model = []
            for number in 0..<500 * (round + 1) {
                let text = String(repeating: "é", count: number % 90)
                let cell = builder.store(.text, text)
                for cell in [cell, .integer(Int64(number)), number % 2 == 0 ? cell : .real(0.5)] {
                    builder.append(cell)
                }
                model.append([.text(text), .integer(Int64(number)), number % 2 == 0 ? .text(text) : .number(0.5)])
            }
            #expect(builder.rowCount == model.count)
            #expect(values(builder.finish()) == model)
            #expect(builder.rowCount == 0)
        }
        #expect(builder.finish().isEmpty)
    }

    @Test func marksUndo() {
        var builder = RowBuilder(columnCount: 1)
        builder.append(builder.store(.text, "kept"))
        let mark = builder.mark
        for _ in 0..<1000 { builder.append(builder.store(.text, "undone")) }
        builder.truncate(to: mark)
        builder.append(builder.store(.text, "after"))
        #expect(values(builder.finish()) == [[.text("kept")], [.text("after")]])
    }
}
