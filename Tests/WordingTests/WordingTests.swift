import RESP
import Testing

@testable import Wording

@Suite("answers in words")
struct WordingTests {
    @Test(
        "a refusal is told in the words of freshet's commands, without the RPC's usage",
        arguments: [
            (
                "ERR COUNT is '0'; an integer from 1 to 10000 is allowed; usage: RECOMMEND user [COUNT n]",
                "ERR",
                "--count is '0'; an integer from 1 to 10000 is allowed", true
            ),
            ("NOUSER no user 'COUNT BY'", "NOUSER", "no user 'COUNT BY'", false),
            (
                "ERR AMONG goes with BY bias and BY -bias; BY popular ranks all", "ERR",
                "--among goes with --by bias and --by -bias; --by popular ranks all", false
            ),
            (
                "ERR AFTER is 'x'; a token such as 0:1234 is allowed, as RATE answers it; usage: X", "ERR",
                "--after is 'x'; a token such as 0:1234 is allowed, as freshet rate answers it", true
            ),
            (
                "NOAUTH Authentication required.", "NOAUTH",
                "Authentication required.; --user and --password-file say who you are", false
            ),
            (
                "MOVED 7 10.0.0.2:7379", "MOVED",
                "another daemon has this user; ask it by --socket tcp://10.0.0.2:7379", false
            ),
            ("nothing of a code", "", "nothing of a code", false), ("ERR", "ERR", "ERR", false),
        ])
    func refusals(error: String, code: String, message: String, isUsage: Bool) {
        let refusal = Refusal(error)
        #expect(refusal.code == code && refusal.message == message && refusal.isUsage == isUsage)
    }

    private func explanation(_ more: [(String, RESPValue)]) -> RESPValue {
        .map((more).map { (.text($0.0), $0.1) })
    }

