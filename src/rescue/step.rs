//! What is done to bring back what a node held, in order, and how far it is. It follows from the cluster alone, so that a
//! run that was killed is taken up by the next.

use super::Rescue;
use super::machine::{Machine, Way};
use super::mark::TAINT;
use super::node::{OutOfService, Presence};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, for programs.
    pub name: &'static str,
    /// How far it is.
    pub state: StepState,
    /// What is done.
    pub what: String,
    /// Why, or how far it is.
    pub detail: String,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It is done.
    Done,
    /// It is to be done by a person or, once confirmed, by this tool.
    Open,
    /// It happens by itself after the steps before.
    Follows,
    /// It is not needed.
    Needless,
}

impl StepState {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Follows => "follows",
            Self::Needless => "not-needed",
        }
    }
}

/// All steps.
pub fn steps(rescue: &Rescue) -> Vec<Step> {
    let name = &rescue.node.name;
    let gone = rescue.node.presence == Presence::Gone;
    let tainted = rescue.node.is_out_of_service();
    let useless = !tainted && !rescue.frees() && rescue.blind.is_none();
    let of = |done: bool, else_: StepState| if done { StepState::Done } else { else_ };
    let needless = |state| if useless { StepState::Needless } else { state };
    let pods = rescue.held.pods.len();
    let attached = rescue.held.attached.iter().filter(|volume| volume.of_machine).count();
    let ran = || rescue.machines.iter().filter(|machine| machine.ran);
    let named = |way: Way| -> Vec<&Machine> { ran().filter(|machine| machine.way == way).collect() };
    let (returns, back) = (named(Way::Returns).len(), named(Way::Elsewhere).len());
    let mut all = vec![
        Step {
            name: "power-off",
            state: needless(of(tainted, StepState::Open)),
            what: format!("make sure that the power of {name} is off"),
            detail: if rescue.node.beats {
                "virt-handler goes on there since the kubelet fell silent: the power is on".to_owned()
            } else if tainted {
                "confirmed when the taint was set".to_owned()
            } else {
                "a silent node may still run its guests; two writers destroy a disk".to_owned()
            },
        },
        Step {
            name: "taint",
            state: if gone { StepState::Needless } else { needless(of(tainted, StepState::Open)) },
            what: format!("set the taint {TAINT}=nodeshutdown:NoExecute"),
            detail: if gone {
                "the node is not part of the cluster: Kubernetes removes its pods by itself".to_owned()
            } else if useless {
                "no machine could start elsewhere because of it".to_owned()
            } else {
                match rescue.held.others {
                    0 => String::new(),
                    1 => "it frees the other pod there too".to_owned(),
                    others => format!("it frees the {others} other pods there too"),
                }
            },
        },
        Step {
            name: "pods",
            state: needless(of(pods == 0 && rescue.held.pods_known, StepState::Follows)),
            what: "Kubernetes removes the pods of machines".to_owned(),
            detail: left(rescue.held.pods_known, pods),
        },
        Step {
            name: "volumes",
            state: needless(of(attached == 0 && rescue.held.attached_known, StepState::Follows)),
            what: "Kubernetes detaches their volumes".to_owned(),
            detail: left(rescue.held.attached_known, attached),
        },
        Step {
            name: "machines",
            state: needless(of(returns == 0 && rescue.blind.is_none(), StepState::Follows)),
            what: "KubeVirt starts machines elsewhere".to_owned(),
            detail: match rescue.blind {
                Some(_) => "which ones is not known".to_owned(),
                None => format!("{back} of {} run elsewhere", returns + back),
            },
        },
    ];
    let person = [Way::Person, Way::Tied, Way::Loses, Way::Unknown].into_iter().flat_map(named).count();
    if person > 0 {
        all.push(Step {
            name: "person",
            state: StepState::Open,
            what: "look after those that do not come back by themselves".to_owned(),
            detail: if person == 1 { "1 machine".to_owned() } else { format!("{person} machines") },
        });
    }
    if !gone && !useless {
        let command = match rescue.node.out_of_service {
            OutOfService::Others => format!("kubectl taint nodes {name} {TAINT}-"),
            OutOfService::No | OutOfService::Ours(_) => format!("kubectl wukong recover-node {name} --finish"),
        };
        all.push(Step {
            name: "finish",
            state: StepState::Open,
            what: format!("when {name} is back: {command}"),
            detail: "takes the taint away, or nothing starts there".to_owned(),
        });
    }
    all
}

fn left(known: bool, count: usize) -> String {
    if known { format!("{count} left") } else { "how many are left is not known".to_owned() }
}
