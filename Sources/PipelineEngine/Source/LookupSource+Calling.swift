internal import DequeModule
internal import PipelineCore

/// Reading ahead, and calling.
extension LookupSource {
    /// Does whatever can be done now: read ahead, fill the window, start calls, wake the consumer.
    func advance() {
        guard failure == nil, !isClosed else { return wake() }
        fillWindow()
        readAhead()
        while calls.count < concurrency,
            let (ticket, userID, call) = window.start(LookupCall(isAmongTheLast: phase == .parked))
        {
            start(ticket, userID, call)
        }
        wake()
    }

    private func fillWindow() {
        switch phase {
        case .input:
            while window.hasRoom, let input = pending.popFirst() {
                let parked = isDecided(nextOrdinal) && parkedAhead.contains(nextOrdinal)
                if shard.isWhole || shard.owns(input.hashedBytes) {
                    window.admit(ordinal: nextOrdinal, input: input, position: nextPosition, parked: parked)
                } else {
                    window.pass(ordinal: nextOrdinal, input: input, position: nextPosition)
                }
                nextOrdinal += 1
                nextPosition = input.next
            }
        case .parked:
            while window.hasRoom, let (record, input) = parked.popFirst() {
                window.admit(ordinal: record.ordinal, input: input, position: record.position)
            }
        case .ended: break
        }
    }

    private func readAhead() {
        guard phase == .input, readerEnd == nil, !reading, pending.count < 1024 else { return }
        reading = true
        Task {
            do {
                let records = try await cursor.next(limit: 1024)
                finishReading(.success(records))
            } catch {
                finishReading(.failure(error))
            }
        }
    }

    private func finishReading(_ result: Result<[InputRecord], any Error>) {
        reading = false
        switch result {
        case .success(let records) where records.isEmpty: readerEnd = .success(())
        case .success(let records): pending.append(contentsOf: records)
        case .failure(let error): readerEnd = .failure(error)
        }
        advance()
    }

    private func start(_ ticket: OrderedWindow.Ticket, _ userID: String, _ call: LookupCall) {
        // Off this actor: answers are decoded on all cores.
        calls[ticket] = Task { @concurrent [lookup] in
            do {
                let outcome = try await lookup.lookUp(userID, call: call)
                await self.finish(ticket, .success(outcome))
            } catch {
                await self.finish(ticket, .failure(error))
            }
        }
    }

    private func finish(_ ticket: OrderedWindow.Ticket, _ result: Result<Outcome, any Error>) {
        guard calls.removeValue(forKey: ticket) != nil else { return }
        switch result {
        case .success(let outcome):
            var byteCount = 0
            if case .found(let endpoints) = outcome { byteCount = endpoints.byteCount }
            window.resolve(ticket, outcome, byteCount: byteCount)
        case .failure(let error): stop(with: error)
        }
        advance()
    }

    func stop(with error: any Error) {
        guard failure == nil else { return }
        failure = error
        cancelCalls()
    }

    func wake() {
        consumer?.resume()
        consumer = nil
    }

    func cancelCalls() {
        for call in calls.values { call.cancel() }
        calls.removeAll()
    }
}
