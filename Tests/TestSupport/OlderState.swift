/// What makes a state file one of before rows had checksums, in SQL: schema 5.
public let beforeChecksums = """
    ALTER TABLE scalars DROP COLUMN checksum;
    ALTER TABLE model_scalars DROP COLUMN checksum;
    ALTER TABLE users DROP COLUMN checksum;
    ALTER TABLE items DROP COLUMN checksum;
    ALTER TABLE user_factors DROP COLUMN checksum;
    ALTER TABLE item_factors DROP COLUMN checksum;
    DELETE FROM identity WHERE key = 'file';
    DROP TABLE checksums;
    DROP TABLE erasures;
    PRAGMA user_version = 5;
    """
