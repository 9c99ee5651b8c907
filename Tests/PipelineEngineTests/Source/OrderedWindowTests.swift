import PipelineCore
import PipelineEngine
import Testing

@Suite struct OrderedWindowTests {
    /// Whatever the order of answers, the window gives back input order, and never starts more than it may.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func givesInputOrder(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // Of 3 shards, the records of the others only keep their places.
        var window = OrderedWindow(concurrency: 8, maxBytes: 5000, shards: 3)
        let total = 5000
        var admitted = 0
        var underWay: [Int] = []
        var left: [Int] = []
        var parked: [Int] = []
        var passed = 0
        while left.count < total {
            while admitted < total, window.hasRoom {
                let faulty = Int.random(in: 0..<20, using: &generator) == 0
                let content: InputRecord.Content =
                    faulty ? .fault(InputFault(code: .missingField, message: "", raw: [])) : .userID("u\(admitted)")
                let input = InputRecord(content: content, next: .start, line: 0)
                if Int.random(in: 0..<3, using: &generator) > 0 {
                    window.pass(ordinal: admitted, input: input, position: .start)
                } else {
                    window.admit(
                        ordinal: admitted, input: input, position: .start,
                        parked: Int.random(in: 0..<50, using: &generator) == 0)
                }
                admitted += 1
            }
            while underWay.count < 8, let call = window.start(LookupCall()) { underWay.append(call.ticket) }
            if let index = underWay.indices.randomElement(using: &generator) {
                window.resolve(
                    underWay.remove(at: index), .absent, byteCount: Int.random(in: 0...900, using: &generator))
            }
            if Int.random(in: 0..<100, using: &generator) == 0, let head = window.headUnderWay {
                underWay.removeAll { $0 == head.ticket }
                window.setHeadAside()
                // An answer that comes after all is dropped.
                window.resolve(head.ticket, .absent, byteCount: 100)
            }
            while let departure = window.takeHead() {
                switch departure {
                case .answered(let entry, _): left.append(entry.ordinal)
                case .parked(let entry):
                    left.append(entry.ordinal)
                    parked.append(entry.ordinal)
                case .passed(let entry):
                    left.append(entry.ordinal)
                    passed += 1
                }
            }
        }
        #expect(left == Array(0..<total), "seed \(seed)")
        #expect(!parked.isEmpty && passed > total / 2, "seed \(seed)")
        #expect(window.heldBytes == 0)
        #expect(window.isEmpty)
    }

    @Test func memoryHoldsBackAllButTheHead() {
        var window = OrderedWindow(concurrency: 4, maxBytes: 1000)
        for ordinal in 0..<10 {
            window.admit(
                ordinal: ordinal, input: InputRecord(content: .userID("u"), next: .start, line: 0), position: .start)
        }
        let first = window.start(LookupCall())
        let second = window.start(LookupCall())
        #expect(first?.ticket == 0)
        window.resolve(1, .absent, byteCount: 1000)
        #expect(second?.ticket == 1)
        #expect(window.start(LookupCall()) == nil)
        #expect(window.isFull)
        window.resolve(0, .absent, byteCount: 5000)
        #expect(window.takeHead() != nil)
        #expect(window.takeHead() != nil)
        // Nothing is held any more, so the next one starts.
        #expect(window.start(LookupCall())?.ticket == 2)
    }

    @Test func isFullOnlyWhenNothingMoreCanBeStarted() {
        var window = OrderedWindow(concurrency: 1)
        #expect(window.capacity == 1024)
        #expect(OrderedWindow(concurrency: 512).capacity == 2048)
        for ordinal in 0..<1024 {
            window.admit(
                ordinal: ordinal, input: InputRecord(content: .userID("u"), next: .start, line: 0), position: .start)
        }
        #expect(!window.hasRoom)
        #expect(!window.isFull)
        while window.start(LookupCall()) != nil {}
        #expect(window.isFull)
    }
}
