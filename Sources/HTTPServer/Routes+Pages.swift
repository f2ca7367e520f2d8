import HTTPTypes
import HummingbirdCore
import NIOCore

// The dashboard: three files, which stand in the program (SwiftPM's `embedInCode`). They hold nothing of what is learned,
// so anybody may have them; what they ask for is asked with the token.
extension Routes {
    /// Nothing from outside, and nothing inline.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static let pages: [Route] = [
        page("/", "dashboard", "text/html; charset=utf-8", PackageResources.dashboard_html),
        page("/dashboard.css", "dashboard_css", "text/css; charset=utf-8", PackageResources.dashboard_css),
        page(
            "/dashboard.js", "dashboard_js", "text/javascript; charset=utf-8", PackageResources.dashboard_js),
    ]

    private static func page(_ path: String, _ name: String, _ mediaType: String, _ bytes: [UInt8]) -> Route {
        let buffer = ByteBuffer(bytes: bytes)
        return Route(
            .get, path, name, "The dashboard.",
            answer: Route.Answer(
                mediaType: String(mediaType.prefix { $0 != ";" }), schema: Schemas.text,
                description: "A part of the page."), access: .anybody,
            .any { _ in
                var response = Response.bytes(buffer, mediaType)
                response.headers[.contentSecurityPolicy] = policy
                response.headers[.cacheControl] = "no-cache"
                return response
            })
    }
}
