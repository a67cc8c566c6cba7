//! `kubectl wukong recover-node`

use std::time::Duration;

use super::Exit;
use super::access::AccessArgs;
use super::confirm::{confirmed, typed_or};
use super::look::now;
use super::session::{Session, tell};
use super::terminal::Terminal;
use super::wait::Screen;
use crate::cluster::{Purpose, Recovered, Refused, Service, Wanted, fetch, in_service, out_of_service, recovered};
use crate::facts::{Facts, kind, text};
use crate::output;
use crate::rescue::{Mark, Node, Presence, Rescue, rescue, steps};
use crate::text::yaml;

/// Bring back the machines of a node that died.
///
/// Shows what the node held, what comes back by itself and what does not, and what is lost with it. Once a person says that
/// its power is off, Kubernetes is told so by a taint: it removes the node's pods and detaches its volumes, and KubeVirt
/// starts the machines elsewhere. No claim, volume or VM is deleted. Run again, it goes on where it was; when the node is
/// back, it takes its taint away.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl wukong recover-node worker-3 --dry-run
  kubectl wukong recover-node worker-3
  kubectl wukong recover-node worker-3 --powered-off --yes
  kubectl wukong recover-node worker-3 --finish")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, and they are independent")]
pub(super) struct Args {
    /// The name of the node.
    #[arg(value_name = "NODE")]
    node: String,

    /// Say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// The power of the node is off, and stays off: two machines that write to one disk destroy it.
    #[arg(long)]
    powered_off: bool,

    /// Do not ask. It does not say that the power is off.
    #[arg(short = 'y', long)]
    yes: bool,

    /// The node is back: take away the taint that was set.
    #[arg(long, conflicts_with = "powered_off")]
    finish: bool,

    /// How long to wait for pods, volumes and machines; 0 means as long as it takes.
    #[arg(long, value_name = "DURATION", value_parser = super::access::duration, default_value = "15m")]
    timeout: Duration,

    /// For people, or for programs.
    #[arg(short = 'o', long, value_name = "text|json|yaml", default_value = "text", hide_possible_values = true)]
    output: Format,

    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Exit> {
    let session = Session::open(&args.access, terminal)?;
    let run = Run { args, session: &session, terminal };
    let mut found = match run.look() {
        Ok((_, Some(found))) => found,
        Ok((facts, None)) => return Ok(run.nobody(&facts)),
        Err(refused) => return Ok(tell(&refused, terminal)),
    };
    let (exit, outcome) = run.go(&mut found);
    let document = || output::rescue_json(&found, outcome);
    match args.output {
        Format::Text => {}
        Format::Json => terminal.say(&output::json(&document())),
        Format::Yaml => terminal.say(&yaml(&document())),
    }
    Ok(exit)
}

/// How a run ended, and in a word for programs.
type Ended = (Exit, &'static str);

struct Run<'a> {
    args: &'a Args,
    session: &'a Session,
    terminal: &'a Terminal,
}

impl Run<'_> {
    fn look(&self) -> Result<(Facts, Option<Rescue>), Refused> {
        let wanted = Wanted { purpose: Purpose::Rescue, node: self.args.node.clone(), ..Wanted::default() };
        let facts = self.session.runtime.block_on(fetch(&self.session.door, &wanted))?;
        let found = rescue(&facts, &self.args.node, now());
        Ok((facts, found))
    }

    /// A name that nothing has.
    fn nobody(&self, facts: &Facts) -> Exit {
        self.terminal.error(&format!("there is no node {}, and nothing was on one of that name", self.args.node));
        let names: Vec<_> = facts.all_of(kind::NODE).filter_map(|node| text(node, "/metadata/name")).collect();
        self.terminal.help(&format!("the nodes are {}", names.join(", ")));
        Exit::Usage
    }