    @Test("an explanation says what keeps the item out, what score it would need, and what adds to its score")
    func keptOut() {
        let answer = explanation([
            ("model", .text("blend")), ("score", .double(2.85)), ("item-bias", .double(2.1682)),
            ("match", .double(0.6819)),
            (
                "parts",
                .map([
                    (.text("popular 20000 events"), .double(2.25)), (.text("likes"), .double(-0.7)),
                    (.text("next"), .double(1.3)), (.text("repeat"), .double(0)),
                    (.text("tags"), .double(0.4)), (.text("popular ever"), .double(0.01)),
                    (.text("taken before"), .double(0)),
                ])
            ),
            ("tags", .map([(.text("Drama"), .double(0.5)), (.text("decade:1990"), .double(-0.1))])),
            ("rank", .null), ("score-of-top-10", .double(3.4401)), ("recommended", .boolean(false)),
            ("why-not", .array([.text("seen"), .text("rank")])), ("seen-value", .double(3)),
            ("seen-ts", .integer(1_700_003_090_833)),
            (
                "carried-by",
                .array([
                    .map([
                        (.text("item"), .text("i9")), (.text("title"), .text("Nine")),
                        (.text("similarity"), .double(0.7149)), (.text("value"), .double(5)),
                    ])
                ])
            ),
        ])
        #expect(
            ExplanationText(answer, user: "u42", item: "i7", title: "Seven\u{1B}[2J").text == """
                Seven?[2J (i7) is not among the first ten that model blend recommends to u42.
                  u42 gave it 3 on 2023-11-14: what was taken is left out (recommend --include-seen shows it).
                  Its score is too low: it is 2.85, and to be among the first ten it would need more than 3.4401, which is 0.5901 more.

                adds  to the score
                2.25  how much it is taken, over some 20000 events
                 1.3  model next
                -0.7  model likes
                 0.4  how much u42 likes its tags and its time
                0.01  how much it is taken
                2.85  in all
                Nothing to add: model repeat, that u42 took it before.

                of which  by
                     0.5  Drama
                    -0.1  decade:1990

                u42 took  title  alike  given
                i9        Nine    71 %      5
                """)
    }

    @Test("a recommended item has its place; models of ratings and of shares have their own parts")
    func recommended() {
        let answer = explanation([
            ("model", .text("stars")), ("score", .double(4.25)), ("mean", .double(3.5)),
            ("user-bias", .double(0.25)), ("item-bias", .double(0.4)), ("match", .double(0.1)),
            ("features", .map([(.text("Drama"), .double(0.2))])), ("base", .double(0.1)),
            ("own", .double(0.1)), ("rank", .integer(2)), ("score-of-top-10", .double(4.1)),
            ("recommended", .boolean(true)), ("why-not", .array([])), ("carried-by", .array([])),
        ])
        #expect(
            ExplanationText(answer, user: "u1", item: "i1", title: nil).text == """
                i1 is recommended to u1: number 2 by model stars.
                  Its score is 4.25; the tenth of the list has 4.1.

                adds  to the score
                 3.5  the mean of all ratings
                0.25  how u1 rates beside others
                 0.4  what everybody thinks of the item
                 0.1  how it suits u1 in particular
                4.25  in all

                of which  by
                     0.2  Drama
                     0.1  having tags at all
                     0.1  what users did with the item itself

                Nothing that u1 took speaks for it in particular.
                """)
        let hidden = explanation([
            ("model", .text("als")), ("score", .double(0.5)), ("item-bias", .double(0)),
            ("match", .double(0.5)), ("score-of-top-10", .double(0.4)),
            ("why-not", .array([.text("hidden"), .text("unavailable"), .text("filtered")])),
            ("seen-signals", .integer(2)), ("seen-weight", .double(3)), ("seen-value", .double(1)),
            ("carried-by", .array([.map([(.text("item"), .text("i2")), (.text("share"), .double(0.4))])])),
            ("carried-by-others", .double(0.09)), ("drift", .double(0.01)),
        ])
        let text = ExplanationText(hidden, user: "u1", item: "i1", title: nil).text
        for words in [
            "It is hidden from u1", "It is not available", "It lacks a tag that was asked for",
            "u1 took it (2 signals of weight 3).", "Its score of 0.5 would be enough",
            "All else that u1 took adds 0.09; what items have moved since adds 0.01.",
        ] {
            #expect(text.contains(words), "\(words) in \(text)")
        }
        let few = explanation([
            ("model", .text("m")), ("score", .double(1)), ("score-of-top-10", .null), ("rank", .integer(1)),
            ("why-not", .array([])),
        ])
        #expect(
            ExplanationText(few, user: "u", item: "i", title: nil).text.contains(
                "Fewer than ten items may be recommended to u: its score of 1 is enough."))
    }

    @Test("lists say who is not known, which words are guessed, and what keeps all items out")
    func notes() {
        #expect(
            Notes.popularInstead(of: "x", isKnown: false, model: "m")
                == "user 'x' is not known: this is what is popular")
        #expect(
            Notes.popularInstead(of: "x", isKnown: true, model: "m").hasPrefix(
                "model 'm' has nothing to go by for user 'x'"))
        #expect(Notes.standIn("likes").hasSuffix("this is by model 'likes'"))
        #expect(Notes.guessed([]) == nil)
        #expect(Notes.guessed(["zombi"])?.hasPrefix("no item has the tag 'zombi'") == true)
        #expect(Notes.guessed(["a", "b"])?.contains("'a', 'b'") == true)
        #expect(Notes.empty(nil) == "no item fits")
        #expect(Notes.empty(.map([(.text("catalogue"), .integer(0))])) == "no item is known yet")
        let shortfall = RESPValue.map([
            (.text("catalogue"), .integer(9)), (.text("tag"), .integer(7)), (.text("hidden"), .integer(0)),
            (.text("seen"), .integer(2)),
        ])
        #expect(
            Notes.empty(shortfall) == "no item fits: of 9 items, 7 without the tag asked for, 2 taken already"
        )
    }
}
