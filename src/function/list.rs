//! A `ResourceList`, as kustomize and kpt hand it to a function.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::edit::{Edits, end, indented, is_flow, line_end, line_start};
use super::place::{Place, Taken, annotate, inherited, is_local};
use super::result::results;
use super::rewrite::{Item, rewritten};
use super::work::Work;
use super::{Done, Settings};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::machine::MANAGED_LABEL;
use crate::source::{Documents, Kind, MAX_FILE_BYTES, Node, SourceMap, kubectl_value};
use crate::spec::{is_ours, members, misplaced};
use crate::text::yaml;
use crate::{Input, too_large};

/// Where a Wukong came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// A member of an item, by both numbers, that its manifests replace.
    Item(usize, usize),
    /// An item that stays, or a member of one: it is marked as one for programs.
    Kept(usize),
    /// The configuration of the function.
    Config,
}

/// What becomes of the items.
#[derive(Default)]
struct Change {
    /// Items, by their number, and what stands there instead.
    replaced: Vec<(usize, Vec<Value>)>,
    /// What comes behind the last item.
    added: Vec<Value>,
}

/// Puts manifests in place of the Wukongs of a `ResourceList`, and problems into its results.
///
/// A Wukong among the items is replaced; a List with Wukongs becomes its members. One that is the configuration of the
/// function, or an item that is marked as local configuration, stays; its manifests come behind the items, or replace
/// those that an earlier run made. Everything else stays as it was written.
pub fn resource_list(input: Input, settings: &Settings) -> Done {
    let mut report = Report::default();
    let mut sources = SourceMap::default();
    if input.text.len() > MAX_FILE_BYTES {
        report.push(too_large(input.name));
        return Done { text: None, report, sources };
    }
    let file = sources.add(input.name.clone(), input.text);
    let text = sources.file(file).map_or("", |file| file.text.as_str());
    let Some(root) = only_document(&input.name, file, text, &mut report) else {
        return Done { text: None, report, sources };
    };
    let items = match root.get("items") {
        Some(node) if !node.is_null() => match node.items() {
            Some(items) => items,
            None => {
                report.push(Diagnostic::new(Code::WrongType, node.span, "`items` must be a list"));
                return Done { text: None, report, sources };
            }
        },
        _ => &[],
    };
    let config = root.get("functionConfig").filter(|config| !config.is_null());
    let change = change(items, config, settings, &mut report);
    let objects =
        items.iter().chain(config).flat_map(|item| members(item).into_iter().map(move |member| (member, item)));
    let results = results(&report, &objects.collect::<Vec<_>>());
    let text = written(&root, items, &change, &results, text);
    Done { text: Some(text), report, sources }
}

fn only_document(name: &str, file: u32, text: &str, report: &mut Report) -> Option<Node> {
    let help = "kustomize and kpt start `fn`; files are rendered by `render`, a stream of manifests by `fn --stream`";
    let mut documents = Documents::exchanged(file, text);
    let Some(document) = documents.next(report) else {
        if report.is_valid() {
            report.push(Diagnostic::of_file(Code::UnknownVersion, name, "there is no ResourceList").help(help));
        }
        return None;
    };
    let word = |key: &str| document.root.get(key).and_then(Node::as_str).unwrap_or_default();
    let (group, version) = word("apiVersion").split_once('/').unwrap_or_default();
    let known = group == "config.kubernetes.io" && ["v1", "v1beta1", "v1alpha1"].contains(&version);
    if word("kind") != "ResourceList" || !known {
        let at = document.root.entry("kind").map_or(document.span, |kind| kind.value.span);
        let message = "this is no ResourceList of `config.kubernetes.io/v1`";
        report.push(Diagnostic::new(Code::UnknownVersion, at, message).help(help));
        return None;
    }
    if let Some(more) = documents.next(report) {
        report.push(Diagnostic::new(Code::UnknownVersion, more.span, "there is a document after the ResourceList"));
    }
    report.is_valid().then_some(document.root)
}