    fn go(&self, found: &mut Rescue) -> Ended {
        let (args, terminal, name) = (self.args, self.terminal, self.args.node.as_str());
        // Who says that the power is off, and is wrong, must not end the recovery by it.
        if args.finish || found.node.is_ready() && found.node.mark().is_some() && !args.powered_off {
            return self.finish(&found.node);
        }
        if found.node.is_ready() {
            return self.refuse_ready(&found.node);
        }
        if args.output == Format::Text {
            terminal.say(&output::rescue(found, &terminal.out, terminal.out_width));
        } else if !args.dry_run {
            // A person is asked about what was told, also where the document comes last.
            for step in steps(found) {
                terminal.progress(step.state.word(), &step.what);
            }
        }
        if let Some(reason) = &found.blind {
            terminal.error(&format!("without it nothing is done: {reason}"));
            return (Exit::Cluster, "not-known");
        }
        if found.node.presence == Presence::Unready || found.node.beats {
            return self.refuse_answering(&found.node);
        }
        if args.dry_run {
            return (Exit::Done, "dry-run");
        }
        let tainted = found.node.is_out_of_service() || found.node.presence == Presence::Gone;
        if !tainted && !found.frees() {
            terminal.help("there is nothing to do here: no machine could start elsewhere");
            return (Exit::Done, "nothing-to-do");
        }
        if !tainted {
            if !self.power_is_off(found) {
                return (Exit::Refused, "not-confirmed");
            }
            if let Err(ended) = self.taint(found) {
                return ended;
            }
        }
        let ended = self.watch(found);
        match self.look() {
            Ok((_, Some(last))) => *found = last,
            // What was known before is told; the node may be gone for good.
            Ok((_, None)) => {}
            Err(refused) => return (tell(&refused, terminal), "refused"),
        }
        if args.output == Format::Text && ended.0 != Exit::Refused {
            terminal.say(&output::rescued(found, &terminal.out, terminal.out_width));
        }
        if found.node.mark().is_some() {
            terminal.help(&format!("when {name} is back: kubectl wukong recover-node {name} --finish"));
        }
        ended
    }

    fn refuse_ready(&self, node: &Node) -> Ended {
        let name = &node.name;
        let cordoned = node.presence == Presence::Ready { cordoned: true };
        let state = if cordoned { "ready and only cordoned" } else { "ready" };
        self.terminal.error(&format!("node {name} is {state}: its guests run, and nothing is taken from it"));
        if node.mark().is_some() {
            self.terminal
                .help(&format!("its power is not off; if it is back: kubectl wukong recover-node {name} --finish"));
        } else if node.is_out_of_service() {
            self.terminal.help(&format!(
                "somebody set the out-of-service taint, and nothing starts there: \
                 kubectl taint nodes {name} {}-",
                crate::rescue::TAINT
            ));
        } else {
            self.terminal.help(&format!(
                "a node that falls silent is noticed after 40 seconds; to empty it: kubectl drain {name} \
                 --ignore-daemonsets --delete-emptydir-data"
            ));
        }
        (Exit::Refused, "ready")
    }

    fn refuse_answering(&self, node: &Node) -> Ended {
        let name = &node.name;
        let (who, way) = if node.beats {
            (
                format!("virt-handler of {name} was heard after the kubelet fell silent"),
                "cut its power, wait until virt-handler is silent for 3 minutes; then run this again",
            )
        } else {
            (format!("the kubelet of {name} answers"), "mend the node, or switch it off; then run this again")
        };
        self.terminal.error(&format!("{who}, so that its power is on and guests may run"));
        self.terminal.help(way);
        (Exit::Refused, "answers")
    }

    /// A person says that the power is off: by the name of the node, or by a flag.
    fn power_is_off(&self, found: &Rescue) -> bool {
        let name = &found.node.name;
        if self.args.powered_off {
            let freed = found.machines.iter().filter(|machine| machine.ran && machine.way.is_freed()).count();
            let machines = if freed == 1 { "1 machine".to_owned() } else { format!("{freed} machines") };
            return confirmed(
                &[format!("take {name} for switched off, and free {machines}?")],
                self.args.yes,
                self.terminal,
            );
        }
        self.terminal.warning(&format!(
            "if the power of {name} is on, its guests may still write: the same disks are then destroyed by two writers"
        ));
        typed_or(name, &format!("--powered-off says that the power of {name} is off; --yes does not"), self.terminal)
    }

