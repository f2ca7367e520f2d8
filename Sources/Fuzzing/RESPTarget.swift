internal import NIOCore
internal import RESP

/// Requests come to the same, and to the same end, in whatever pieces they come; and none is larger than is allowed.
struct RESPTarget: FuzzTarget {
    private static let limits = RequestLimits(requestBytesMax: 2_000, argumentsMax: 40, bulkBytesMax: 500)
    private static let words = [
        "PING", "RECOMMEND", "u1", "", "COUNT", "10", "\u{0}", "é", String(repeating: "x", count: 490), "a b",
        "\"",
        "*1\r\n", "$3\r\nfoo\r\n", "\r\n",
    ].map { Array($0.utf8) }
    private static let mutation = ByteMutation([
        "*", "$", "\r\n", "\n", "\r", "*0\r\n", "*-1\r\n", "$-1\r\n", "$0\r\n\r\n", "*1\r\n",
        "$4\r\nPING\r\n",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "2147483648", "*41\r\n",
        "$501\r\n",
        "\"", "'", "\\x", "\\xff", "\\", " ", "\t", "\u{0}", "+OK\r\n", "PING\r\n",
        "00000000000000000000000000001",
        String(repeating: "y", count: 600), String(repeating: "*0\r\n", count: 40),
    ])

    private struct Outcome: Equatable {
        var requests: [RESPRequest] = []
        var isRefused = false
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        var bytes: [UInt8] = []
        for _ in 0...numbers.below(3) { append(&bytes, &numbers) }
        if !numbers.happens(oneIn: 8) {
            Self.mutation.change(&bytes, times: 1 + numbers.below(4), &numbers)
        }
        let whole = decode([bytes[...]])
        let pieces = decode(cut(bytes, &numbers))
        guard whole == pieces else {
            throw FuzzFinding(
                what: "whole: \(whole.requests.count) requests, refused \(whole.isRefused); in pieces: "
                    + "\(pieces.requests.count), refused \(pieces.isRefused)", input: bytes)
        }
        for request in whole.requests {
            var size = 0
            for index in 0..<request.count { size += request[index].count }
            // Inline, a line is bounded by the longest argument.
            guard request.count <= max(Self.limits.argumentsMax, Self.limits.bulkBytesMax),
                size <= Self.limits.requestBytesMax
            else {
                throw FuzzFinding(
                    what: "a request of \(request.count) arguments and \(size) bytes", input: bytes)
            }
        }
        return (1, whole.isRefused ? 0 : 1)
    }

    private func append(_ bytes: inout [UInt8], _ numbers: inout FuzzNumbers) {
        let count = 1 + numbers.below(4)
        guard !numbers.happens(oneIn: 4) else {
            for _ in 0..<count {
                bytes += numbers.pick(Self.words)
                bytes.append(UInt8(ascii: " "))
            }
            bytes += [0x0D, 0x0A]
            return
        }
        bytes += "*\(count)\r\n".utf8
        for _ in 0..<count {
            let word = numbers.pick(Self.words)
            bytes += "$\(word.count)\r\n".utf8
            bytes += word
            bytes += [0x0D, 0x0A]
        }
    }

    private func cut(_ bytes: [UInt8], _ numbers: inout FuzzNumbers) -> [ArraySlice<UInt8>] {
        var (pieces, rest) = ([ArraySlice<UInt8>](), bytes[...])
        for _ in 0..<3 where !rest.isEmpty {
            let end = rest.startIndex + numbers.below(rest.count + 1)
            pieces.append(rest[..<end])
            rest = rest[end...]
        }
        return pieces + [rest]
    }

    private func decode(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
        var (decoder, input, outcome) = (RESPDecoder(limits: Self.limits), ByteBuffer(), Outcome())
        for piece in pieces {
            input.writeBytes(piece)
            do throws(RESPProtocolError) {
                while let request = try decoder.next(from: &input) { outcome.requests.append(request) }
            } catch {
                outcome.isRefused = true
                return outcome
            }
        }
        return outcome
    }
}
