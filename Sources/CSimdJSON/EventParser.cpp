#include "CSimdJSON.h"
#include "BigNumbers.h"

#include <array>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simdjson.h>

static_assert(
    simdjson::SIMDJSON_PADDING <= EVENT_PARSER_PADDING, "simdjson reads further than callers promise");

namespace {

using Field = event_value event_values::*;

// The DOM rather than the on-demand front end: it validates the whole record, also the fields nobody asked
// for, so that a malformed record is never learned in part; and its work is done inside the library, which
// picks the instruction set at run time.
namespace dom = simdjson::dom;

}  // namespace

namespace {
constexpr size_t field_count = 12;
using Fields = std::array<std::pair<std::string, Field>, field_count>;
}  // namespace

struct event_parser {
    dom::parser parser;
    Fields fields;
    Fields own_fields;
    size_t texts_max;
    // One list a field: a key other than `tags` may hold an array too, and must not overwrite the tags.
    std::array<std::vector<event_text>, field_count> texts;
    // For records with numbers that the parser does not take; see BigNumbers.h.
    dom::parser patient_parser;
    BigNumbers big_numbers;
};

namespace {

event_text text_of(std::string_view view) { return event_text{view.data(), view.size()}; }

void read_array(dom::array array, std::vector<event_text> &texts, size_t texts_max, event_value &value) {
    texts.clear();
    value.kind = EVENT_VALUE_TEXTS;
    value.text_count = 0;
    for (dom::element element : array) {
        std::string_view view;
        if (element.get(view) != simdjson::SUCCESS) {
            value.kind = EVENT_VALUE_OTHER;
            return;
        }
        if (texts.size() < texts_max) texts.push_back(text_of(view));
        value.text_count += 1;
    }
    value.texts = texts.data();
}

void read_value(
    dom::element element, std::vector<event_text> &texts, size_t texts_max, const BigNumbers &big_numbers,
    event_value &value) {
    value.kind = EVENT_VALUE_ABSENT;
    switch (element.type()) {
    case dom::element_type::STRING:
        value.kind = EVENT_VALUE_STRING;
        value.text = text_of(element.get_string().value_unsafe());
        break;
    case dom::element_type::INT64:
        value.kind = EVENT_VALUE_INTEGER;
        value.integer = element.get_int64().value_unsafe();
        value.number = static_cast<double>(value.integer);
        if (!big_numbers.is_empty()) big_numbers.restore(value);
        break;
    case dom::element_type::UINT64:
        value.kind = EVENT_VALUE_UNSIGNED;
        value.unsigned_integer = element.get_uint64().value_unsafe();
        value.number = static_cast<double>(value.unsigned_integer);
        break;
    case dom::element_type::DOUBLE:
        value.kind = EVENT_VALUE_DOUBLE;
        value.number = element.get_double().value_unsafe();
        break;
    case dom::element_type::BOOL:
        value.kind = EVENT_VALUE_BOOLEAN;
        value.boolean = element.get_bool().value_unsafe() ? 1 : 0;
        break;
    case dom::element_type::ARRAY:
        read_array(element.get_array().value_unsafe(), texts, texts_max, value);
        break;
    case dom::element_type::OBJECT:
        value.kind = EVENT_VALUE_OTHER;
        break;
    case dom::element_type::NULL_VALUE:
        break;
    }
}

Fields fields_named(const event_field_names &names) {
    return {{{names.type, &event_values::type},
             {names.user, &event_values::user},
             {names.item, &event_values::item},
             {names.rating, &event_values::rating},
             {names.time, &event_values::time},
             {names.signal, &event_values::signal},
             {names.title, &event_values::title},
             {names.tags, &event_values::tags},
             {names.available, &event_values::available},
             {names.id, &event_values::id},
             {names.added_tags, &event_values::added_tags},
             {names.model, &event_values::model}}};
}

/// Of an absent value only the kind is ever read: zeroing all of them would take as long as parsing half a record.
void reset(event_values &values) {
    for (const auto field : {
             &event_values::type, &event_values::user, &event_values::item, &event_values::rating,
             &event_values::time, &event_values::signal, &event_values::title, &event_values::tags,
             &event_values::available, &event_values::id, &event_values::added_tags, &event_values::model}) {
        (values.*field).kind = EVENT_VALUE_ABSENT;
    }
    values.is_marked = 0;
}

bool is_mark(const dom::key_value_pair &pair) {
    if (pair.key != EVENT_MARK) return false;
    int64_t version = 0;
    return pair.value.get(version) == simdjson::SUCCESS && version == 1;
}

/// Reads by the names given; false, with what is read so far, at a mark that says the names are freshet's own.
bool read_fields(event_parser &parser, const Fields &fields, dom::object object, event_values &values) {
    for (dom::key_value_pair pair : object) {
        if (!values.is_marked && is_mark(pair)) return false;
        for (size_t i = 0; i < fields.size(); ++i) {
            const auto &[name, field] = fields[i];
            if (pair.key != name) continue;
            read_value(pair.value, parser.texts[i], parser.texts_max, parser.big_numbers, values.*field);
            break;
        }
    }
    return true;
}

}  // namespace

event_parser *event_parser_make(
    const event_field_names *names, const event_field_names *own, size_t bytes_max, size_t texts_max) {
    try {
        return new event_parser{
            dom::parser(bytes_max), fields_named(*names), fields_named(*own), texts_max, {},
            dom::parser(), BigNumbers()};
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void event_parser_free(event_parser *parser) { delete parser; }

event_parse_status event_parser_parse(
    event_parser *parser, const char *bytes, size_t length, event_values *values, const char **why) {
    reset(*values);
    parser->big_numbers.clear();
    dom::element root;
    const bool copies = false;  // the caller promises the padding
    auto error = parser->parser.parse(bytes, length, copies).get(root);
    if (error == simdjson::NUMBER_ERROR && parser->big_numbers.replace(std::string_view(bytes, length))) {
        error = parser->patient_parser.parse(parser->big_numbers.replaced()).get(root);
    }
    if (error != simdjson::SUCCESS) {
        *why = simdjson::error_message(error);
        return EVENT_PARSE_NOT_JSON;
    }
    dom::object object;
    if (root.get(object) != simdjson::SUCCESS) return EVENT_PARSE_NOT_AN_OBJECT;
    if (!read_fields(*parser, parser->fields, object, *values)) {
        reset(*values);
        values->is_marked = 1;
        read_fields(*parser, parser->own_fields, object, *values);
    }
    return EVENT_PARSE_DONE;
}

const char *simdjson_library_version(void) { return SIMDJSON_STRINGIFY(SIMDJSON_VERSION); }

const char *simdjson_library_kernels(void) {
    // Asked for its name alone it may still be undecided; detecting is what the first parse does too.
    const auto *kernels = simdjson::get_available_implementations().detect_best_supported();
    static const std::string name = kernels ? kernels->name() : "none";
    return name.c_str();
}