    fn taint(&self, found: &Rescue) -> Result<(), Ended> {
        let mark = Mark {
            at: crate::rescue::time(now()),
            machines: found
                .machines
                .iter()
                .filter(|machine| machine.ran)
                .map(|machine| (machine.subject.namespace.clone(), machine.subject.vm.clone()))
                .collect(),
            boot: found.node.boot.clone(),
        };
        let name = &found.node.name;
        let set = out_of_service(&self.session.door, name, &mark, &now);
        match self.session.runtime.block_on(set) {
            Ok(Service::Done(_)) => {
                self.terminal.progress("set", &format!("the taint {} on {name}", crate::rescue::TAINT));
                Ok(())
            }
            // Another run did it, or the node was removed: what follows is the same.
            Ok(Service::Already | Service::Gone) => Ok(()),
            Ok(Service::Other(node)) if node.beats => Err(self.refuse_answering(&node)),
            Ok(Service::Other(node)) => {
                self.terminal.error(&format!("node {name} answers again: nothing was changed"));
                self.terminal.help(&format!("kubectl get node {name}; its machines may run on there"));
                Err((Exit::Refused, if node.is_ready() { "ready" } else { "answers" }))
            }
            Err(refused) => Err((tell(&refused, self.terminal), "refused")),
        }
    }

    fn watch(&self, found: &Rescue) -> Ended {
        let (terminal, name) = (self.terminal, &found.node.name);
        let mut screen = Screen::new(false, terminal);
        let mut show = |all: &[(String, crate::plan::Progress)]| screen.show(all);
        let watching = recovered(&self.session.door, found, self.args.timeout, &now, &mut show);
        match self.session.runtime.block_on(watching) {
            Ok(Recovered::There) => (Exit::Done, "recovered"),
            Ok(Recovered::NodeIsBack(_)) => {
                terminal.error(&format!("node {name} answers again, and this stops: its power is not off"));
                terminal.help("look at its machines: kubectl wukong status -A --all-vms");
                (Exit::Refused, "node-is-back")
            }
            Ok(Recovered::TimedOut) => {
                terminal.error("not all of it in time; what was begun goes on");
                terminal.help(&format!("kubectl wukong recover-node {name} goes on waiting; --timeout waits longer"));
                (Exit::TimedOut, "timed-out")
            }
            Ok(Recovered::Interrupted) => {
                terminal.error("interrupted; what was begun goes on");
                terminal.help(&format!("kubectl wukong recover-node {name} goes on"));
                (Exit::Interrupted, "interrupted")
            }
            Err(refused) => (tell(&refused, terminal), "refused"),
        }
    }

    /// The node is back: the taint goes.
    fn finish(&self, node: &Node) -> Ended {
        let (terminal, name) = (self.terminal, &node.name);
        if let Presence::Unknown = node.presence {
            terminal.error(&node.why);
            return (Exit::Cluster, "not-known");
        }
        let machines = node.mark().map(|mark| mark.machines.as_slice()).unwrap_or_default();
        if node.is_ready() && node.never_restarted() {
            terminal.warning(&format!(
                "{name} is back without having started anew: its power was never off, and its guests may have written to \
                 disks that others had: {}",
                machines.iter().map(|(namespace, vm)| format!("{namespace}/{vm}")).collect::<Vec<_>>().join(", ")
            ));
            terminal.help("check the file systems of these machines");
        }
        if self.args.dry_run {
            terminal.progress("would", &format!("take the out-of-service taint from {name}"));
            return (Exit::Done, "dry-run");
        }
        if !self.args.finish
            && !confirmed(&[format!("{name} is ready again: take its taint away?")], self.args.yes, terminal)
        {
            return (Exit::Refused, "not-confirmed");
        }
        match self.session.runtime.block_on(in_service(&self.session.door, name, &now)) {
            Ok(Service::Done(_)) => {
                terminal.progress("finished", &format!("{name} takes machines again"));
                (Exit::Done, "finished")
            }
            Ok(Service::Already) if node.is_out_of_service() && node.mark().is_none() => {
                terminal.error(&format!("somebody else set the out-of-service taint on {name}, and it is left there"));
                terminal.help(&format!("kubectl taint nodes {name} {}-", crate::rescue::TAINT));
                (Exit::Refused, "others-taint")
            }
            Ok(Service::Already | Service::Gone) => {
                terminal.progress("finished", &format!("{name} has no taint of this tool"));
                (Exit::Done, "nothing-to-do")
            }
            Ok(Service::Other(_)) => {
                terminal
                    .error(&format!("node {name} is not ready: without the taint its machines would be stuck again"));
                terminal.help(&format!("kubectl get node {name}; finish when it is ready, or keep it switched off"));
                (Exit::Refused, "not-ready")
            }
            Err(refused) => (tell(&refused, terminal), "refused"),
        }
    }
}
