import RESP
import Settings

/// The daemon that answers on the configured socket, if one does.
struct RunningDaemon {
    private let status: RESPValue?
    /// Of the program that runs; empty where it does not tell.
    let version: String
    /// Why nothing is known of one, in the client's words.
    let refusal: String?

    init(_ configuration: Configuration) {
        let password = configuration.rpc.password
        var (found, server): (RESPValue?, String) = (nil, "")
        do {
            let client = try RPCClient(
                socketPath: configuration.socketPath, timeout: .seconds(5),
                password: password.isEmpty ? nil : password)
            server = try client.call(["INFO", "server"]).string ?? ""
            found = try client.call(["STATUS"])
            refusal = nil
        } catch {
            refusal = error.message
        }
        status = found
        let line = server.split(whereSeparator: \.isNewline).first { $0.hasPrefix("freshet_version:") }
        version = line.map { String($0.dropFirst("freshet_version:".count)) } ?? ""
    }

    var isThere: Bool { status != nil }

    func number(_ name: String) -> Int64? {
        guard case .integer(let number)? = status?[name] else { return nil }
        return number
    }

    /// Next offset by partition.
    var positions: [Int32: Int64] {
        guard case .map(let pairs)? = status else { return [:] }
        return pairs.reduce(into: [:]) { positions, pair in
            guard let name = pair.0.string, name.hasPrefix("position."),
                let partition = Int32(name.dropFirst("position.".count)), let offset = number(name)
            else { return }
            positions[partition] = offset
        }
    }
}
