#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"

/// Numbers of one record that JSON allows and simdjson does not: integers beyond 64 bits, doubles beyond a double.
///
/// simdjson refuses a record as a whole for one such number, also where nobody reads it. Such records are rare, so
/// they are parsed again from a copy in which a stand-in takes the place of each number that might be one: an integer
/// that is its place in a list, counted up from INT64_MIN. An integer of the record's own cannot be taken for a
/// stand-in, because all that long are in the list themselves.
class BigNumbers {
public:
    void clear() { tokens_.clear(); }
    bool is_empty() const { return tokens_.empty(); }

    /// Copies a record and puts stand-ins into it. False where it holds no number to replace. The record has to
    /// outlive what is read of it.
    bool replace(std::string_view record);

    const std::string &replaced() const { return replaced_; }

    /// Puts the number back where `value`, an integer, is a stand-in.
    void restore(event_value &value) const;

private:
    std::string replaced_;
    std::vector<std::string_view> tokens_;
};
