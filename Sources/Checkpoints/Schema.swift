internal import GRDB
internal import KillPoints

/// The tables of a state file. Vectors and histories are little-endian blobs, one row a user or an item, so that
/// plain SQL and NumPy can read them.
enum Schema {
    /// "Frsh": tells a Freshet state from any other SQLite file.
    static let applicationID: Int32 = 0x4672_7368
    /// Rises with every change of the tables; a file with a higher one is refused.
    static let version = 6

    static func create(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE identity(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE positions(partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
                CREATE TABLE scalars(
                    name TEXT PRIMARY KEY, value NOT NULL, checksum INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
                CREATE TABLE models(name TEXT PRIMARY KEY, learner TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE model_scalars(
                    model TEXT NOT NULL, name TEXT NOT NULL, value NOT NULL,
                    checksum INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(model, name)) WITHOUT ROWID;
                CREATE TABLE users(
                    row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, history BLOB NOT NULL,
                    residual_sum REAL NOT NULL, ratings INTEGER NOT NULL, next_order INTEGER NOT NULL,
                    last_event INTEGER NOT NULL, hidden BLOB NOT NULL, marks BLOB NOT NULL,
                    tallies BLOB NOT NULL, tags TEXT NOT NULL DEFAULT '[]', tags_at INTEGER,
                    checksum INTEGER NOT NULL DEFAULT 0);
                CREATE TABLE items(
                    row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, title TEXT, tags TEXT NOT NULL,
                    available INTEGER NOT NULL, users INTEGER NOT NULL, ratings INTEGER NOT NULL,
                    rating_sum REAL NOT NULL, last_event INTEGER, title_at INTEGER, tags_at INTEGER,
                    available_at INTEGER, checksum INTEGER NOT NULL DEFAULT 0);
                CREATE TABLE user_factors(
                    model TEXT NOT NULL, row INTEGER NOT NULL, bias REAL NOT NULL, vector BLOB NOT NULL,
                    step REAL NOT NULL, long_term BLOB, checksum INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(model, row)) WITHOUT ROWID;
                CREATE TABLE item_factors(
                    model TEXT NOT NULL, row INTEGER NOT NULL, bias REAL NOT NULL, vector BLOB NOT NULL,
                    positives INTEGER NOT NULL, step REAL NOT NULL, popular REAL NOT NULL, trend REAL NOT NULL,
                    counted_at INTEGER NOT NULL, checksum INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(model, row)) WITHOUT ROWID;
                \(additionsOfSixth)
                CREATE VIEW item_vectors AS
                    SELECT model, CAST(id AS TEXT) AS id, title, bias, vector
                    FROM item_factors JOIN items USING(row);
                CREATE VIEW user_vectors AS
                    SELECT model, CAST(id AS TEXT) AS id, bias, vector FROM user_factors JOIN users USING(row);
                """)
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
        try nameFile(db)
    }

    /// What this file calls itself, in two places: where nothing is written any more, and where every checkpoint writes. So a
    /// write-ahead log of another file's is known, which SQLite would take for this one's.
    private static func nameFile(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO checksums(name, rows, sum) VALUES ('file', 0, random());
                INSERT INTO identity(key, value) SELECT 'file', CAST(sum AS TEXT) FROM checksums WHERE name = 'file';
                """)
    }

    /// Whether both places say the same.
    static func isOfOneFile(_ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT count(*) = 1 FROM identity, checksums
                WHERE identity.key = 'file' AND checksums.name = 'file' AND identity.value = CAST(checksums.sum AS TEXT)
                """) ?? false
    }

    private static let additionsOfSixth = """
        CREATE TABLE checksums(name TEXT PRIMARY KEY, rows INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE erasures(id_hash INTEGER PRIMARY KEY, events INTEGER NOT NULL);
        """

    /// Whether the file has to be changed before it can be written.
    static func isOlder(_ db: Database) throws -> Bool {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        return found > 0 && found < version
    }

    /// Brings a file of an older schema up to this one. Runs in a transaction: a kill leaves the old schema or the new.
    static func migrate(_ db: Database) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if found < 2 { try migrateToSecond(db) }
        if found < 3 { try migrateToThird(db) }
        if found < 4 { try migrateToFourth(db) }
        if found < 5 { try migrateToFifth(db) }
        if found < 6 { try migrateToSixth(db) }
    }

    /// Hidden items, times of items' last events, long-term rows, steps of learning rates, decayed popularity (which starts
    /// from the counts).
    private static func migrateToSecond(_ db: Database) throws {
        // The first files of schema 1 do not say when a user was last heard of.
        let columns = try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info('users')")
        if !columns.contains("last_event") {
            try db.execute(sql: "ALTER TABLE users ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0")
        }
        try db.execute(
            sql: """
                ALTER TABLE users ADD COLUMN hidden BLOB NOT NULL DEFAULT x'';
                ALTER TABLE items ADD COLUMN last_event INTEGER;
                ALTER TABLE user_factors ADD COLUMN step REAL NOT NULL DEFAULT 0;
                ALTER TABLE user_factors ADD COLUMN long_term BLOB;
                ALTER TABLE item_factors ADD COLUMN step REAL NOT NULL DEFAULT 0;
                ALTER TABLE item_factors ADD COLUMN popular REAL NOT NULL DEFAULT 0;
                ALTER TABLE item_factors ADD COLUMN trend REAL NOT NULL DEFAULT 0;
                ALTER TABLE item_factors ADD COLUMN counted_at INTEGER NOT NULL DEFAULT 0;
                UPDATE item_factors SET popular = positives, counted_at =
                    coalesce((SELECT value FROM scalars WHERE name = 'events.applied'), 0);
                PRAGMA user_version = 2;
                """)
    }

    /// When things were said, by the producer's clock.
    private static func migrateToThird(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE users ADD COLUMN marks BLOB NOT NULL DEFAULT x'';
                ALTER TABLE items ADD COLUMN title_at INTEGER;
                ALTER TABLE items ADD COLUMN tags_at INTEGER;
                ALTER TABLE items ADD COLUMN available_at INTEGER;
                PRAGMA user_version = 3;
                """)
    }

    /// What signals come to. Of those before this nothing but the last of each item is known, which the history has.
    private static func migrateToFourth(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE users ADD COLUMN tallies BLOB NOT NULL DEFAULT x'';
                PRAGMA user_version = 4;
                """)
    }

    /// What is said of users.
    private static func migrateToFifth(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE users ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
                ALTER TABLE users ADD COLUMN tags_at INTEGER;
                PRAGMA user_version = 5;
                """)
    }

    /// Checksums of rows and tables, and who has to be erased from copies.
    private static func migrateToSixth(_ db: Database) throws {
        for table in SummedTable.allCases where table.rowsHaveChecksums {
            try db.execute(
                sql: "ALTER TABLE \(table.rawValue) ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")
        }
        try db.execute(sql: additionsOfSixth)
        try nameFile(db)
        KillPoint.migrationMid.reach()
        try SummedTable.signAll(db)
        try db.execute(sql: "PRAGMA user_version = 6")
    }
}