/// Reads the Wukongs, checks and renders them. Nothing changes if there is any error.
fn change(items: &[Node], config: Option<&Node>, settings: &Settings, report: &mut Report) -> Change {
    let mut settings = settings.clone();
    let mut work = Work::new();
    let ours = config.filter(|config| is_ours(config));
    if let Some(config) = config.filter(|config| !is_ours(config)) {
        let kind = config.get("kind");
        if kind.and_then(Node::as_str) == Some("ConfigMap") {
            settings.read(config, report);
        } else {
            // It may be anything, a Secret too.
            report.hide(config.span);
            let message = "the configuration of this function is a Wukong or a ConfigMap";
            report.push(Diagnostic::new(Code::UnknownVersion, kind.unwrap_or(config).span, message));
        }
    }
    for (number, item) in items.iter().enumerate() {
        for (at, member) in members(item).into_iter().enumerate() {
            if !is_ours(member) {
                // A Secret on one line would be shown whole beside a problem.
                report.hide(member.span);
                report.extend(misplaced(member));
            } else if ours.is_some_and(|config| is_same(config, member)) {
                // The file of the configuration, which kpt hands over a second time, among the items.
            } else {
                let kept = is_local(item) || is_local(member);
                let from = if kept { From::Kept(number) } else { From::Item(number, at) };
                work.add(member, from, &settings, report);
            }
        }
    }
    if let Some(config) = ours {
        work.add(config, From::Config, &settings, report);
    }
    let mut taken = Taken::default();
    let mut known: Known<'_> = HashMap::new();
    for (number, item) in items.iter().enumerate() {
        taken.take(&Place::of(item));
        known.entry(identity(item)).or_default().push(number);
    }
    let mut change = Change::default();
    let mut made: BTreeMap<usize, BTreeMap<usize, Vec<Value>>> = BTreeMap::new();
    for (from, manifests) in work.render(&settings, report).unwrap_or_default() {
        let objects = manifests.into_iter().map(|manifest| manifest.object);
        match from {
            From::Item(number, at) => {
                made.entry(number).or_default().insert(at, objects.collect());
            }
            From::Kept(number) => change.renew(items, &known, objects, &Place::of(&items[number]), &mut taken),
            From::Config => {
                change.renew(items, &known, objects, &config.map(Place::of).unwrap_or_default(), &mut taken);
            }
        }
    }
    for (number, mut made) in made {
        let place = Place::of(&items[number]);
        let members = members(&items[number]).into_iter().enumerate();
        let objects = members.flat_map(|(at, member)| made.remove(&at).unwrap_or_else(|| vec![kubectl_value(member)]));
        let mut objects: Vec<_> = objects.collect();
        taken.free(&place);
        taken.hand_out(&place, &mut objects);
        change.replaced.push((number, objects));
    }
    change.replaced.sort_by_key(|(number, _)| *number);
    change
}

impl Change {
    /// What stands in place of an item.
    fn instead_of(&self, number: usize) -> Option<&[Value]> {
        let found = self.replaced.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&self.replaced[found].1)
    }

    /// Replaces what an earlier run made, and adds the rest.
    fn renew(
        &mut self,
        items: &[Node],
        known: &Known<'_>,
        objects: impl Iterator<Item = Value>,
        place: &Place,
        taken: &mut Taken,
    ) {
        let mut added = Vec::new();
        for mut object in objects {
            let wanted = ["apiVersion", "kind", "/name", "/namespace"].map(|key| match key.strip_prefix('/') {
                Some(key) => object["metadata"][key].as_str().map(str::to_owned),
                None => object[key].as_str().map(str::to_owned),
            });
            let label = object["metadata"]["labels"][MANAGED_LABEL].as_str().map(str::to_owned);
            // What somebody else wrote stays; whoever reads the list then finds two objects of one name, and says so.
            let ours = |item: &Node| {
                let labels = item.get("metadata").and_then(|metadata| metadata.get("labels"));
                labels.and_then(|labels| labels.get(MANAGED_LABEL)).and_then(Node::as_str) == label.as_deref()
            };
            let same = known.get(&wanted.each_ref().map(Option::as_deref)).map(Vec::as_slice).unwrap_or_default();
            let found = same.iter().copied().find(|number| ours(&items[*number]));
            match found {
                Some(number) => {
                    annotate(&mut object, inherited(&items[number]));
                    if object != kubectl_value(&items[number]) {
                        self.replaced.push((number, vec![object]));
                    }
                }
                None => added.push(object),
            }
        }
        taken.hand_out(place, &mut added);
        self.added.extend(added);
    }
}

