//! How a machine could move, and what a move would do.

use serde_json::Value;

use super::answer::{Answer, Failure, Status};
use super::given::{self, Given, wrong};
use super::look::namespace;
use crate::facts::Journey;
use crate::migrate::{Unreadable, Wish, begin, ways};
use crate::output;
use crate::status::subject;

/// The plan of a move: `{"name", "namespace", "virtualMachine", "way", "possible", "checks", "disks", "steps", "bytes"}`,
/// where `bytes` is what is copied at most. Without `node` and `class`: what is possible, as `migrate NAME -o json`
/// prints it. What a person may do is not checked: facts do not tell it.
///
/// | option | |
/// |---|---|
/// | `machine` | a Wukong, or `vm/NAME` for any VirtualMachine; must be given |
/// | `namespace` | where it is |
/// | `node` | the node to go to |
/// | `class` | the StorageClass that disks shall have |
/// | `disks` | those that move; all if none is named |
/// | `accessMode`, `volumeMode` | of the new claims, instead of the best that CDI knows for the class |
/// | `offline` | `true`: it may be stopped for the move |
/// | `unmanagedOk` | `true`: also a machine that Argo CD or Flux manages |
/// | `now` | the time, in seconds since 1970; that of the facts if it is not given |
pub fn migrate_plan(facts: &str, options: &str) -> Answer {
    Answer::of(planned(facts, options))
}

fn planned(facts: &str, options: &str) -> Result<Value, Failure> {
    let mut given = Given::read(options)?;
    let machine = given.text("machine")?.ok_or_else(|| wrong("machine", "given; it names the machine that moves"))?;
    let place = given.text("namespace")?;
    let mut wish = Wish {
        node: given.text("node")?,
        class: given.text("class")?,
        disks: given.texts("disks")?,
        offline: given.is("offline")?,
        access_mode: mode(&mut given, "accessMode", &["", "ReadWriteOnce", "ReadWriteMany"])?,
        volume_mode: mode(&mut given, "volumeMode", &["", "Filesystem", "Block"])?,
        unmanaged_ok: given.is("unmanagedOk")?,
        now: String::new(),
    };
    let now = given.time("now")?;
    given.end()?;
    if wish.node.is_some() && wish.class.is_some() {
        return Err(wrong("class", "possible together with `node`; move one after the other"));
    }
    let (facts, time) = given::facts(facts, false)?;
    let place = namespace(place.as_deref(), &facts);
    let subject = subject(&machine, &place, &facts);
    if let Some(refusal) = Unreadable::of(&facts, &place) {
        return Err(refusal.into());
    }
    if wish.node.is_none() && wish.class.is_none() {
        let message = || format!("there is no VirtualMachine {} in {place}", subject.vm);
        let missing = || Failure::new(Status::NotFound, message(), "vm/NAME names any VirtualMachine");
        return ways(&facts, &subject).map(|ways| ways.value()).ok_or_else(missing);
    }
    if let Ok(Some(open)) = Journey::of(&facts, &place, &subject.vm)
        && open.is_open()
    {
        let word = if open.back { "is being taken back" } else { "is under way" };
        let message = format!("{}: another move ({}) {word}: {}", subject.shown(), open.way.name(), open.stage);
        return Err(Failure::new(Status::Refused, message, "`migrate --continue` goes on, `--abort` takes it back"));
    }
    let stamp = jiff::Timestamp::from_second(now.unwrap_or(time)).unwrap_or_default();
    wish.now = stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let draft = begin(&facts, &subject, &wish)?;
    Ok(output::draft_json(&draft, &place))
}

fn mode(given: &mut Given, name: &'static str, words: &[&'static str]) -> Result<Option<String>, Failure> {
    Ok(Some(given.word(name, words)?).filter(|word| !word.is_empty()).map(str::to_owned))
}
