import State
import Testing

@Suite("What was taken, and when it may be shown again")
struct SeenRuleTests {
    @Test(
        "a rule is read as it is written",
        arguments: [
            ("exclude", SeenRule.exclude), ("allow", .allow), ("after 3 d", .after(259_200_000)),
            ("after 3d", .after(259_200_000)), ("after 90 s", .after(90_000)),
            ("after 1.5h", .after(5_400_000)),
        ])
    func rules(text: String, rule: SeenRule) throws {
        #expect(SeenRule(text) == rule)
        #expect(SeenRule(rule.text) == rule)
    }

    @Test(
        "anything else is refused",
        arguments: ["", "Allow", "after", "after 3", "after -3 d", "after 0 d", "after 3 moons", "3 d"])
    func refused(text: String) { #expect(SeenRule(text) == nil) }

    @Test("an item is kept out for as long as the rule says")
    func keepsOut() {
        #expect(SeenRule.exclude.keepsOut(taken: 0, now: 1 << 40))
        #expect(!SeenRule.allow.keepsOut(taken: 5, now: 5))
        let rule = SeenRule.after(1_000)
        #expect(rule.keepsOut(taken: 10, now: 1_009) && !rule.keepsOut(taken: 10, now: 1_010))
    }
}
