/// All that can be asked for. The OpenAPI document is drawn from it.
enum Routes {
    static let all = lookups + content + records + events + observing + pages
}
