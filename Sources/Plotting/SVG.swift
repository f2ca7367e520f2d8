// Plotting: pictures for papers, as SVG.
//
// Here live the two pictures there are, curves with their bands and a map of points, their axes and colours, and the text
// that they become. Numbers and names come in; what never comes in is what they are of. It imports no other room.

/// The text of a picture, element after element.
struct SVG {
    private var lines: [String] = []
    let width: Double
    let height: Double

    init(width: Double, height: Double) { (self.width, self.height) = (width, height) }

    /// - Parameter attributes: in their order; numbers with two decimals at most.
    mutating func add(
        _ element: String, _ attributes: [(String, String)], text: String? = nil, title: String? = nil
    ) {
        let written = attributes.map { " \($0.0)=\"\(Self.escaped($0.1))\"" }.joined()
        let inner =
            (title.map { "<title>\(Self.escaped($0))</title>" } ?? "") + (text.map(Self.escaped) ?? "")
        lines.append(
            inner.isEmpty ? "<\(element)\(written)/>" : "<\(element)\(written)>\(inner)</\(element)>")
    }

    mutating func open(_ element: String, _ attributes: [(String, String)]) {
        lines.append("<\(element)\(attributes.map { " \($0.0)=\"\(Self.escaped($0.1))\"" }.joined())>")
    }

    mutating func close(_ element: String) { lines.append("</\(element)>") }

    /// A whole document, on white.
    var document: String {
        let (width, height) = (Self.text(width), Self.text(height))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
            font-family="Helvetica, Arial, sans-serif" font-size="12">
            <rect width="\(width)" height="\(height)" fill="#fff"/>
            \(lines.joined(separator: "\n"))
            </svg>

            """
    }

    static func text(_ number: Double) -> String {
        let hundredths = (number * 100).rounded()
        guard hundredths.isFinite, abs(hundredths) < 1e15 else { return "0" }
        let whole = Int(hundredths)
        if whole % 100 == 0 { return String(whole / 100) }
        let rest = abs(whole) % 100
        let fraction = rest % 10 == 0 ? String(rest / 10) : (rest < 10 ? "0\(rest)" : String(rest))
        return "\(whole < 0 ? "-" : "")\(abs(whole) / 100).\(fraction)"
    }

    /// Control characters are none that XML may hold.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
                result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Eight colours that colour-blind readers tell apart (Okabe, Ito 2008), the eighth grey.
enum Palette {
    static let colours = [
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#B8A800", "#777777",
    ]
    static func colour(_ place: Int) -> String { colours[place % colours.count] }
}
