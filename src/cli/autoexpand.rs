//! `kubectl wukong expand --auto`

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Exit;
use super::access::{AccessArgs, Heard, duration};
use super::expand::size;
use super::look::now;
use super::session::{Session, tell};
use super::target::Target;
use super::terminal::Terminal;
use crate::autoexpand::{Decision, Outcome, Policy, Told, decisions, queries, series};
use crate::cluster::{Address, Prometheus, Purpose, Reason, Refused, Token, Wanted, Write, fetch, grow, read_usage};
use crate::facts::{Facts, MANAGER, kind, text};
use crate::output;
use crate::quantity::Quantity;
use crate::status::{Subject, subject, subjects};
use crate::text::yaml;

/// What belongs to `--auto` alone.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of --auto")]
pub(super) struct AutoArgs {
    /// Look into all namespaces.
    #[arg(short = 'A', long, requires = "auto", conflicts_with_all = ["namespace", "names"])]
    all_namespaces: bool,

    /// Only machines with these labels: `app=web,tier!=db`.
    #[arg(short = 'l', long, value_name = "LABELS", requires = "auto", conflicts_with = "names")]
    selector: Option<String>,

    /// How full a file system is, in percent, before its disk grows.
    #[arg(long, value_name = "PERCENT", default_value = "80", requires = "auto", value_parser = clap::value_parser!(u8).range(1..=100))]
    threshold: u8,

    /// The least step; a fifth of the disk, if that is more.
    #[arg(long, value_name = "SIZE", default_value = "10Gi", requires = "auto", value_parser = size)]
    step: Quantity,

    /// Take the guests' numbers from this Prometheus: a URL, or NAMESPACE/SERVICE:PORT of the cluster.
    #[arg(long, value_name = "URL", requires = "auto")]
    prometheus: Option<String>,

    /// The file of a bearer token for a Prometheus with a URL.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    prometheus_token_file: Option<PathBuf>,

    /// Send that token without TLS too, where others can read it on its way.
    #[arg(long, requires = "prometheus_token_file")]
    prometheus_token_over_http: bool,

    /// Only series with these labels, where that Prometheus knows several clusters: `cluster=prod`.
    #[arg(long, value_name = "LABELS", requires = "prometheus", value_parser = label, value_delimiter = ',')]
    prometheus_labels: Vec<(String, String)>,

    /// How long a file system has been that full, where Prometheus tells.
    #[arg(long, value_name = "DURATION", default_value = "10m", requires = "auto", value_parser = duration)]
    window: Duration,

