internal import GRDB

/// The tables of a state file. Vectors and histories are little-endian blobs, one row a user or an item, so that
/// plain SQL and NumPy can read them.
enum Schema {
    /// "Frsh": tells a Freshet state from any other SQLite file.
    static let applicationID: Int32 = 0x4672_7368
    /// Rises with every change of the tables; a file with a higher one is refused.
    static let version = 1

    static func create(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE identity(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE positions(partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
                CREATE TABLE scalars(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
                CREATE TABLE models(name TEXT PRIMARY KEY, learner TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE model_scalars(
                    model TEXT NOT NULL, name TEXT NOT NULL, value NOT NULL, PRIMARY KEY(model, name)) WITHOUT ROWID;
                CREATE TABLE users(
                    row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, history BLOB NOT NULL,
                    residual_sum REAL NOT NULL, ratings INTEGER NOT NULL, next_order INTEGER NOT NULL,
                    last_event INTEGER NOT NULL);
                CREATE TABLE items(
                    row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, title TEXT, tags TEXT NOT NULL,
                    available INTEGER NOT NULL, users INTEGER NOT NULL, ratings INTEGER NOT NULL,
                    rating_sum REAL NOT NULL);
                CREATE TABLE user_factors(
                    model TEXT NOT NULL, row INTEGER NOT NULL, bias REAL NOT NULL, vector BLOB NOT NULL,
                    PRIMARY KEY(model, row)) WITHOUT ROWID;
                CREATE TABLE item_factors(
                    model TEXT NOT NULL, row INTEGER NOT NULL, bias REAL NOT NULL, vector BLOB NOT NULL,
                    positives INTEGER NOT NULL, PRIMARY KEY(model, row)) WITHOUT ROWID;
                CREATE VIEW item_vectors AS
                    SELECT model, CAST(id AS TEXT) AS id, title, bias, vector
                    FROM item_factors JOIN items USING(row);
                CREATE VIEW user_vectors AS
                    SELECT model, CAST(id AS TEXT) AS id, bias, vector FROM user_factors JOIN users USING(row);
                """)
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }
}
