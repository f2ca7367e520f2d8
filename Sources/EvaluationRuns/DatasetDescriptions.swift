import Evaluation
import Events
import FeatureMaps

/// What descriptions say of the users and items of a data set.
struct DatasetDescriptions {
    /// Of rows of the data set: tags, and of items what their titles tell of their year.
    let users: [[String]]
    let items: [[String]]

    /// Rows of training that a feature has to be on.
    static let rowsMin = 5

    init(users: [[String]], items: [[String]]) { (self.users, self.items) = (users, items) }

    /// Which features are worth looking at is for the rows that are learned from to say.
    func features(of train: [Observation]) -> (users: FeatureMatrix, items: FeatureMatrix) {
        var hasUser = [Bool](repeating: false, count: users.count)
        var hasItem = [Bool](repeating: false, count: items.count)
        for observation in train {
            hasUser[Int(observation.user)] = true
            hasItem[Int(observation.item)] = true
        }
        return (
            FeatureMatrix(of: users, rowsMin: Self.rowsMin) { hasUser[$0] },
            FeatureMatrix(of: items, rowsMin: Self.rowsMin) { hasItem[$0] }
        )
    }
}

/// Gathers descriptions as they come, in the order of the events.
struct DescriptionGathering {
    private var itemTags: [String: TagList] = [:]
    private var itemTitles: [String: String] = [:]
    private var userTags: [String: TagList] = [:]

    mutating func take(_ description: ItemDescription, time: Int64?) {
        let id = description.item.string
        _ = itemTags[id, default: TagList()].describe(
            tags: description.tags, added: description.addedTags, time: time)
        if let title = description.title { itemTitles[id] = title }
    }

    mutating func take(_ description: UserDescription, time: Int64?) {
        _ = userTags[description.user.string, default: TagList()].describe(
            tags: description.tags, added: description.addedTags, time: time)
    }

    func descriptions(of dataset: Dataset) -> DatasetDescriptions {
        DatasetDescriptions(
            users: dataset.userIDs.map { userTags[$0]?.tags ?? [] },
            items: dataset.itemIDs.map {
                (itemTags[$0]?.tags ?? []) + (itemTitles[$0].map(TitleYear.features) ?? [])
            })
    }
}

/// Descriptions that stand in tables, to be told when their item or user comes up.
struct DescriptionTables {
    private var items: [EntityID: [Event]] = [:]
    private var users: [EntityID: [Event]] = [:]

    mutating func take(_ event: Event) {
        switch event.kind {
        case .item(let description): items[description.item, default: []].append(event)
        case .user(let description): users[description.user, default: []].append(event)
        default: break
        }
    }

    /// What is said of those items and users that the events name: a table may hold many more.
    func all(in events: [Event]) -> [Event] { placed(in: events).filter(\.isDescription) }

    /// The events, with what is said of each item and user in front of the first one that names it.
    func placed(in events: [Event]) -> [Event] {
        guard !items.isEmpty || !users.isEmpty else { return events }
        var (itemsLeft, usersLeft) = (items, users)
        var placed: [Event] = []
        placed.reserveCapacity(events.count + items.count + users.count)
        for event in events {
            if event.item != nil, !event.isDescription, let said = usersLeft.removeValue(forKey: event.key) {
                placed += said
            }
            if let item = event.item, let said = itemsLeft.removeValue(forKey: item) { placed += said }
            placed.append(event)
        }
        return placed
    }
}

extension Event {
    /// What is said of an item or a user, rather than what a user did.
    var isDescription: Bool {
        switch kind {
        case .item, .user: true
        default: false
        }
    }
}
