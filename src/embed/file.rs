//! Functions of a Wukong file: what is wrong with it, what it means, what it would change.

use serde_json::{Value, json};

use super::answer::{Answer, Failure, Status};
use super::forecast::forecast;
use super::given::{self, Given, wrong};
use crate::diagnostic::to_json;
use crate::plan::{Wishes, compare};
use crate::render::Kind;
use crate::spec::check_label;
use crate::{Input, Loaded, Options, load, output};

/// What a file is called where no option says it.
const NAME: &str = "<file>";

/// Every problem of a file, as `validate -o json` prints them: `{"valid", "errors", "warnings", "problems": […]}`. A file
/// with errors is an answer like any other; its status is [`Status::Done`].
///
/// | option | |
/// |---|---|
/// | `name` | what the file is called in problems |
/// | `namespace` | of documents that name none |
/// | `storagePolicies` | what each stands for: `{"fast": "longhorn-ssd", "archive": "ceph:ReadWriteMany:Block"}` |
pub fn validate(file: &str, options: &str) -> Answer {
    let read = || {
        let mut given = Given::read(options)?;
        let (name, options) = common(&mut given)?;
        given.end()?;
        let loaded = loaded(file, &name, &options)?;
        Ok(to_json(&loaded.report, &loaded.sources))
    };
    Answer::of(read())
}

/// The manifests of a file: `{"apiVersion": "v1", "kind": "List", "items": […], "problems": […]}`, the list as
/// `render -o json` prints it, and warnings. Cloud-init, with the hash of a password, is in the Secret among the items.
///
/// | option | |
/// |---|---|
/// | `name`, `namespace`, `storagePolicies` | as for [`validate`] |
/// | `keepAnnotations` | `false`: without the annotations that keep other tools from deleting disks |
/// | `secrets` | `include`, `omit` or `only` |
/// | `yaml` | `true`: also `documents`, for each item `kind`, `name`, `purpose` and its text as `render` prints it |
/// | `picture` | `svg`, `mermaid` or `dot`: also `picture`, the disks as they would be once applied |
pub fn render(file: &str, options: &str) -> Answer {
    Answer::of(rendered(file, options))
}

fn rendered(file: &str, options: &str) -> Result<Value, Failure> {
    let mut given = Given::read(options)?;
    let (name, mut options) = common(&mut given)?;
    options.no_keep_annotations = match given.take("keepAnnotations") {
        None | Some(Value::Bool(true)) => false,
        Some(Value::Bool(false)) => true,
        Some(_) => return Err(wrong("keepAnnotations", "true or false")),
    };
    let secrets = given.word("secrets", &["include", "omit", "only"])?;
    let (yaml, picture) = (given.is("yaml")?, given.text("picture")?);
    given.end()?;
    let loaded = valid(file, &name, &options)?;
    let all = loaded.machines.iter().flat_map(|machine| crate::render(machine, &options));
    let manifests: Vec<_> = all
        .filter(|manifest| match secrets {
            "omit" => manifest.kind != Kind::Secret,
            "only" => manifest.kind == Kind::Secret,
            _ => true,
        })
        .collect();
    let mut answer = json!({
        "apiVersion": "v1", "kind": "List",
        "items": manifests.iter().map(|manifest| &manifest.object).collect::<Vec<_>>(),
        "problems": to_json(&loaded.report, &loaded.sources)["problems"],
    });
    if yaml {
        let document = |manifest: &crate::Manifest| {
            let text = output::Format::Yaml.part(&manifest.object, Some(&manifest.purpose));
            json!({
                "kind": manifest.kind.as_str(), "name": manifest.name, "purpose": manifest.purpose, "text": text,
            })
        };
        answer["documents"] = manifests.iter().map(document).collect();
    }
    if let Some(format) = picture {
        let machines = forecast(&loaded.machines, &options);
        answer["picture"] = json!(super::look::picture(&format, &machines)?);
    }
    Ok(answer)
}

/// What applying a file would change, as `diff -o json` prints it: `{"kind": "Plan", "machines": […], "gone": []}`.
///
/// `facts` holds the objects of the namespaces of the file, whole, and says so with `whole: true`: a plan that misses
/// fields would tell of changes that are none. What could not be read is in its `unread`.
///
/// | option | |
/// |---|---|
/// | `name`, `namespace`, `storagePolicies` | as for [`validate`] |
/// | `adopt`, `strictImage`, `prune`, `forceConflicts`, `start`, `stop` | the flags of `diff` and `apply` |
pub fn plan(file: &str, facts: &str, options: &str) -> Answer {
    let read = || {
        let mut given = Given::read(options)?;
        let (name, options) = common(&mut given)?;
        let wishes = Wishes {
            adopt: given.is("adopt")?,
            force_conflicts: given.is("forceConflicts")?,
            start: given.is("start")?,
            stop: given.is("stop")?,
            prune: given.is("prune")?,
            strict_image: given.is("strictImage")?,
        };
        given.end()?;
        let loaded = valid(file, &name, &options)?;
        let (facts, _) = given::facts(facts, true)?;
        let plans = loaded.machines.iter().map(|machine| compare(machine, &options, &facts, wishes));
        let plans: Vec<_> = plans.map(|plan| output::plan_json(&plan)).collect();
        Ok(json!({"kind": "Plan", "machines": plans, "gone": []}))
    };
    Answer::of(read())
}

/// The options of all functions that read a file.
fn common(given: &mut Given) -> Result<(String, Options), Failure> {
    let mut options = Options { namespace: given.text("namespace")?, ..Options::default() };
    if let Some(namespace) = &options.namespace {
        let reason = "the name of a namespace: at most 63 lower-case letters, digits and `-`";
        check_label(namespace).map_err(|_| wrong("namespace", reason))?;
    }
    let wanted = "a mapping of policies to classes, such as {\"fast\": \"longhorn-ssd\"}";
    let policies = match given.take("storagePolicies") {
        None => serde_json::Map::new(),
        Some(Value::Object(policies)) => policies,
        Some(_) => return Err(wrong("storagePolicies", wanted)),
    };
    for (policy, class) in policies {
        let class = class.as_str().ok_or_else(|| wrong("storagePolicies", wanted))?;
        let parsed = Options::parse_policy(&format!("{policy}={class}"));
        let failure = |reason| Failure::new(Status::BadRequest, "the option `storagePolicies` cannot be used", reason);
        options.policies.push(parsed.map_err(failure)?);
    }
    Ok((given.text("name")?.unwrap_or_else(|| NAME.to_owned()), options))
}

fn loaded(file: &str, name: &str, options: &Options) -> Result<Loaded, Failure> {
    given::fits("file", file)?;
    let mut loaded = load(vec![Input::new(name, file)], options);
    loaded.only_machines(name, false);
    Ok(loaded)
}

fn valid(file: &str, name: &str, options: &Options) -> Result<Loaded, Failure> {
    let loaded = loaded(file, name, options)?;
    if loaded.report.is_valid() { Ok(loaded) } else { Err(Failure::of_file(&loaded)) }
}
