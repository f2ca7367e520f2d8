internal import CSimdJSON

/// The way of most events: from the parser's buffer into a batch, with no object in between. It takes and refuses what
/// `decode` does, in the same words; the rest goes by `decode` itself.
extension EventDecoder {
    /// Decodes one record and puts it into `events`; `padding` readable bytes follow the payload.
    ///
    /// - Parameter logTime: milliseconds since 1970; stands in where the event has no time.
    package func decode(
        _ payload: UnsafeRawBufferPointer, token: Token, logTime: Int64, into events: inout DecodedEvents
    ) throws(EventError) {
        guard payload.count <= options.bytesMax else {
            throw .tooLong(bytes: payload.count, bytesMax: options.bytesMax)
        }
        try parse(payload)
        let idsBefore = events.ids.count
        do throws(EventError) {
            if let kind = plainKind {
                try take(kind, token, logTime, into: &events)
            } else {
                events.append(
                    Event(try kind(), time: try time(), id: try eventID()), token: token, logTime: logTime)
            }
        } catch {
            events.forgetIDs(from: idsBefore)
            throw error
        }
    }

    /// What is no description, and says its type as freshet writes it.
    private var plainKind: DecodedEvents.Kind? {
        switch values.pointee.type.kind {
        case .EVENT_VALUE_ABSENT: return .rating
        case .EVENT_VALUE_STRING: break
        default: return nil
        }
        let type = values.pointee.type.bytes
        for (name, kind) in Self.plainKinds where type.count == name.utf8CodeUnitCount {
            if UnsafeRawBufferPointer(start: name.utf8Start, count: type.count).elementsEqual(type) {
                return kind
            }
        }
        return nil
    }

    private static let plainKinds: [(name: StaticString, kind: DecodedEvents.Kind)] = [
        ("signal", .signal), ("rating", .rating), ("retract", .retract), ("hide", .hide), ("unhide", .unhide),
        ("forget", .forget),
    ]

    /// In the order in which `decode` looks at the fields, so that of two faults the same one is told.
    private func take(
        _ kind: DecodedEvents.Kind, _ token: Token, _ logTime: Int64, into events: inout DecodedEvents
    ) throws(EventError) {
        let user = try idRange(values.pointee.user, names.user, into: &events)
        let item =
            kind == .forget
            ? DecodedEvents.TextRange() : try idRange(values.pointee.item, names.item, into: &events)
        var entry = DecodedEvents.Entry(token: token, time: logTime, kind: kind)
        if kind == .rating { entry.value = try rating() }
        if kind == .signal { entry.reference = try signalReference(in: &events) }
        let time = try time()
        if let time { entry.take(ownTime: time) }
        var hash = ByteHash()
        hash.combine(UInt64(kind.rawValue))
        events.ids.withUnsafeBytes { ids in
            // Of this event's own ranges, made above.
            hash.combine(UnsafeRawBufferPointer(rebasing: ids[user.range]))
            hash.combine(UnsafeRawBufferPointer(rebasing: ids[item.range]))
        }
        if let id = try eventID() {
            hash.combine(id)
            entry.isKnownAgain = true
        } else if let time {
            hash.combine(UInt64(bitPattern: time))
            if kind == .rating { hash.combine(UInt64(entry.value.bitPattern)) }
            if kind == .signal { hash.combine(events.signals[Int(entry.reference)]) }
            entry.isKnownAgain = true
        }
        if entry.isKnownAgain { entry.fingerprint = hash.value }
        events.append(entry, user: user, item: item)
    }

    private func idRange(
        _ value: event_value, _ field: @autoclosure () -> String, into events: inout DecodedEvents
    ) throws(EventError) -> DecodedEvents.TextRange {
        if value.kind == .EVENT_VALUE_STRING, (1...EntityID.bytesMax).contains(value.text.length) {
            return events.append(value.bytes)
        }
        return events.append(try id(value, field()).string)
    }

    private func signalReference(in events: inout DecodedEvents) throws(EventError) -> Int32 {
        if values.pointee.signal.kind == .EVENT_VALUE_STRING,
            let known = events.reference(ofSignal: values.pointee.signal.bytes)
        {
            return known
        }
        return events.reference(ofSignal: try signal())
    }
}

extension event_value {
    /// Of a text: valid until the parser's next record.
    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.bytes, count: text.length)
    }
}
