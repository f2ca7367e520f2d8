#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Reads one flat JSON object a call into a flat struct, because Swift cannot call simdjson's templates and a
/// call per field would cost more than the parsing.
typedef struct event_parser event_parser;

/// Bytes that must be readable after a payload; simdjson reads them and ignores what they hold.
enum { EVENT_PARSER_PADDING = 64 };

/// UTF-8, not terminated. Points into the parser: valid until its next parse.
typedef struct {
    const char *_Nullable bytes;
    size_t length;
} event_text;

typedef enum __attribute__((enum_extensibility(closed))) {
    EVENT_VALUE_ABSENT,  // no such key, or null
    EVENT_VALUE_STRING,  // text
    EVENT_VALUE_INTEGER,  // integer, and number
    EVENT_VALUE_UNSIGNED,  // above INT64_MAX: unsigned_integer, and number
    EVENT_VALUE_DOUBLE,  // number; infinite where a double does not reach
    EVENT_VALUE_BIG_INTEGER,  // beyond 64 bits: its digits in text (points into the payload), and number
    EVENT_VALUE_BOOLEAN,  // boolean
    EVENT_VALUE_TEXTS,  // texts, text_count: an array of nothing but strings
    EVENT_VALUE_OTHER,  // an object, or an array of something else
} event_value_kind;

typedef struct {
    event_value_kind kind;
    int boolean;
    event_text text;
    int64_t integer;
    uint64_t unsigned_integer;
    double number;
    const event_text *_Nullable texts;
    /// Counts all elements; no more than the parser's `texts_max` of them can be read.
    size_t text_count;
} event_value;

/// One value per field an event can have; of a key given twice the last one.
typedef struct {
    event_value type, user, item, rating, time, signal, title, tags, available, id, added_tags, model;
    /// Whether the record has freshet's mark, so that its keys are freshet's own.
    int is_marked;
} event_values;

/// Key of the mark, whose value is the integer 1: what freshet writes has its own field names, whatever names the
/// configuration gives to those of the producers.
#define EVENT_MARK "freshet"

typedef struct {
    const char *_Nonnull type, *_Nonnull user, *_Nonnull item, *_Nonnull rating, *_Nonnull time,
        *_Nonnull signal, *_Nonnull title, *_Nonnull tags, *_Nonnull available, *_Nonnull id,
        *_Nonnull added_tags, *_Nonnull model;
} event_field_names;

typedef enum __attribute__((enum_extensibility(closed))) {
    EVENT_PARSE_DONE,
    EVENT_PARSE_NOT_JSON,
    EVENT_PARSE_NOT_AN_OBJECT,
} event_parse_status;

/// Copies the names (UTF-8, terminated): those of the producers, and `own` for records that are marked. NULL when
/// memory is short.
event_parser *_Nullable event_parser_make(
    const event_field_names *_Nonnull names, const event_field_names *_Nonnull own, size_t bytes_max,
    size_t texts_max);
void event_parser_free(event_parser *_Nullable parser);

/// `EVENT_PARSER_PADDING` readable bytes follow `bytes`. Where the bytes are not JSON, `why` says so in
/// simdjson's words (static text). One thread at a time.
event_parse_status event_parser_parse(
    event_parser *_Nonnull parser, const char *_Nullable bytes, size_t length, event_values *_Nonnull values,
    const char *_Nullable *_Nonnull why);

/// Version of simdjson, and the name of the kernels that it took for this processor; both static text.
const char *_Nonnull simdjson_library_version(void);
const char *_Nonnull simdjson_library_kernels(void);

#ifdef __cplusplus
}
#endif
