#include "BigNumbers.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool is_part_of_number(char byte) {
    return is_digit(byte) || byte == '-' || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
}

/// Skips at least one digit; false where there is none.
bool skip_digits(std::string_view text, size_t &place) {
    const size_t start = place;
    while (place < text.size() && is_digit(text[place])) ++place;
    return place > start;
}

enum class Token { none, integer, number };

/// What RFC 8259, section 6, calls a number.
Token kind_of(std::string_view text) {
    size_t place = 0;
    if (place < text.size() && text[place] == '-') ++place;
    const size_t first = place;
    if (!skip_digits(text, place) || (text[first] == '0' && place > first + 1)) return Token::none;
    if (place == text.size()) return Token::integer;
    if (text[place] == '.') {
        ++place;
        if (!skip_digits(text, place)) return Token::none;
    }
    if (place < text.size() && (text[place] == 'e' || text[place] == 'E')) {
        ++place;
        if (place < text.size() && (text[place] == '-' || text[place] == '+')) ++place;
        if (!skip_digits(text, place)) return Token::none;
    }
    return place == text.size() ? Token::number : Token::none;
}

/// Whether simdjson might refuse it. INT64_MIN, from which stand-ins are counted, has 20 bytes.
bool may_be_big(std::string_view text) {
    return text.size() >= 19 || text.find_first_of("eE") != std::string_view::npos;
}

}  // namespace

bool BigNumbers::replace(std::string_view record) {
    tokens_.clear();
    replaced_.clear();
    bool is_in_string = false;
    for (size_t place = 0; place < record.size();) {
        const char byte = record[place];
        size_t end = place + 1;
        if (is_in_string) {
            if (byte == '\\' && end < record.size()) ++end;
            is_in_string = byte != '"';
        } else if (byte == '"') {
            is_in_string = true;
        } else if (byte == '-' || is_digit(byte)) {
            while (end < record.size() && is_part_of_number(record[end])) ++end;
            const auto token = record.substr(place, end - place);
            if (may_be_big(token) && kind_of(token) != Token::none) {
                replaced_ += std::to_string(INT64_MIN + static_cast<int64_t>(tokens_.size()));
                tokens_.push_back(token);
                place = end;
                continue;
            }
        }
        replaced_.append(record, place, end - place);
        place = end;
    }
    return !tokens_.empty();
}

void BigNumbers::restore(event_value &value) const {
    if (value.integer >= INT64_MIN + static_cast<int64_t>(tokens_.size())) return;
    const auto token = tokens_[static_cast<size_t>(value.integer - INT64_MIN)];
    // `strtod` wants a terminated text; it gives infinity where a double does not reach.
    value = event_value{};
    value.number = std::strtod(std::string(token).c_str(), nullptr);
    if (kind_of(token) == Token::number) {
        value.kind = EVENT_VALUE_DOUBLE;
        return;
    }
    const auto *end = token.data() + token.size();
    if (std::from_chars(token.data(), end, value.integer).ec == std::errc{}) {
        value.kind = EVENT_VALUE_INTEGER;
    } else if (token[0] != '-' && std::from_chars(token.data(), end, value.unsigned_integer).ec == std::errc{}) {
        value.kind = EVENT_VALUE_UNSIGNED;
    } else {
        value.kind = EVENT_VALUE_BIG_INTEGER;
        value.text = event_text{token.data(), token.size()};
    }
}
