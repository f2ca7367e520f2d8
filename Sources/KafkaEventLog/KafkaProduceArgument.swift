import CRdKafka

extension rd_kafka_vu_t {
    /// One of the arguments that `rd_kafka_produceva` takes, filled in.
    init(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
        self.init()
        vtype = type
        fill(&self)
    }
}
