public import CRdKafka

/// What a client may ask of a broker, by the protocol's numbers.
public enum KafkaRequest: Int16, Sendable, CaseIterable {
    case produce = 0
    case fetch = 1
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case joinGroup = 11
    case heartbeat = 12
    case syncGroup = 14
    case endTxn = 26
    case txnOffsetCommit = 28
}

/// Faults of a broker. Only on the mock.
extension MockKafka {
    /// Answers the next requests of this kind with `error`.
    public func refuse(_ request: KafkaRequest, _ error: rd_kafka_resp_err_t, count: Int)
        throws(KafkaTestError)
    {
        let errors = [rd_kafka_resp_err_t](repeating: error, count: count)
        rd_kafka_mock_push_request_errors_array(try mock, request.rawValue, errors.count, errors)
    }

    /// Refuses requests of this kind no more.
    public func allow(_ request: KafkaRequest) throws(KafkaTestError) {
        rd_kafka_mock_clear_request_errors(try mock, request.rawValue)
    }

    /// How long each answer takes; what was asked is done at once.
    public func setLatency(milliseconds: Int32) throws(KafkaTestError) {
        try check(rd_kafka_mock_broker_set_rtt(try mock, -1, milliseconds), "set the latency")
    }

    /// What the brokers say of a topic from here on: with `UNKNOWN_TOPIC_OR_PART`, as if it were deleted.
    public func setError(of topic: String, _ error: rd_kafka_resp_err_t) throws(KafkaTestError) {
        rd_kafka_mock_topic_set_error(try mock, topic, error)
    }

    /// Another broker leads the partition from here on.
    public func setLeader(of topic: String, partition: Int32, to broker: Int32) throws(KafkaTestError) {
        try check(
            rd_kafka_mock_partition_set_leader(try mock, topic, partition, broker),
            "make broker \(broker) the leader")
    }
}
