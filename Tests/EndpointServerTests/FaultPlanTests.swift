import EndpointServer
import Testing

@Suite struct FaultPlanTests {
    @Test func everyKindIsRead() throws {
        let plan = try FaultPlan(
            parsing: "status:500=0.01,status:503=0.005,reset=0.005,truncate=0.002,html=0.001,delay:2s=0.001,"
                + "stall:500ms=0.25,first-delay:9s=0.001")
        #expect(
            plan.faults.map(\.fault) == [
                .status(500), .status(503), .reset, .truncate, .html, .delay(.seconds(2)), .stall(.milliseconds(500)),
            ])
        #expect(plan.faults.map(\.share) == [0.01, 0.005, 0.005, 0.002, 0.001, 0.001, 0.25])
        #expect(plan.firstDelays.map(\.delay) == [.seconds(9)])
        #expect(FaultPlan().isEmpty && !plan.isEmpty)
    }

    @Test(
        arguments: [
            "", "reset", "reset=", "reset=x", "reset=-0.1", "reset=1.1", "reset=nan", "reset=0.1,", "reset:1=0.1",
            "status=0.1", "status:200=0.1", "status:600=0.1", "status:x=0.1", "delay=0.1", "delay:2=0.1",
            "delay:-2s=0.1", "delay:s=0.1", "delay:99999999999999999999s=0.1", "stall=0.1", "first-delay=0.1",
            "explode=0.1", "reset=0.6,html=0.6", "first-delay:1s=0.6,first-delay:2s=0.6", "reset=0.1=0.2",
        ])
    func whatCantBeReadIsRefused(specification: String) {
        #expect(throws: FaultPlan.Malformed.self) { try FaultPlan(parsing: specification) }
    }

    @Test func faultsComeAsOftenAsAskedAndNeverForEver() throws {
        let plan = try FaultPlan(parsing: "status:500=0.1,reset=0.05,first-delay:9s=0.02")
        var resets = 0
        var statuses = 0
        var delays = 0
        let users = 20_000
        for index in 0..<users {
            let id = Array("user-\(index)".utf8)
            for attempt in 0..<4 as Range<UInt8> {
                let fault = plan.draw(id: id, seed: 5, attempt: attempt)
                #expect(fault == plan.draw(id: id, seed: 5, attempt: attempt))
                switch fault {
                case .reset: resets += 1
                case .status: statuses += 1
                case .delay: delays += attempt == 0 ? 1 : 1_000_000
                default: break
                }
            }
            #expect(plan.draw(id: id, seed: 5, attempt: 255) == nil)
        }
        // Five standard deviations of a binomial share.
        #expect(abs(statuses - 8000) < 450)
        #expect(abs(resets - 4000) < 320)
        #expect(abs(delays - 400) < 100)
    }

    @Test func attemptsOfOneUserAreDrawnApart() throws {
        let plan = try FaultPlan(parsing: "reset=0.5")
        let users = 4000
        let both = (0..<users).count { index in
            let id = Array("user-\(index)".utf8)
            return plan.draw(id: id, seed: 1, attempt: 0) != nil && plan.draw(id: id, seed: 1, attempt: 1) != nil
        }
        #expect(abs(both - users / 4) < 140)
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("2s", .seconds(2)), ("5m", .seconds(300)), ("1h", .seconds(3600)),
        ("0ms", .zero), ("24h", .seconds(86_400)),
    ])
    func times(text: String, duration: Duration) {
        #expect(Duration(serverOption: text) == duration)
    }

    @Test(arguments: ["", "5", "ms", "5 s", "-5s", "5.5s", "5S", "25h", "٥s", "99999999999999999999ms"])
    func noTimes(text: String) {
        #expect(Duration(serverOption: text) == nil)
    }
}
