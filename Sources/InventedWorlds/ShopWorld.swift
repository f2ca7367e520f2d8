internal import Events

/// Households that fill baskets: most of what they buy they buy again, each thing at a pace that is the product's and a
/// little the household's own.
///
/// A household goes shopping every few days; the purchases of a basket share a time. For each place in the basket it
/// takes a product that it needs, the likelier the longer ago against its pace, or it tries something: by how well the
/// product sells and how the household likes its category and brand. What was tried may become a habit, and a habit may end.
struct ShopWorld: Scene {
    static let categories = [
        "Bread", "Milk", "Cheese", "Eggs", "Fruit", "Vegetables", "Meat", "Fish", "Pasta", "Rice", "Snacks",
        "Sweets", "Coffee", "Tea", "Juice", "Water", "Cleaning", "Paper", "Baby", "Pets",
    ]
    static let brands = 30
    private static let day: Int64 = 86_400_000
    /// Part of the places in a basket that go to something else than habits though all of them are due.
    static let tries = 0.15

    struct Product {
        var id: EntityID
        var title: String
        var category: Int
        var brand: Int
        var pull: Double
        /// Days for which it usually lasts.
        var pace: Double
    }

    /// What a household buys again and again.
    struct Habit {
        var product: Int
        /// Days after which it is half due.
        var pace: Double
        var strength: Double
        var last: Int64

        /// From 0 to `strength`: nothing at first, half at the pace, all long after.
        func need(at time: Int64) -> Double {
            let waited = Double(time - last) / Double(ShopWorld.day) / pace
            let steep = waited * waited * waited * waited
            return strength * steep / (1 + steep)
        }
    }

    struct Household {
        var id: EntityID
        /// Liking by category and by brand.
        var categories: [Double]
        var brands: [Double]
        var habits: [Habit] = []
        /// As many habits as it would have.
        var habitsWanted: Int
        /// Days between baskets, and products in one.
        var gap: Double
        var basket: Int
    }

    private let options: InventedWorld.Options
    private var draws: SplitMix64
    let products: [Product]
    private(set) var households: [Household] = []
    private var productsDescribed = 0
    private var acts = 0
    private var today: Int64
    /// By day, who goes shopping.
    private var plans: [Int64: [Int]] = [:]
    /// The baskets of today to come, the next one last.
    private var trips: [(time: Int64, household: Int)] = []
    /// The basket that is being filled.
    private var basket: (time: Int64, household: Int, taken: Set<Int>, left: Int)?
    private var onlooker: Onlooker?
    private(set) var truth: ChoiceTruth?

    init(_ options: InventedWorld.Options) throws(EventError) {
        self.options = options
        draws = SplitMix64(seed: options.seed ^ 0x5348_4F50)
        onlooker = options.tellsTruth ? Onlooker() : nil
        today = options.startTime / Self.day
        var products: [Product] = []
        for number in 1...max(1, options.items) {
            let (category, brand) = (
                draws.index(below: Self.categories.count), draws.index(below: Self.brands)
            )
            let (root, draw) = (Double(number).squareRoot(), draws.uniform())
            products.append(
                Product(
                    id: try EntityID("p\(number)"),
                    title: Headlines.brand(brand) + " \(Self.categories[category]) No. \(number)",
                    category: category, brand: brand, pull: 1 / (root * root.squareRoot()),
                    pace: 5 + 35 * draw * draw))
        }
        self.products = products
    }

    mutating func next() throws(EventError) -> Event? {
        truth = nil
        if productsDescribed < products.count {
            defer { productsDescribed += 1 }
            let product = products[productsDescribed]
            let tags = [Self.categories[product.category], Headlines.brand(product.brand)]
            return Event(
                .item(ItemDescription(item: product.id, title: product.title, tags: tags)),
                time: options.startTime)
        }
        guard options.events == 0 || acts < options.events else { return nil }
        while true {
            if let event = takeNext() { return event }
            if let (time, household) = trips.popLast() {
                basket = (time, household, [], 1 + draws.index(below: 2 * households[household].basket - 1))
            } else {
                try beginDay()
            }
        }
    }