/// The items of each identity.
type Known<'n> = HashMap<[Option<&'n str>; 4], Vec<usize>>;

/// Whether an item is the configuration once more: from the same place of a file, or with the same content.
fn is_same(config: &Node, item: &Node) -> bool {
    let (here, there) = (Place::of(config), Place::of(item));
    let place = here.path.is_some() && here.path == there.path && here.index == there.index;
    let spec = |node: &Node| node.get("spec").map(kubectl_value);
    identity(config) == identity(item) && (place || spec(config) == spec(item))
}

/// Version, kind, name and namespace.
fn identity(item: &Node) -> [Option<&str>; 4] {
    let metadata = |key: &str| item.get("metadata")?.get(key)?.as_str();
    let own = |key: &str| item.get(key)?.as_str();
    [own("apiVersion"), own("kind"), metadata("name"), metadata("namespace")]
}

/// The list with its changes: in the text as it stands, or, where that is written in a way that cannot be changed in
/// place, anew with the same values.
fn written(root: &Node, items: &[Node], change: &Change, results: &[Value], text: &str) -> String {
    let mut new = Vec::new();
    for (number, item) in items.iter().enumerate() {
        match change.instead_of(number) {
            Some(objects) => new.extend(objects.iter().cloned()),
            None => new.push(kubectl_value(item)),
        }
    }
    new.extend(change.added.iter().cloned());
    let mut whole = match kubectl_value(root) {
        Value::Object(whole) => whole,
        _ => Map::new(),
    };
    if !new.is_empty() || whole.contains_key("items") {
        whole.insert("items".to_owned(), Value::Array(new));
    }
    if !results.is_empty() {
        whole.insert("results".to_owned(), json!(results));
    } else if root.get("results").is_some_and(|earlier| is_flow(root, text) || is_flow(earlier, text)) {
        whole.insert("results".to_owned(), json!([]));
    } else {
        whole.shift_remove("results");
    }
    let whole = Value::Object(whole);
    in_place(root, items, change, results, text)
        .filter(|text| {
            let mut report = Report::default();
            let read = Documents::exchanged(0, text).next(&mut report);
            report.is_valid() && read.is_some_and(|document| kubectl_value(&document.root) == whole)
        })
        .unwrap_or_else(|| {
            let old = items.iter().enumerate().map(|(number, item)| change.instead_of(number).ok_or(item));
            let items = old.flat_map(|item| match item {
                Ok(new) => new.iter().map(Item::New).collect(),
                Err(kept) => vec![Item::Kept(kept)],
            });
            rewritten(root, items.chain(change.added.iter().map(Item::New)), results)
        })
}

