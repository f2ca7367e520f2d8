import HTTPTypes

/// The OpenAPI 3.1 document, drawn from the table of routes: what it says is what requests are checked by.
enum OpenAPI {
    static func document(version: String) -> JSON {
        .object([
            ("openapi", .string("3.1.0")),
            (
                "info",
                .object([
                    ("title", .string("Freshet")), ("version", .string(version)),
                    (
                        "description",
                        .string(
                            """
                            Recommendations learned from a live stream. Errors are problems as RFC 9457 has them. Of several \
                            daemons that learn as one any can be asked: what is about another's user is answered by that one \
                            (cluster.forward), and else with 421 and MOVED, whose detail ends with where the user is. 503 \
                            with TRYAGAIN: nobody has the user just now; ask again.
                            """
                        )
                    ),
                ])
            ), ("paths", .object(paths)),
            (
                "components",
                .object([
                    ("schemas", .object(Schemas.all)),
                    (
                        "securitySchemes",
                        .object([
                            (
                                "token",
                                .object([
                                    ("type", .string("http")), ("scheme", .string("bearer")),
                                    (
                                        "description",
                                        .string(
                                            "The token where http.token is set, or name:password of a user of access.users-file."
                                        )
                                    ),
                                ])
                            )
                        ])
                    ),
                ])
            ),
        ])
    }

    private static var paths: [(String, JSON)] {
        var paths: [(String, [(String, JSON)])] = []
        for route in Routes.all {
            let operation = (route.method.rawValue.lowercased(), operation(route))
            if let place = paths.firstIndex(where: { $0.0 == route.path }) {
                paths[place].1.append(operation)
            } else {
                paths.append((route.path, [operation]))
            }
        }
        return paths.map { ($0.0, .object($0.1)) }
    }

    private static func operation(_ route: Route) -> JSON {
        var members: [(String, JSON)] = [
            ("operationId", .string(route.name)), ("summary", .string(route.summary)),
            ("parameters", .array(route.parameters.map(\.description))),
        ]
        if let body = route.body {
            let content = body.mediaTypes.map { mediaType in
                // Lines are described by their array: each is an element of it.
                (
                    mediaType,
                    JSON.object([("schema", mediaType == "application/json" ? body.schema : Schemas.text)])
                )
            }
            members.append(
                ("requestBody", .object([("required", .bool(true)), ("content", .object(content))])))
        }
        members.append(("responses", .object(responses(route))))
        if route.access != .anybody {
            members.append(("security", .array([.object([]), .object([("token", .array([]))])])))
        }
        return .object(members)
    }

    private static func responses(_ route: Route) -> [(String, JSON)] {
        var statuses: Set<Int> = [400, 414, 421]
        if route.access != .anybody { statuses.formUnion([401, 403, 429, 503]) }
        if route.body != nil { statuses.formUnion([408, 413, 415]) }
        statuses.formUnion(route.problems.map(\.code))
        let answer = JSON.object([
            ("description", .string(route.answer.description)),
            (
                "content",
                .object([(route.answer.mediaType, .object([("schema", route.answer.schema)]))])
            ),
        ])
        var responses = [("200", answer)]
        if route.name == "readyz" { responses.append(("503", answer)) }
        for status in statuses.sorted() { responses.append((String(status), problem(status))) }
        return responses
    }

    private static func problem(_ status: Int) -> JSON {
        .object([
            ("description", .string(HTTPResponse.Status(code: status).reasonPhrase)),
            (
                "content",
                .object([
                    ("application/problem+json", .object([("schema", Schemas.reference("Problem"))]))
                ])
            ),
        ])
    }
}