    // MARK: - Days

    private mutating func beginDay() throws(EventError) {
        today += 1
        let wanted = options.usersComeBy(acts + 1)
        while households.count < wanted {
            households.append(try household(number: households.count + 1))
            plans[today, default: []].append(households.count - 1)
        }
        for household in plans.removeValue(forKey: today) ?? [] {
            // From eight to eight.
            let time = today * Self.day + 28_800_000 + Int64(draws.index(below: 43_200_000))
            trips.append((time, household))
            let gap = households[household].gap * (0.5 + draws.uniform())
            plans[today + max(1, Int64(gap.rounded())), default: []].append(household)
        }
        trips.sort { ($0.time, $0.household) > ($1.time, $1.household) }
    }

    private mutating func household(number: Int) throws(EventError) -> Household {
        let categories = Self.categories.map { _ in
            let draw = draws.uniform()
            return 0.02 + 2 * draw * draw * draw
        }
        let brands = (0..<Self.brands).map { _ in
            let draw = draws.uniform()
            return 0.2 + 2 * draw * draw
        }
        return Household(
            id: try EntityID("h\(number)"), categories: categories, brands: brands,
            habitsWanted: 20 + draws.index(below: 31), gap: 2 + 4 * draws.uniform(),
            basket: 8 + draws.index(below: 9))
    }

    // MARK: - Baskets

    private mutating func takeNext() -> Event? {
        guard var filling = basket, filling.left > 0, filling.taken.count < products.count else {
            basket = nil
            return nil
        }
        let (user, time) = (filling.household, filling.time)
        let chances = chances(of: user, at: time, without: filling.taken)
        let all = chances.reduce(0, +)
        guard all > 0 else {
            basket = nil
            return nil
        }
        let item = draws.index(byWeights: chances, sum: all)
        truth = onlooker?.truth(user: user, item: item, items: nil, chances: chances)
        onlooker?.hear(user: user, item: item)
        acts += 1
        take(item, household: user, at: time)
        filling.taken.insert(item)
        filling.left -= 1
        basket = filling
        return Event(
            .signal(user: households[user].id, item: products[item].id, name: "purchase"), time: time)
    }

    private mutating func take(_ item: Int, household: Int, at time: Int64) {
        if let index = households[household].habits.firstIndex(where: { $0.product == item }) {
            households[household].habits[index].last = time
            if draws.uniform() < 0.03 { households[household].habits.remove(at: index) }
            return
        }
        let lacks = households[household].habits.count < households[household].habitsWanted
        guard draws.uniform() < (lacks ? 0.9 : 0.05) else { return }
        let pace = products[item].pace * (0.7 + 0.6 * draws.uniform())
        households[household].habits.append(
            Habit(product: item, pace: pace, strength: 0.7 + 0.6 * draws.uniform(), last: time))
    }

    /// How likely each product is the next in the household's basket.
    ///
    /// - Parameter taken: what is in the basket already.
    func chances(of household: Int, at time: Int64, without taken: Set<Int>) -> [Double] {
        let buyer = households[household]
        var isHabit: Set<Int> = []
        var needs: [(product: Int, need: Double)] = []
        for habit in buyer.habits {
            isHabit.insert(habit.product)
            if !taken.contains(habit.product) { needs.append((habit.product, habit.need(at: time))) }
        }
        var chances = products.enumerated().map { number, product in
            taken.contains(number) || isHabit.contains(number)
                ? 0 : product.pull * buyer.categories[product.category] * buyer.brands[product.brand]
        }
        let needed = needs.reduce(0) { $0 + $1.need }
        let tried = chances.reduce(0, +)
        // Where little is due the basket is filled otherwise.
        var again = (1 - Self.tries) * min(1, needed)
        if tried <= 0 { again = 1 }
        for index in chances.indices where tried > 0 { chances[index] *= (1 - again) / tried }
        for (product, need) in needs where needed > 0 { chances[product] += again * need / needed }
        return chances
    }
}
