import ArgumentParser
import Checkpoints
import EventLog
import Factors
import Foundation
import HTTPServer
import KillPoints
import Logging
import RPC
import Reporting
import Settings

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Learns from the log and answers on the socket, until SIGTERM.",
        discussion: """
            Configuration comes from the file, then FRESHET_… environment variables, then --set, each over the one \
            before.

            EXAMPLES
              freshet serve
              freshet serve --config /etc/freshet.yaml
              freshet serve --set source.kind=kafka --set source.kafka.brokers=kafka1:9092 \\
                            --set source.kafka.topic=ratings
              freshet serve --take-over                 # a new program, say: no client of the old one notices
              freshet serve --as-of 0:40300 &
              freshet recommend u42 --socket freshet-state/as-of.sock
              freshet serve --help-config

            THE PAST
              --as-of answers as the state was when an event of each partition was the newest, or at a time as the log \
            tells it. It restores the folder's checkpoint where that is old enough, and else learns from the \
            beginning of what the daemon learned; so the log has to hold all that comes after. It answers at \
            as-of.sock in the folder (--socket names another place), takes no events, and changes nothing: \
            neither state nor positions nor consumers, so the folder's daemon may run meanwhile. It learns in a \
            folder under TMPDIR. In deterministic mode its digest is the one the daemon had there.

            TAKING OVER
              --take-over restores the running daemon's newest checkpoint beside it, then takes socket and clients over from \
            it; it stops, and this one goes on in its folder and with its log. Commands that come meanwhile wait, and none \
            fails. The configuration has to be of the same folder, socket, log and models.

            SIGNALS
              TERM, INT, QUIT  stop in order       HUP  read the configuration again; --help-config says which
              USR1, USR2       nothing                  keys change without a restart

            EXIT CODES
              0 stopped as asked, the state is durable     65 the state file is damaged or of another kind
              69 the log needs a person (gap, refused)     73 a file, folder or socket cannot be made or written
              74 the cluster goes on without it; start it again
              75 the state folder, or its file, is in use    78 the configuration is wrong
            """)

    @Option(help: "A YAML file; see config/freshet.yaml for every key and its default.")
    var config: String?

    @Option(name: .customLong("set"), help: "key=value, over the file and the environment; may be repeated.")
    var settings: [String] = []

    @Option(
        help: ArgumentHelp(
            "Answer as the state was when these events were the newest, or at this time.",
            valueName: "token[,token…]|time"))
    var asOf: String?

    @Option(help: "With --as-of: where to answer; as-of.sock in the state's folder where absent.")
    var socket: String?

    @Flag(
        help:
            "Take over from the daemon that runs in the folder, with its socket and its clients; none notices."
    )
    var takeOver = false

    @Flag(help: "Print every configuration key with type, unit, default and meaning, and exit.")
    var helpConfig = false

    func validate() throws {
        if let asOf, LogMoment(asOf) == nil {
            throw ValidationError("--as-of is '\(asOf)', allowed is \(LogMoment.allowed)")
        }
        if takeOver, asOf != nil { throw ValidationError("--take-over and --as-of do not go together") }
        if socket != nil, asOf == nil {
            throw ValidationError("--socket is for --as-of; of a daemon that learns, set rpc.socket")
        }
    }

    func run() async throws {
        if helpConfig { return Terminal.write(ConfigurationReference.text()) }
        StandardStreams.open()
        // Before there are other threads.
        Heap.keepLittle()
        let signals = DaemonSignals()
        let configuration = try load()
        // What is learned of people, and what they said, is for this user and group alone.
        umask(0o027)
        // A file at the process's size limit is then an error like a full disk, whichever thread meets it.
        signal(SIGXFSZ, SIG_IGN)
        let log = DaemonLog(level: configuration.log.level.loggerLevel)
        defer { log.flush() }
        if let words = KillPoint.words { log.logger.warning("\(words)") }
        do {
            if let moment = asOf.flatMap({ LogMoment($0) }) {
                let place = socket ?? configuration.state.folder + "/as-of.sock"
                return try await PastDaemon(configuration, at: moment, socket: place, logger: log.logger)
                    .run()
            }
            let daemon =
                takeOver
                ? try await Daemon(takingOverBy: configuration, logger: log.logger)
                : try await Daemon(configuration, logger: log.logger)
            let reloading = Reloading(
                of: daemon, configuration: configuration, log: log,
                load: {
                    try Configuration.load(
                        file: config, environment: ProcessInfo.processInfo.environment, settings: settings)
                })
            try await daemon.run(signals: signals, reloading: reloading)
        } catch {
            log.say("freshet: \(error)")
            throw ExitCode(Self.code(of: error))
        }
    }

    private func load() throws -> Configuration {
        do {
            return try Configuration.load(
                file: config, environment: ProcessInfo.processInfo.environment, settings: settings)
        } catch {
            Terminal.writeError("freshet: \(error)")
            throw ExitCode(ConfigurationError.exitCode)
        }
    }

    /// After sysexits.h.
    static func code(of error: any Error) -> Int32 {
        switch error {
        case let error as StateError:
            switch error.code {
            case .damaged, .newerSchema, .notAState, .mismatch: 65
            case .unwritable, .unreadable, .full: 73
            case .locked: 75
            }
        case let error as EventLogError:
            switch error.code {
            case .damaged: 65
            case .invalid: 78
            case .full: 73
            case .mustRestart: 74
            default: 69
            }
        case is AccessConfigurationError: ConfigurationError.exitCode
        case is RPCServerError, is HTTPServerError: 73
        case is HandoverError: 69
        default: 1
        }
    }
}
