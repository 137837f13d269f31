//! Why there is no bus. Rule: one line that names the broker and the fix, and never the password.

/// Why a process cannot use a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be read.
    #[error("the address of the broker is no AMQP URL ({0}): write amqp://user:password@host:5672/%2f")]
    Url(String),
    /// Nobody answers there, or not in time.
    #[error("the broker at {broker} does not answer ({reason}): start it, or correct the address of the bus")]
    Unreachable {
        /// `host:port`.
        broker: String,
        /// What the network said.
        reason: String,
    },
    /// What answers is something else, or too old.
    #[error("the broker at {broker} is {found}: RabbitMQ 3.10 or later is needed")]
    NotSupported {
        /// `host:port`.
        broker: String,
        /// Product and version.
        found: String,
    },
    /// User name and password do not fit.
    #[error("the broker at {broker} refuses the user {user}: correct name and password in the address of the bus")]
    Login {
        /// `host:port`.
        broker: String,
        /// The name that was offered.
        user: String,
    },
    /// The virtual host does not exist, or the user may not enter it.
    #[error(
        "the broker at {broker} does not let the user {user} into the virtual host \"{vhost}\": make it and grant access, or correct the address of the bus (the default one is written %2f)"
    )]
    VirtualHost {
        /// `host:port`.
        broker: String,
        /// Who asked.
        user: String,
        /// Its name.
        vhost: String,
    },
    /// An exchange or queue of that name exists and was made otherwise.
    #[error(
        "{object} exists at the broker with other arguments and was left as it is ({reply}): move its messages away and delete it, or use another virtual host"
    )]
    Differs {
        /// `the queue task.inbox.v1`.
        object: String,
        /// The broker's own words.
        reply: String,
    },
    /// The user may not do what is needed.
    #[error("the broker refuses {object} ({reply}): grant the user configure, write and read on the virtual host")]
    Denied {
        /// What was to be made.
        object: String,
        /// The broker's own words.
        reply: String,
    },
    /// The broker went away in the middle.
    #[error("the broker at {broker} failed at {object} ({reason})")]
    Failed {
        /// `host:port`.
        broker: String,
        /// What was to be done.
        object: String,
        /// What it said.
        reason: String,
    },
    /// There is no such domain to forget.
    #[error("no domain is named {0}: say one of {known}", known = crate::names::domains().join(", "))]
    UnknownDomain(String),
    /// A process still consumes for the domain that is to be forgotten.
    #[error("{consumers} processes still take events for {domain}: stop them first")]
    InUse {
        /// The domain.
        domain: String,
        /// How many.
        consumers: u32,
    },
}
