//! A stream of manifests, as Helm hands it to a post-renderer.

use serde_json::{Map, Value, json};

use super::edit::{Edits, end, line_end, line_start};
use super::work::Work;
use super::{Done, Settings, place};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::output::Format;
use crate::render::Manifest;
use crate::source::{Document, Documents, Node, SourceMap, kubectl_value};
use crate::spec::{is_ours, members, misplaced};
use crate::{Input, too_large};

/// The template that Helm 4 tells the objects of its stream by. Source: Helm, pkg/action, filenameAnnotation.
const TEMPLATE: &str = "postrenderer.helm.sh/postrender-filename";

/// What a document of the stream becomes.
enum Part {
    /// Objects of others, in a List with Wukongs.
    Other(Value),
    /// A Wukong, by its number, and the template that it came from.
    Wukong(usize, Option<String>),
}

/// Puts manifests in place of the Wukongs of a stream. Everything else stays as it is, to the byte, and where it is; a
/// List with Wukongs among its items becomes its items. Nothing comes back if a Wukong has an error.
pub fn stream(input: Input, settings: &Settings) -> Done {
    let mut report = Report::default();
    let mut sources = SourceMap::default();
    if input.text.len() > crate::source::MAX_FILE_BYTES {
        report.push(too_large(input.name));
        return Done { text: None, report, sources };
    }
    let name = input.name;
    let file = sources.add(name.clone(), input.text);
    let text = sources.file(file).map_or("", |file| file.text.as_str());
    let mut documents = Documents::exchanged(file, text);
    let mut work = Work::new();
    let mut count = 0;
    let mut parts = Vec::new();
    while let Some((Document { root, .. }, problems)) = documents.next_with_problems(&mut report) {
        let items = members(&root);
        if items.iter().all(|item| !is_ours(item)) {
            // A Secret on one line would be shown whole beside a problem. What is wrong with a document of others is
            // for its reader to say: charts with a key that stands twice are installed every day.
            report.hide(root.span);
            report.extend(items.into_iter().filter_map(misplaced));
            continue;
        }
        if !problems.is_empty() {
            report.extend(problems);
            continue;
        }
        let mut becomes = Vec::new();
        for item in items {
            if is_ours(item) {
                work.add(item, count, settings, &mut report);
                becomes.push(Part::Wukong(count, template(item)));
                count += 1;
            } else {
                report.hide(item.span);
                report.extend(misplaced(item));
                becomes.push(Part::Other(kubectl_value(item)));
            }
        }
        parts.push((root.span.start as usize..end(&root, text), becomes));
    }
    let Some(rendered) = work.render(settings, &mut report) else { return Done { text: None, report, sources } };
    let mut edits = Edits::default();
    for (stretch, becomes) in parts {
        let new = becomes.into_iter().map(|part| objects(part, &rendered)).collect::<String>();
        let start = line_start(text, stretch.start);
        let new = match text[start..stretch.start].trim() {
            // The marker before the document stays, and what Helm says about it.
            "" => new.strip_prefix("---\n").unwrap_or(&new).to_owned(),
            _ => format!("\n{}", new.strip_prefix("---\n").unwrap_or(&new)),
        };
        let start = if new.starts_with('\n') { text[..stretch.start].trim_end().len() } else { start };
        edits.replace(start..line_end(text, stretch.end), new);
    }
    let text = edits.apply(text);
    if text.is_none() {
        let message = "the stream is written in a way that cannot be changed in place";
        report.push(Diagnostic::of_file(Code::Syntax, name, message).help("put each document behind a line `---`"));
    }
    Done { text, report, sources }
}

fn template(item: &Node) -> Option<String> {
    item.get("metadata")?.get("annotations")?.get(TEMPLATE)?.as_str().map(str::to_owned)
}

fn objects(part: Part, rendered: &[(usize, Vec<Manifest>)]) -> String {
    let (number, template) = match part {
        Part::Other(value) => return Format::Yaml.part(&value, None),
        Part::Wukong(number, template) => (number, template),
    };
    let manifests = rendered.iter().find(|(known, _)| *known == number).map(|(_, manifests)| manifests.as_slice());
    let manifests = manifests.unwrap_or_default().iter();
    manifests
        .map(|manifest| {
            let mut object = manifest.object.clone();
            let template = template.iter().map(|template| (TEMPLATE.to_owned(), json!(template)));
            place::annotate(&mut object, template.collect::<Map<_, _>>());
            Format::Yaml.part(&object, Some(&manifest.purpose))
        })
        .collect()
}
