//! Where and when a machine runs.

use super::leaf::{Int, TextMap};
use super::object::{choice, object};

object! {
    /// A shape of the vCPUs; the product of the three is `cpu`.
    pub struct CpuTopology {
        /// Sockets. Default 1.
        optional sockets ("sockets"): Int<1, 64>,
        /// Cores of each socket. Default 1.
        optional cores ("cores"): Int<1, 64>,
        /// Threads of each core. Default 1.
        optional threads ("threads"): Int<1, 64>,
    }
}

object! {
    /// Where the machine may run, and what happens when it stops or its node is drained.
    pub struct HighAvailability {
        /// When the machine is started again after it stopped by itself. Default Always.
        optional restart_policy ("restartPolicy"): RestartPolicy,
        /// Whether machines of one group prefer different nodes. The group is the label
        /// `vm.novasphere.dev/spread-group`, else `app.kubernetes.io/name`, else all Wukongs of the namespace.
        optional anti_affinity ("antiAffinity"): bool,
        /// Labels that a node must have.
        optional node_selector ("nodeSelector"): TextMap,
        /// Taints of nodes that do not keep the machine away.
        list tolerations ("tolerations"): Toleration,
        /// What happens when the node is drained. Default LiveMigrateIfPossible.
        optional eviction_strategy ("evictionStrategy"): EvictionStrategy,
        /// Seconds that the guest has to shut down. Default 180.
        optional termination_grace_period_seconds ("terminationGracePeriodSeconds"): Int<0, 86_400>,
    }
}

object! {
    /// A taint that does not keep the machine away.
    pub struct Toleration {
        /// The taint's key. Without one, and with operator Exists, every taint is tolerated.
        optional key ("key"): String,
        /// How the value is compared. Default Equal.
        optional operator ("operator"): TolerationOperator,
        /// The taint's value.
        optional value ("value"): String,
        /// The taint's effect. Without one, every effect is tolerated.
        optional effect ("effect"): TaintEffect,
        /// Seconds that the machine stays on a node with a NoExecute taint. Without it, for ever.
        optional toleration_seconds ("tolerationSeconds"): Int<0, 2_147_483_647>,
    }
}

object! {
    /// When the machine runs.
    pub struct StartStrategy {
        /// KubeVirt's run strategy. Default: what restartPolicy and autoStart say, Always if they say nothing.
        optional run_strategy ("runStrategy"): RunStrategy,
        /// Whether the machine starts when it is applied. Default true.
        optional auto_start ("autoStart"): bool,
    }
}

choice! {
    /// When a machine is started again after it stopped by itself.
    pub enum RestartPolicy {
        /// Whatever the reason was.
        Always = "Always",
        /// Only after a crash.
        OnFailure = "OnFailure",
        /// Never.
        Never = "Never",
    }
}

choice! {
    /// KubeVirt's run strategy.
    pub enum RunStrategy {
        /// Running; started again whenever it stops.
        Always = "Always",
        /// Running; started again only after a crash.
        RerunOnFailure = "RerunOnFailure",
        /// Started and stopped by people alone.
        Manual = "Manual",
        /// Stopped.
        Halted = "Halted",
        /// Started once and never again.
        Once = "Once",
    }
}

choice! {
    /// What happens when the node is drained.
    pub enum EvictionStrategy {
        /// The machine is shut down.
        None = "None",
        /// The machine moves; one that cannot keeps the node from being drained.
        LiveMigrate = "LiveMigrate",
        /// The machine moves if it can, and is shut down if not.
        LiveMigrateIfPossible = "LiveMigrateIfPossible",
        /// Another controller decides.
        External = "External",
    }
}

choice! {
    /// How a toleration compares a taint's value.
    pub enum TolerationOperator {
        /// The values are equal.
        Equal = "Equal",
        /// Any value.
        Exists = "Exists",
    }
}

choice! {
    /// What a taint does.
    pub enum TaintEffect {
        /// New machines stay away.
        NoSchedule = "NoSchedule",
        /// New machines prefer to stay away.
        PreferNoSchedule = "PreferNoSchedule",
        /// Running machines leave.
        NoExecute = "NoExecute",
    }
}
