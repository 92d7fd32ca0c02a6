//! Kafka's requests and error codes (<https://kafka.apache.org/protocol.html>).

/// Where a response has its first error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorAt {
    /// Too deep, or nowhere.
    None,
    /// First, or after the throttle time from this version on.
    Top { throttle_from: i16 },
    /// The same, but there is none before this version, which has the throttle time.
    TopFrom(i16),
    /// In the first partition of the first topic; the throttle time comes first from this version on.
    Partition { throttle_from: i16 },
    /// In the first topic.
    Topic { throttle_from: i16, id_from: i16 },
}

/// What the first text of a request's body is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    None,
    Produce,
    Fetch,
    Metadata,
    ListOffsets,
    /// A text that is the first field: a group, a key, a mechanism.
    First,
    /// The name of the first topic, the body being a list of topics.
    Topics,
}

pub(super) struct Api {
    pub(super) key: i16,
    pub(super) name: &'static str,
    /// The first version with tagged fields and compact texts.
    pub(super) flexible: i16,
    pub(super) error: ErrorAt,
    pub(super) subject: Subject,
}

/// A version that no broker has yet.
pub(super) const NEVER: i16 = i16::MAX;

const fn api(key: i16, name: &'static str, flexible: i16, error: ErrorAt, subject: Subject) -> Api {
    Api {
        key,
        name,
        flexible,
        error,
        subject,
    }
}

const FIRST: ErrorAt = ErrorAt::Top { throttle_from: NEVER };
const THROTTLED: ErrorAt = ErrorAt::Top { throttle_from: 0 };
const LATER: ErrorAt = ErrorAt::Top { throttle_from: 1 };

pub(super) fn find(key: i16) -> Option<&'static Api> {
    APIS.binary_search_by_key(&key, |api| api.key)
        .ok()
        .map(|at| &APIS[at])
}