    /// For people, or for programs.
    #[arg(short = 'o', long, value_name = "table|json|yaml", requires = "auto", hide_possible_values = true)]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each disk.
    Table,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

/// A label as Prometheus has it, and its value.
fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `cluster=prod`")?;
    let fits = |(at, byte): (usize, u8)| byte.is_ascii_alphabetic() || byte == b'_' || at > 0 && byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().enumerate().all(fits) {
        return Err("the name of a label is letters, digits and `_`".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A Prometheus to ask.
struct Source {
    address: Address,
    token: Option<Token>,
}

/// What one run is about.
pub(super) struct Round<'a> {
    pub(super) args: &'a AutoArgs,
    pub(super) names: &'a [String],
    pub(super) namespace: Option<&'a str>,
    pub(super) dry_run: bool,
    pub(super) access: &'a AccessArgs,
    pub(super) terminal: &'a Terminal,
}

impl Round<'_> {
    /// Decides for every disk, tells it, and grows what grows. It waits for none of them: the next run sees how far they
    /// are.
    pub(super) fn go(&self) -> anyhow::Result<Exit> {
        let source = match self.source() {
            Ok(source) => source,
            Err(problem) => {
                self.terminal.error(&problem);
                return Ok(Exit::Usage);
            }
        };
        let session = Session::open(self.access, self.terminal)?;
        let namespace = self.namespace.unwrap_or(session.door.namespace()).to_owned();
        let namespace = Some(namespace).filter(|_| !self.args.all_namespaces);
        let policy = self.policy();
        let gathered = session.runtime.block_on(self.gather(namespace.as_deref(), source, &policy, &session))?;
        let (facts, told) = match gathered {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let targets = self.targets(namespace.as_deref(), &facts);
        let all = decisions(&facts, &targets, &told, &policy, now());
        io::stdout().lock().write_all(self.show(&all).as_bytes())?;
        let mut exits = vec![self.missing(&facts, &targets)];
        if all.is_empty() && exits == [Exit::Done] {
            self.terminal.help("no disk here has `autoExpand: true`; `kubectl wukong explain spec.disks.autoExpand`");
        }
        for decision in &all {
            exits.push(match &decision.outcome {
                Outcome::Grows(..) if self.dry_run => Exit::Done,
                Outcome::Grows(..) => self.grow(decision, &targets, &session),
                Outcome::Stays(_) | Outcome::Unknown(_) => Exit::Done,
                Outcome::Unread(_) => Exit::Cluster,
                Outcome::Refused(_, help) => {
                    let name = format!("{}/{} {}", decision.namespace, decision.machine, decision.disk);
                    self.terminal.help(&format!("{name}: {help}"));
                    Exit::Refused
                }
            });
        }
        self.tell_unread(&all, &facts);
        Ok(Exit::worst(&exits))
    }

    /// Tells once which right is missing, not once for each disk.
    fn tell_unread(&self, all: &[Decision], facts: &Facts) {
        let unread: Vec<_> = all.iter().filter(|decision| matches!(decision.outcome, Outcome::Unread(_))).collect();
        let Some(first) = unread.first() else { return };
        let Some(refused) = facts.unknown(kind::USAGE, &first.namespace) else { return };
        let count = unread.len();
        let disks = if count == 1 { "disk is" } else { "disks are" };
        self.terminal
            .error(&format!("how full {count} {disks} is not known, so none of these grows: {}", refused.reason));
        self.terminal.help(&format!(
            "`kubectl auth can-i get virtualmachineinstances.subresources.kubevirt.io --subresource=filesystemlist -n {}` \
             asks for this permission, which the role wukong-autoexpand has; `--prometheus URL` needs none",
            first.namespace
        ));
    }

    /// Whom to ask besides the cluster.
    fn source(&self) -> Result<Option<Source>, String> {
        let Some(address) = &self.args.prometheus else { return Ok(None) };
        let address = Address::parse(address)?;
        let token = match &self.args.prometheus_token_file {
            Some(file) => {
                address.takes_token(self.args.prometheus_token_over_http)?;
                Some(Token::read(file)?)
            }
            None => None,
        };
        Ok(Some(Source { address, token }))
    }

    fn policy(&self) -> Policy {
        let window = i64::try_from(self.args.window.as_secs()).unwrap_or(i64::MAX);
        let step_bytes = self.args.step.units().unwrap_or(u64::MAX);
        Policy { threshold: self.args.threshold, step_bytes, window, ..Policy::default() }
    }

    /// What the cluster has, and what is told of its guests.
    async fn gather(
        &self,
        namespace: Option<&str>,
        source: Option<Source>,
        policy: &Policy,
        session: &Session,
    ) -> anyhow::Result<Result<(Facts, Told), Exit>> {
        let wanted = Wanted {
            namespaces: namespace.map(str::to_owned).into_iter().collect(),
            purpose: Purpose::Grow,
            labels: self.args.selector.clone().unwrap_or_default(),
            ..Wanted::default()
        };
        let found = async {
            let mut facts = fetch(&session.door, &wanted).await?;
            if source.is_none() {
                let targets = self.targets(namespace, &facts).into_iter();
                let asked = targets.map(|target| (target.namespace, target.vm)).collect();
                read_usage(&session.door, &asked, &mut facts).await?;
            }
            Ok::<_, Refused>(facts)
        };
        let facts = match found.await {
            Ok(facts) => facts,
            Err(refused) => return Ok(Err(tell(&refused, self.terminal))),
        };
        // Disks that are not seen are not disks that need nothing, and a guard that sees nothing is none.
        let guards = [kind::MACHINE, kind::INSTANCE, kind::DATA_VOLUME, kind::CLAIM, kind::CONFIG_MAP];
        let of_the_cluster = [kind::CLASS, kind::CDI_CONFIG, kind::KUBEVIRT].map(|kind| (kind, ""));
        for (kind, namespace) in
            guards.map(|kind| (kind, namespace.unwrap_or_default())).into_iter().chain(of_the_cluster)
        {
            if let Some(unread) = facts.unknown(kind, namespace) {
                self.terminal.error(&unread.reason);
                return Ok(Err(Exit::Cluster));
            }
        }
        let Some(source) = source else { return Ok(Ok((facts, Told::ByAgents))) };
        let heard = Arc::new(Heard::on(*self.terminal, self.access));
        let access = self.access.access();
        let prometheus = Prometheus::connect(source.address, source.token, &access, &session.door, heard).await?;
        let [used, capacity] = queries(namespace, &self.args.prometheus_labels, policy.window, now());
        let answers = async { Ok::<_, Refused>((prometheus.range(&used).await?, prometheus.range(&capacity).await?)) };
        let told = match answers.await {
            Ok((used, capacity)) => series(&used, &capacity).map_err(|unreadable| (unreadable.0, None)),
            Err(refused) => Err(prometheus.explain(&refused)),
        };
        Ok(match told {
            Ok(series) => Ok((facts, Told::ByPrometheus(series))),
            Err((why, help)) => {
                self.terminal.error(&format!("Prometheus does not tell how full disks are, so none grows: {why}"));
                if let Some(help) = help {
                    self.terminal.help(&help);
                }
                Err(Exit::Cluster)
            }
        })
    }

    /// The machines that are meant: all that are seen, if none is named.
    fn targets(&self, namespace: Option<&str>, facts: &Facts) -> Vec<Subject> {
        if self.names.is_empty() {
            return subjects(facts, true);
        }
        self.names.iter().map(|name| subject(name, namespace.unwrap_or_default(), facts)).collect()
    }

    /// Tells which named machines are not there.
    fn missing(&self, facts: &Facts, targets: &[Subject]) -> Exit {
        let is_gone = |target: &&Subject| !self.names.is_empty() && target.machine(facts).is_none();
        let missing: Vec<_> = targets.iter().filter(is_gone).collect();
        for target in &missing {
            self.terminal.error(&format!("there is no VirtualMachine {} in {}", target.vm, target.namespace));
        }
        if missing.is_empty() { Exit::Done } else { Exit::Cluster }
    }

    fn show(&self, all: &[Decision]) -> String {
        match self.args.output {
            Some(Format::Json) => output::json(&output::decisions_json(all)),
            Some(Format::Yaml) => yaml(&output::decisions_json(all)),
            Some(Format::Table) | None => output::decisions(all, &self.terminal.out, self.terminal.out_width),
        }
    }

    fn grow(&self, decision: &Decision, targets: &[Subject], session: &Session) -> Exit {
        let Outcome::Grows(_, step) = &decision.outcome else { return Exit::Done };
        let same = |target: &&Subject| target.namespace == decision.namespace && target.shown() == decision.machine;
        let manager = targets.iter().find(same).map_or_else(|| MANAGER.to_owned(), Target::manager);
        let write = Write { manager: &manager, force: false, dry_run: false };
        let name = format!("{}/{} {}", decision.namespace, decision.machine, decision.disk);
        match session.runtime.block_on(grow(&session.door, &decision.namespace, step, &write)) {
            Ok(claim) => {
                let size = text(&claim, "/spec/resources/requests/storage").unwrap_or("?");
                self.terminal.progress("disk", &format!("{name}: claim {} asks for {size}", decision.claim));
                Exit::Done
            }
            // Another run, or a person, was first; the next run sees what they did.
            Err(refused) if refused.reason == Reason::Conflict => {
                let what = format!("{name}: claim {} was changed meanwhile, and is left alone", decision.claim);
                self.terminal.progress("disk", &what);
                Exit::Done
            }
            Err(refused) => tell(&refused, self.terminal),
        }
    }
}
