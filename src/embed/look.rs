//! Functions of what a cluster has: how machines are, and where their bytes lie.

use serde_json::json;

use super::answer::{Answer, Failure, Status};
use super::given::{self, Given, wrong};
use crate::facts::{Facts, kind, text};
use crate::locate::{Atlas, Located, What, absent, impacts};
use crate::output;
use crate::status::{Index, Subject, subject, subjects};

/// How machines are, as `status -o json` prints it: `{"apiVersion": "v1", "kind": "List", "items": […]}`.
///
/// | option | |
/// |---|---|
/// | `names` | Wukongs, or `vm/NAME` for any VirtualMachine; all Wukongs if none is named |
/// | `namespace` | only machines of this one; with `names` where they are |
/// | `allVms` | `true`: every VirtualMachine, not only Wukongs |
/// | `now` | the time, in seconds since 1970; that of the facts if it is not given |
pub fn status(facts: &str, options: &str) -> Answer {
    let read = || {
        let mut given = Given::read(options)?;
        let wanted = Wanted::of(&mut given)?;
        let now = given.time("now")?;
        given.end()?;
        let (facts, time) = given::facts(facts, false)?;
        let subjects = wanted.subjects(&facts, wanted.all_vms)?;
        let index = Index::of(&facts);
        let now = now.unwrap_or(time);
        let one = |subject| output::status_json(&crate::status::status(&index, subject, now));
        Ok(json!({"apiVersion": "v1", "kind": "List", "items": subjects.iter().map(one).collect::<Vec<_>>()}))
    };
    Answer::of(read())
}

/// Where the bytes of machines lie and what would destroy them, as `where-is-my-data -o json` prints it:
/// `{"items": […]}`.
///
/// | option | |
/// |---|---|
/// | `names`, `namespace`, `allVms` | as for [`status`] |
/// | `if` | what an event would do instead, as `--if` does: `node-lost=NAME`, `vm-deleted`, `wukong-deleted`, `pvc-deleted[=NAME]`, `namespace-deleted=NAME`, `class-deleted=NAME` |
/// | `picture` | `svg`, `mermaid` or `dot`: also `picture` |
pub fn locate(facts: &str, options: &str) -> Answer {
    let read = || {
        let mut given = Given::read(options)?;
        let wanted = Wanted::of(&mut given)?;
        let event = given.text("if")?.map(|event| What::parse(&event)).transpose();
        let event = event.map_err(|reason| Failure::new(Status::BadRequest, "the option `if` is no event", reason))?;
        let format = given.text("picture")?;
        given.end()?;
        if event.is_some() && format.is_some() {
            return Err(wrong("picture", "possible together with `if`: a picture shows what is now; leave one out"));
        }
        let (facts, _) = given::facts(facts, false)?;
        let atlas = Atlas::of(&facts);
        // An event does not ask whether a machine has a file.
        let every = wanted.all_vms || event.as_ref().is_some_and(|event| *event != What::WukongDeleted);
        let subjects = wanted.subjects(&facts, every)?;
        let all: Vec<_> = subjects.iter().map(|subject| crate::locate::locate(&atlas, subject)).collect();
        if let Some(event) = event {
            if let Some(problem) = absent(&event, &facts, &all) {
                return Err(Failure::new(Status::NotFound, problem, "look at the names in the facts"));
            }
            let all: Vec<_> = all.iter().zip(impacts(&all, &event)).collect();
            return Ok(output::impacts_json(&event, &all));
        }
        let mut answer = json!({"items": all.iter().map(output::located_json).collect::<Vec<_>>()});
        if let Some(format) = format {
            answer["picture"] = json!(picture(&format, &all)?);
        }
        Ok(answer)
    };
    Answer::of(read())
}

/// Where bytes lie, drawn.
pub(super) fn picture(format: &str, all: &[Located]) -> Result<String, Failure> {
    match format {
        "svg" => Ok(output::svg(all)),
        "mermaid" => Ok(output::mermaid(all)),
        "dot" => Ok(output::dot(all)),
        _ => Err(wrong("picture", "one of svg, mermaid, dot")),
    }
}

/// The namespace that is meant: facts may be of one namespace, which then needs no name.
pub(super) fn namespace(said: Option<&str>, facts: &Facts) -> String {
    let only = || facts.all_of(kind::MACHINE).find_map(|machine| text(machine, "/metadata/namespace"));
    said.or_else(only).unwrap_or("default").to_owned()
}

/// Which machines are looked at.
struct Wanted {
    names: Vec<String>,
    namespace: Option<String>,
    all_vms: bool,
}

impl Wanted {
    fn of(given: &mut Given) -> Result<Self, Failure> {
        Ok(Self { names: given.texts("names")?, namespace: given.text("namespace")?, all_vms: given.is("allVms")? })
    }

    fn subjects(&self, facts: &Facts, every: bool) -> Result<Vec<Subject>, Failure> {
        let place = namespace(self.namespace.as_deref(), facts);
        if let Some(unread) = facts.unknown(kind::MACHINE, self.namespace.as_deref().unwrap_or_default()) {
            return Err(Failure::new(Status::NotFound, &unread.reason, "read them with the right to list machines"));
        }
        if self.names.is_empty() {
            let mut all = subjects(facts, every);
            all.retain(|subject| self.namespace.as_ref().is_none_or(|namespace| subject.namespace == *namespace));
            return Ok(all);
        }
        Ok(self.names.iter().map(|name| subject(name, &place, facts)).collect())
    }
}