/// Sorted by key.
const APIS: &[Api] = &[
    api(
        0,
        "Produce",
        9,
        ErrorAt::Partition { throttle_from: NEVER },
        Subject::Produce,
    ),
    api(1, "Fetch", 12, ErrorAt::TopFrom(7), Subject::Fetch),
    api(
        2,
        "ListOffsets",
        6,
        ErrorAt::Partition { throttle_from: 2 },
        Subject::ListOffsets,
    ),
    api(3, "Metadata", 9, ErrorAt::None, Subject::Metadata),
    api(4, "LeaderAndIsr", 4, FIRST, Subject::None),
    api(5, "StopReplica", 2, FIRST, Subject::None),
    api(6, "UpdateMetadata", 6, FIRST, Subject::None),
    api(7, "ControlledShutdown", 3, FIRST, Subject::None),
    api(
        8,
        "OffsetCommit",
        8,
        ErrorAt::Partition { throttle_from: 3 },
        Subject::First,
    ),
    api(9, "OffsetFetch", 6, ErrorAt::None, Subject::First),
    api(10, "FindCoordinator", 3, LATER, Subject::First),
    api(
        11,
        "JoinGroup",
        6,
        ErrorAt::Top { throttle_from: 2 },
        Subject::First,
    ),
    api(12, "Heartbeat", 4, LATER, Subject::First),
    api(13, "LeaveGroup", 4, LATER, Subject::First),
    api(14, "SyncGroup", 4, LATER, Subject::First),
    api(15, "DescribeGroups", 5, ErrorAt::None, Subject::None),
    api(16, "ListGroups", 3, LATER, Subject::None),
    api(17, "SaslHandshake", NEVER, FIRST, Subject::First),
    api(18, "ApiVersions", 3, FIRST, Subject::None),
    api(
        19,
        "CreateTopics",
        5,
        ErrorAt::Topic {
            throttle_from: 2,
            id_from: 7,
        },
        Subject::Topics,
    ),
    api(
        20,
        "DeleteTopics",
        4,
        ErrorAt::Topic {
            throttle_from: 1,
            id_from: 6,
        },
        Subject::Topics,
    ),
    api(21, "DeleteRecords", 2, ErrorAt::None, Subject::Topics),
    api(22, "InitProducerId", 2, THROTTLED, Subject::First),
    api(23, "OffsetForLeaderEpoch", 4, ErrorAt::None, Subject::None),
    api(24, "AddPartitionsToTxn", 3, ErrorAt::None, Subject::None),
    api(25, "AddOffsetsToTxn", 3, THROTTLED, Subject::First),
    api(26, "EndTxn", 3, THROTTLED, Subject::First),
    api(27, "WriteTxnMarkers", 1, ErrorAt::None, Subject::None),
    api(28, "TxnOffsetCommit", 3, ErrorAt::None, Subject::First),
    api(29, "DescribeAcls", 2, THROTTLED, Subject::None),
    api(30, "CreateAcls", 2, ErrorAt::None, Subject::None),
    api(31, "DeleteAcls", 2, ErrorAt::None, Subject::None),
    api(32, "DescribeConfigs", 4, ErrorAt::None, Subject::None),
    api(33, "AlterConfigs", 2, ErrorAt::None, Subject::None),
    api(34, "AlterReplicaLogDirs", 2, ErrorAt::None, Subject::None),
    api(35, "DescribeLogDirs", 2, ErrorAt::None, Subject::None),
    api(36, "SaslAuthenticate", 2, FIRST, Subject::None),
    api(37, "CreatePartitions", 2, ErrorAt::None, Subject::Topics),
    api(38, "CreateDelegationToken", 2, FIRST, Subject::None),
    api(39, "RenewDelegationToken", 2, FIRST, Subject::None),
    api(40, "ExpireDelegationToken", 2, FIRST, Subject::None),
    api(41, "DescribeDelegationToken", 2, FIRST, Subject::None),
    api(42, "DeleteGroups", 2, ErrorAt::None, Subject::None),
    api(43, "ElectLeaders", 2, ErrorAt::None, Subject::None),
    api(44, "IncrementalAlterConfigs", 1, ErrorAt::None, Subject::None),
    api(45, "AlterPartitionReassignments", 0, THROTTLED, Subject::None),
    api(46, "ListPartitionReassignments", 0, THROTTLED, Subject::None),
    api(47, "OffsetDelete", NEVER, FIRST, Subject::First),
    api(48, "DescribeClientQuotas", 1, THROTTLED, Subject::None),
    api(49, "AlterClientQuotas", 1, ErrorAt::None, Subject::None),
    api(50, "DescribeUserScramCredentials", 0, THROTTLED, Subject::None),
    api(51, "AlterUserScramCredentials", 0, ErrorAt::None, Subject::None),
    api(52, "Vote", 0, FIRST, Subject::None),
    api(53, "BeginQuorumEpoch", 1, FIRST, Subject::None),
    api(54, "EndQuorumEpoch", 1, FIRST, Subject::None),
    api(55, "DescribeQuorum", 0, FIRST, Subject::None),
    api(56, "AlterPartition", 0, THROTTLED, Subject::None),
    api(57, "UpdateFeatures", 0, THROTTLED, Subject::None),
    api(58, "Envelope", 0, ErrorAt::None, Subject::None),
    api(59, "FetchSnapshot", 0, THROTTLED, Subject::None),
    api(60, "DescribeCluster", 0, THROTTLED, Subject::None),
    api(61, "DescribeProducers", 0, ErrorAt::None, Subject::None),
    api(62, "BrokerRegistration", 0, THROTTLED, Subject::None),
    api(63, "BrokerHeartbeat", 0, THROTTLED, Subject::None),
    api(64, "UnregisterBroker", 0, THROTTLED, Subject::None),
    api(65, "DescribeTransactions", 0, ErrorAt::None, Subject::None),
    api(66, "ListTransactions", 0, THROTTLED, Subject::None),
    api(67, "AllocateProducerIds", 0, THROTTLED, Subject::None),
    api(68, "ConsumerGroupHeartbeat", 0, THROTTLED, Subject::First),
    api(69, "ConsumerGroupDescribe", 0, ErrorAt::None, Subject::None),
    api(70, "ControllerRegistration", 0, THROTTLED, Subject::None),
    api(71, "GetTelemetrySubscriptions", 0, THROTTLED, Subject::None),
    api(72, "PushTelemetry", 0, THROTTLED, Subject::None),
    api(73, "AssignReplicasToDirs", 0, THROTTLED, Subject::None),
    api(74, "ListConfigResources", 0, THROTTLED, Subject::None),
    api(75, "DescribeTopicPartitions", 0, ErrorAt::None, Subject::None),
    api(76, "ShareGroupHeartbeat", 0, THROTTLED, Subject::First),
    api(77, "ShareGroupDescribe", 0, ErrorAt::None, Subject::None),
    api(78, "ShareFetch", 0, THROTTLED, Subject::First),
    api(79, "ShareAcknowledge", 0, THROTTLED, Subject::First),
    api(80, "AddRaftVoter", 0, THROTTLED, Subject::None),
    api(81, "RemoveRaftVoter", 0, THROTTLED, Subject::None),
    api(82, "UpdateRaftVoter", 0, THROTTLED, Subject::None),
];

