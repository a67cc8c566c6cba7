//! Answers of servers, and what they mean.

use super::*;
use crate::cluster::Resource;
use serde_json::json;

fn refused(code: u16, status: &Value) -> Refused {
    let asked = Asked::of("patch", Resource::VirtualMachine, Some("prod"), Some("web"));
    Refused::of_status(&asked, code, status)
}

#[test]
fn a_missing_object_is_not_a_missing_kind() {
    let status = json!({"reason": "NotFound", "details": {"name": "web"}, "message": "… \"web\" not found"});
    assert_eq!(refused(404, &status).reason, Reason::NotFound);
    let missing = refused(404, &Value::Null);
    assert_eq!(missing.reason, Reason::NoSuchKind);
    let told = "cannot patch virtualmachines.kubevirt.io `prod/web`: the cluster does not know this kind";
    assert_eq!(missing.to_string(), told);
    let status = json!({"reason": "NotFound", "details": {}, "message": "the server could not find it"});
    assert_eq!(refused(404, &status).reason, Reason::NoSuchKind);
}

#[test]
fn conflicts_of_fields_name_their_owners() {
    let status = json!({"reason": "Conflict", "message": "Apply failed with 1 conflict", "details": {"causes": [{
        "reason": "FieldManagerConflict",
        "message": "conflict with \"kubectl-edit\" using kubevirt.io/v1 at 2026-01-01T00:00:00Z",
        "field": ".spec.runStrategy",
    }]}});
    let refused = refused(409, &status);
    let Reason::FieldConflict(conflicts) = &refused.reason else { panic!("{refused:?}") };
    assert_eq!((conflicts[0].manager.as_str(), conflicts[0].field.as_str()), ("kubectl-edit", ".spec.runStrategy"));
    assert!(refused.to_string().ends_with("`.spec.runStrategy` belongs to `kubectl-edit`"));
    assert!(refused.help().unwrap().contains("--force-conflicts"));
}

#[test]
fn codes_and_reasons() {
    for (code, status, reason) in [
        (401, json!({}), Reason::Unauthorized),
        (409, json!({"reason": "AlreadyExists"}), Reason::AlreadyExists),
        (409, json!({"reason": "Conflict"}), Reason::Conflict),
        (410, json!({"reason": "Expired"}), Reason::Expired),
        (422, json!({"reason": "Invalid"}), Reason::Invalid),
        (429, json!({}), Reason::TooMany),
        (500, json!({"reason": "InternalError", "message": "boom"}), Reason::Other),
        (500, json!({"reason": "ServerTimeout"}), Reason::Timeout),
        (500, json!({"message": "failed calling webhook \"x\": connection refused"}), Reason::Unavailable),
        (503, json!({}), Reason::Unavailable),
        (504, json!({}), Reason::Timeout),
    ] {
        assert_eq!(refused(code, &status).reason, reason, "{code} {status}");
    }
}

#[test]
fn help_fits_the_refusal() {
    let rbac = json!({"message": "… is forbidden: User \"x\" cannot patch resource \"virtualmachines\" in …"});
    let help = refused(403, &rbac).help().unwrap();
    assert!(help.contains("kubectl auth can-i patch virtualmachines.kubevirt.io -n prod"), "{help}");
    assert_eq!(refused(403, &json!({"message": "admission webhook \"x\" denied the request: no"})).help(), None);
    let quota = json!({"message": "… is forbidden: exceeded quota: small"});
    assert!(refused(403, &quota).help().unwrap().contains("resourcequota -n prod"));
}

#[test]
fn words_of_the_server_are_harmless() {
    let status = json!({"message": "\u{1b}[31mcannot pull https://u:p@h/x"});
    let message = refused(422, &status).message;
    assert!(!message.contains('\u{1b}') && !message.contains("u:p"), "{message}");
}

#[test]
fn the_cause_behind_the_address_of_a_webhook_stays() {
    let message = "failed calling webhook \"v\": Post \"https://v.kube.svc:443/check?timeout=10s\": connection refused";
    let refused = refused(500, &json!({"message": message}));
    assert_eq!(refused.reason, Reason::Unavailable);
    assert!(refused.message.ends_with("/check\": connection refused"), "{}", refused.message);
}

#[test]
fn a_namespace_that_there_is_not_can_be_made() {
    let status = json!({
        "reason": "NotFound", "message": "namespaces \"nons\" not found", "details": {"name": "nons", "kind": "namespaces"},
    });
    let asked = Asked { verb: "create", resource: "configmaps".to_owned(), ..Asked::default() };
    let refused = Refused::of_status(&asked, 404, &status);
    assert_eq!(refused.help().unwrap(), "`kubectl create namespace nons` makes it; -n names another one");
    let status = json!({"reason": "NotFound", "message": "pods \"p\" not found", "details": {"name": "p"}});
    assert_eq!(Refused::of_status(&asked, 404, &status).help(), None);
}