fn in_place(root: &Node, items: &[Node], change: &Change, results: &[Value], text: &str) -> Option<String> {
    let mut edits = Edits::default();
    let flow = is_flow(root, text);
    let Kind::Map(entries) = &root.kind else { return None };
    let first = entries.first()?.key_span.start as usize;
    let indent = text.get(line_start(text, first)..first).filter(|indent| indent.trim().is_empty()).unwrap_or_default();
    let bottom = if flow { (root.span.end as usize).checked_sub(1)? } else { line_end(text, end(root, text)) };
    let add_key = |edits: &mut Edits, key: &str, values: &[Value]| {
        let text = if flow {
            format!(", {}: {}", json!(key), json!(values))
        } else {
            indented(&format!("{key}:\n{}", listed(values, "")), indent)
        };
        edits.insert(bottom, text);
    };
    match root.entry("items") {
        None if change.added.is_empty() => {}
        None => add_key(&mut edits, "items", &change.added),
        Some(entry) if items.is_empty() && !flow => {
            if !change.added.is_empty() {
                let stretch =
                    entry.key_span.start as usize..end(&entry.value, text).max(entry.key_span.end as usize + 1);
                let list = listed(&change.added, indent);
                edits.replace(stretch, format!("items:\n{}", list.trim_end_matches('\n')));
            }
        }
        Some(entry) if is_flow(&entry.value, text) => in_flow(&entry.value, items, change, text, &mut edits),
        Some(_) => in_block(items, change, text, &mut edits)?,
    }
    match root.entry("results") {
        None if results.is_empty() => {}
        None => add_key(&mut edits, "results", results),
        // Those of an earlier run.
        Some(entry) if flow || is_flow(&entry.value, text) => {
            edits.replace(entry.value.span.start as usize..entry.value.span.end as usize, json!(results).to_string());
        }
        Some(entry) => {
            let start = line_start(text, entry.key_span.start as usize);
            edits.replace(start..line_end(text, end(&entry.value, text).max(entry.key_span.end as usize)), "");
            if !results.is_empty() {
                add_key(&mut edits, "results", results);
            }
        }
    }
    edits.apply(text)
}

/// Objects as the items of a list, each with a dash.
fn listed(values: &[Value], indent: &str) -> String {
    values
        .iter()
        .map(|value| {
            let body = indented(&yaml(value), &format!("{indent}  "));
            format!("{indent}- {}", &body[indent.len() + 2..])
        })
        .collect()
}

/// A list with brackets.
fn in_flow(list: &Node, items: &[Node], change: &Change, text: &str, edits: &mut Edits) {
    if change.replaced.is_empty() && change.added.is_empty() {
        return;
    }
    let mut parts = Vec::new();
    for (number, item) in items.iter().enumerate() {
        match change.instead_of(number) {
            Some(objects) => parts.extend(objects.iter().map(Value::to_string)),
            None => parts.push(text[item.span.start as usize..item.span.end as usize].to_owned()),
        }
    }
    parts.extend(change.added.iter().map(Value::to_string));
    edits.replace(list.span.start as usize..list.span.end as usize, format!("[{}]", parts.join(",\n")));
}

/// The line of the dash before an item, and the dash. kpt writes the comments that a file begins with between the two.
fn dash(item: &Node, text: &str) -> Option<(usize, usize)> {
    let mut before = text.get(..item.span.start as usize)?.trim_end();
    loop {
        let start = line_start(before, before.len());
        let line = before[start..].trim_start();
        let dash = before.len() - line.len();
        if line.strip_prefix('-').is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with('#')) {
            return Some((start, dash));
        }
        before = before[..start].trim_end();
        if !line.starts_with('#') || before.is_empty() {
            return None;
        }
    }
}

/// A list with dashes. Nothing if a dash is not where one expects it.
fn in_block(items: &[Node], change: &Change, text: &str, edits: &mut Edits) -> Option<()> {
    for (number, values) in &change.replaced {
        let item = items.get(*number)?;
        let (start, dash) = dash(item, text)?;
        edits.replace(start..line_end(text, end(item, text)), listed(values, &text[start..dash]));
    }
    if !change.added.is_empty() {
        let last = items.last()?;
        let (start, dash) = dash(last, text)?;
        edits.insert(line_end(text, end(last, text)), listed(&change.added, &text[start..dash]));
    }
    Some(())
}