/// The name of an error code, and whether the broker is to blame: such requests may be tried again.
pub(super) fn error(code: i16) -> (&'static str, bool) {
    ERRORS
        .iter()
        .find(|(number, _, _)| *number == code)
        .map_or(("", false), |(_, name, broker)| (*name, *broker))
}

const ERRORS: &[(i16, &str, bool)] = &[
    (-1, "UNKNOWN_SERVER_ERROR", true),
    (1, "OFFSET_OUT_OF_RANGE", false),
    (2, "CORRUPT_MESSAGE", true),
    (3, "UNKNOWN_TOPIC_OR_PARTITION", false),
    (5, "LEADER_NOT_AVAILABLE", true),
    (6, "NOT_LEADER_OR_FOLLOWER", true),
    (7, "REQUEST_TIMED_OUT", true),
    (8, "BROKER_NOT_AVAILABLE", true),
    (9, "REPLICA_NOT_AVAILABLE", true),
    (10, "MESSAGE_TOO_LARGE", false),
    (12, "OFFSET_METADATA_TOO_LARGE", false),
    (13, "NETWORK_EXCEPTION", true),
    (14, "COORDINATOR_LOAD_IN_PROGRESS", true),
    (15, "COORDINATOR_NOT_AVAILABLE", true),
    (16, "NOT_COORDINATOR", true),
    (17, "INVALID_TOPIC_EXCEPTION", false),
    (18, "RECORD_LIST_TOO_LARGE", false),
    (19, "NOT_ENOUGH_REPLICAS", true),
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true),
    (21, "INVALID_REQUIRED_ACKS", false),
    (22, "ILLEGAL_GENERATION", false),
    (23, "INCONSISTENT_GROUP_PROTOCOL", false),
    (24, "INVALID_GROUP_ID", false),
    (25, "UNKNOWN_MEMBER_ID", false),
    (26, "INVALID_SESSION_TIMEOUT", false),
    (27, "REBALANCE_IN_PROGRESS", false),
    (29, "TOPIC_AUTHORIZATION_FAILED", false),
    (30, "GROUP_AUTHORIZATION_FAILED", false),
    (31, "CLUSTER_AUTHORIZATION_FAILED", false),
    (33, "UNSUPPORTED_SASL_MECHANISM", false),
    (34, "ILLEGAL_SASL_STATE", false),
    (35, "UNSUPPORTED_VERSION", false),
    (36, "TOPIC_ALREADY_EXISTS", false),
    (37, "INVALID_PARTITIONS", false),
    (38, "INVALID_REPLICATION_FACTOR", false),
    (41, "NOT_CONTROLLER", true),
    (42, "INVALID_REQUEST", false),
    (44, "POLICY_VIOLATION", false),
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false),
    (47, "INVALID_PRODUCER_EPOCH", false),
    (48, "INVALID_TXN_STATE", false),
    (51, "CONCURRENT_TRANSACTIONS", true),
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false),
    (56, "KAFKA_STORAGE_ERROR", true),
    (58, "SASL_AUTHENTICATION_FAILED", false),
    (59, "UNKNOWN_PRODUCER_ID", false),
    (69, "GROUP_ID_NOT_FOUND", false),
    (70, "FETCH_SESSION_ID_NOT_FOUND", false),
    (71, "INVALID_FETCH_SESSION_EPOCH", false),
    (74, "FENCED_LEADER_EPOCH", true),
    (75, "UNKNOWN_LEADER_EPOCH", true),
    (76, "UNSUPPORTED_COMPRESSION_TYPE", false),
    (79, "MEMBER_ID_REQUIRED", false),
    (82, "FENCED_INSTANCE_ID", false),
    (84, "NO_REASSIGNMENT_IN_PROGRESS", false),
    (87, "INVALID_RECORD", false),
    (89, "THROTTLING_QUOTA_EXCEEDED", true),
    (90, "PRODUCER_FENCED", false),
    (100, "UNKNOWN_TOPIC_ID", false),
    (110, "FENCED_MEMBER_EPOCH", false),
    (113, "STALE_MEMBER_EPOCH", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(APIS.is_sorted_by_key(|api| api.key));
    }
}
