//! What holds for every list and every stream that the function hands back.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;
use wukong::function::{Done, Settings, resource_list, stream};
use wukong::source::{Documents, kubectl_value};
use wukong::{Input, Report};

use crate::support::{entries, root};

/// The cases of `fn`: whether it is a stream, what goes in, and what comes out if all is well.
fn cases() -> Vec<(String, bool, String, Option<String>)> {
    let cases = entries(&root().join("tests/cases/fn")).into_iter().filter_map(|case| {
        let args = fs::read_to_string(case.join("args")).unwrap();
        let input = fs::read_to_string(case.join("stdin")).ok()?;
        let done = fs::read_to_string(case.join("code")).unwrap() == "0\n";
        let output = done.then(|| fs::read_to_string(case.join("stdout")).unwrap());
        Some((case.display().to_string(), args.contains("--stream"), input, output))
    });
    let cases: Vec<_> = cases.collect();
    assert!(cases.len() > 10);
    cases
}

fn done(is_stream: bool, text: &str) -> Done {
    let input = Input::new("<stdin>", text);
    if is_stream { stream(input, &Settings::default()) } else { resource_list(input, &Settings::default()) }
}

fn parsed(text: &str) -> Option<Vec<Value>> {
    let mut report = Report::default();
    let mut documents = Documents::new(0, text);
    // A document of others may have a key twice.
    let values = std::iter::from_fn(|| documents.next_with_problems(&mut report));
    let values = values.map(|(document, _)| kubectl_value(&document.root)).collect();
    report.is_valid().then_some(values)
}

#[test]
fn a_second_run_changes_nothing() {
    for (case, is_stream, _, output) in cases() {
        let Some(output) = output else { continue };
        let again = done(is_stream, &output);
        assert!(again.report.is_valid(), "{case}");
        assert_eq!(again.text.as_deref(), Some(output.as_str()), "{case}");
    }
}

#[test]
fn no_two_objects_share_a_place_of_a_file() {
    let place = |object: &Value, prefix: &str| {
        let part = |key: &str| object["metadata"]["annotations"][format!("{prefix}{key}")].as_str().map(str::to_owned);
        Some((part("path")?, part("index")?))
    };
    let mut count = 0;
    for (case, is_stream, input, _) in cases() {
        let list = done(is_stream, &input).text.and_then(|text| parsed(&text)).unwrap_or_default();
        let items = list.first().and_then(|list| list["items"].as_array()).cloned().unwrap_or_default();
        for prefix in ["internal.config.kubernetes.io/", "config.kubernetes.io/"] {
            let mut taken = HashSet::new();
            for place in items.iter().filter_map(|item| place(item, prefix)) {
                assert!(taken.insert(place.clone()), "{case}: {place:?} twice");
                count += 1;
            }
        }
    }
    assert!(count > 5);
}

/// Wherever a text ends, what comes back is well-formed, or nothing. Passwords take their time, so that not each byte is
/// tried.
#[test]
fn a_text_that_ends_anywhere_does_no_harm() {
    for (case, is_stream, input, _) in cases() {
        for end in (0..input.len()).step_by(13).filter(|end| input.is_char_boundary(*end)) {
            if let Some(text) = done(is_stream, &input[..end]).text {
                assert!(parsed(&text).is_some(), "{case} at {end}:\n{text}");
            }
        }
    }
}

/// Whatever surrounds a Wukong stays to the byte, however the list is indented and its lines end.
#[test]
fn what_is_of_others_stays_to_the_byte() {
    let wukong = "- apiVersion: vm.novasphere.dev/v1alpha1\n  kind: Wukong\n  metadata: {name: web}\n  spec: {cpu: 1, memory: 1Gi}\n";
    let other = "# before\n-   kind:   Service # odd\n    apiVersion:  v1\n    metadata: {name: a, annotations: {x: \"0123\", y: 1e400}}\n    text: |+\n      a\n\n# after\n";
    let indent =
        |text: &str, by: &str| text.split_inclusive('\n').map(|line| format!("{by}{line}")).collect::<String>();
    for by in ["", "  ", "    "] {
        for (before, after) in [(other, other), ("", other), (other, "")] {
            for line_break in ["\n", "\r\n"] {
                let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";
                let (before, after) = (indent(before, by), indent(after, by));
                let list = format!("{head}{before}{}{after}", indent(wukong, by)).replace('\n', line_break);
                let text = done(false, &list).text.unwrap();
                let (head, before, after) =
                    [head.to_owned(), before, after].map(|text| text.replace('\n', line_break)).into();
                assert!(text.starts_with(&format!("{head}{before}")), "{list}\n{text}");
                assert!(text.ends_with(&after), "{list}\n{text}");
                assert!(text.contains(&format!("\n{by}- apiVersion: kubevirt.io/v1\n")), "{text}");
                assert!(!text.contains("Wukong"), "{text}");
            }
        }
    }
}

/// Values of others and passwords are in no result, no excerpt and no debug print.
#[test]
fn secrets_of_others_stay_in_the_list() {
    // One is told by its keys; of the other, nobody knows what in it is secret.
    for other in ["kind: Secret, stringData: {note: hunter2}", "kind: Thing, spec: {note: hunter2}"] {
        let list = format!(
            "{{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: [\
             {{apiVersion: v1, metadata: {{name: a}}, {other}}}, \
             {{apiVersion: vm.novasphere.dev/v1alpha1, kind: Wukong, metadata: {{name: web}}, \
             spec: {{cpu: 999, memory: 1Gi, cloudInitUser: {{name: x, password: hunter3}}}}}}]}}"
        );
        let done = done(false, &list);
        let text = done.text.as_deref().unwrap();
        let results = &text[text.find("\"results\"").unwrap()..];
        let shown =
            wukong::diagnostic::Excerpts::new(&done.report, &done.sources, wukong::text::Styles::default(), 400);
        for told in [results.to_owned(), format!("{:?}", done.report), shown.to_string()] {
            assert!(told.contains("spec.cpu") && !told.contains("hunter"), "{told}");
        }
    }
}
