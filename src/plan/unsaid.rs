//! What KubeVirt takes for granted where a machine says nothing. A Wukong says all of it, and writing down what holds
//! anyway is no change: neither to the guest, nor to the object.

use serde_json::Value;

use super::lists::{LISTS, list};
use crate::facts::{Facts, kind, path, text};
use crate::quantity::Quantity;

/// Seconds that a guest has to shut down. Source: KubeVirt, DefaultGracePeriodSeconds in the API's types.
const GRACE_PERIOD: i64 = 30;
/// What happens when the node is drained. Source: KubeVirt, pkg/virt-config/configuration.go.
const EVICTION: &str = "None";
/// How the pod network is connected. Source: KubeVirt, pkg/virt-config/virt-config.go.
const BINDING: &str = "bridge";

/// Sockets, cores and threads of a machine's guest; none if an instance type decides. Source: KubeVirt,
/// SetDefaultGuestCPUTopology in pkg/defaults: without a word on the shape, the sockets are what the resources say.
pub fn topology(machine: &Value) -> Option<[u64; 3]> {
    if by_instancetype(machine) {
        return None;
    }
    let domain = machine.pointer("/spec/template/spec/domain");
    let part = |name: &str| {
        let value = domain.and_then(|domain| path(domain, &["cpu", name])).and_then(Value::as_u64);
        value.filter(|count| *count > 0)
    };
    let shape = ["sockets", "cores", "threads"].map(part);
    if shape.iter().any(Option::is_some) {
        return Some(shape.map(|count| count.unwrap_or(1)));
    }
    let resource = |of: &str| resource(machine, of, "cpu").and_then(|amount| whole(&amount));
    Some([resource("limits").or_else(|| resource("requests")).unwrap_or(1), 1, 1])
}

/// The memory of a machine's guest, as it is written; none if nothing says it or an instance type decides. Source:
/// KubeVirt, setGuestMemory in pkg/defaults.
pub fn memory(machine: &Value) -> Option<String> {
    if by_instancetype(machine) {
        return None;
    }
    let domain = machine.pointer("/spec/template/spec/domain")?;
    let of = |keys: &[&str]| path(domain, keys).and_then(written);
    of(&["memory", "guest"])
        .or_else(|| resource(machine, "requests", "memory"))
        .or_else(|| resource(machine, "limits", "memory"))
        .or_else(|| of(&["memory", "hugepages", "pageSize"]))
}

/// What happens to a machine when its node is drained.
pub fn eviction<'a>(machine: &'a Value, facts: &'a Facts) -> &'a str {
    let own = text(machine, "/spec/template/spec/evictionStrategy");
    let cluster = || facts.all_of(kind::KUBEVIRT).find_map(|all| text(all, "/spec/configuration/evictionStrategy"));
    own.or_else(cluster).unwrap_or(EVICTION)
}

/// Seconds that a machine's guest has to shut down.
pub fn grace_period(machine: &Value) -> i64 {
    let own = machine.pointer("/spec/template/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    own.unwrap_or(GRACE_PERIOD)
}

/// The binding of the pod network of a machine that names no network at all; none if it names one, or has none.
pub fn pod_binding(machine: &Value, facts: &Facts) -> Option<String> {
    let devices = machine.pointer("/spec/template/spec/domain/devices");
    let attaches = devices.and_then(|devices| devices.get("autoattachPodInterface")) != Some(&Value::Bool(false));
    if !attaches || !list(machine, &LISTS[2]).is_empty() || !list(machine, &LISTS[3]).is_empty() {
        return None;
    }
    // What a cluster would choose today need not be what it chose when the machine was started.
    let (namespace, name) = (text(machine, "/metadata/namespace"), text(machine, "/metadata/name"));
    let instance = facts.get(kind::INSTANCE, namespace.unwrap_or_default(), name.unwrap_or_default());
    let cards = instance.and_then(|instance| instance.pointer("/spec/domain/devices/interfaces"));
    let running = cards.and_then(|cards| cards.get(0)).and_then(Value::as_object).and_then(|card| {
        LISTS[2].variants.iter().find(|variant| card.contains_key(**variant)).map(|variant| (*variant).to_owned())
    });
    let setting = |all| text(all, "/spec/configuration/network/defaultNetworkInterface").map(str::to_owned);
    running.or_else(|| facts.all_of(kind::KUBEVIRT).find_map(setting)).or_else(|| Some(BINDING.to_owned()))
}

/// Takes out of `body` what `live` does not say and means anyway, and keeps what belongs to the hardware that the guest
/// knows: its UUID and the serial numbers of its disks.
pub(super) fn settle(body: &mut Value, live: &Value, facts: &Facts) {
    let topology = topology(live);
    let wanted = ["sockets", "cores", "threads"]
        .map(|part| body.pointer(&format!("/spec/template/spec/domain/cpu/{part}")).and_then(Value::as_u64));
    let same_shape = topology.is_some_and(|shape| shape.map(Some) == wanted);
    let same_memory = matches!(
        (memory(live).map(|amount| Quantity::parse(&amount)), text(body, "/spec/template/spec/domain/memory/guest").map(Quantity::parse)),
        (Some(Ok(live)), Some(Ok(wanted))) if live == wanted
    );
    let same_eviction = text(body, "/spec/template/spec/evictionStrategy") == Some(eviction(live, facts));
    let grace = body.pointer("/spec/template/spec/terminationGracePeriodSeconds").and_then(Value::as_i64);
    let same_pod_network = pod_binding(live, facts).as_deref() == Some("masquerade") && only_pod_network(body);
    let template = &["spec", "template", "spec"];
    for part in ["sockets", "cores", "threads"] {
        leave_out(body, live, template, &["domain", "cpu", part], same_shape);
    }
    leave_out(body, live, template, &["domain", "memory", "guest"], same_memory);
    leave_out(body, live, template, &["evictionStrategy"], same_eviction);
    leave_out(body, live, template, &["terminationGracePeriodSeconds"], grace == Some(grace_period(live)));
    leave_out(body, live, template, &["networks"], same_pod_network);
    leave_out(body, live, template, &["domain", "devices", "interfaces"], same_pod_network);
    match live.pointer("/spec/template/spec/domain/firmware/uuid").filter(|uuid| !uuid.is_null() && *uuid != "") {
        // Another one would be another machine to its guest: cloud-init would run its first boot again.
        Some(uuid) => body["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"] = uuid.clone(),
        // An older KubeVirt derives it from the name, and a newer one writes it down by itself.
        None => leave_out(body, live, template, &["domain", "firmware", "uuid"], true),
    }
    serials(body, live);
}

/// A guest may know a disk by its serial number: one that is there, or is not, stays so.
fn serials(body: &mut Value, live: &Value) {
    let there = list(live, &LISTS[0]);
    let disks = body.pointer_mut("/spec/template/spec/domain/devices/disks").and_then(Value::as_array_mut);
    for disk in disks.into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(same) = there.iter().find(|other| Some(&other["name"]) == disk.get("name")) else { continue };
        match same.get("serial").filter(|serial| !serial.is_null()) {
            Some(serial) => drop(disk.insert("serial".into(), serial.clone())),
            None => drop(disk.shift_remove("serial")),
        }
    }
}

/// Whether the pod network is all that is wanted, as KubeVirt would make it.
fn only_pod_network(body: &Value) -> bool {
    let (cards, networks) = (list(body, &LISTS[2]), list(body, &LISTS[3]));
    cards.len() == 1 && networks.len() == 1 && networks[0].get("pod").is_some() && cards[0].get("macAddress").is_none()
}

fn leave_out(body: &mut Value, live: &Value, above: &[&str], below: &[&str], same: bool) {
    let keys: Vec<_> = above.iter().chain(below).copied().collect();
    let unsaid = path(live, &keys).is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty));
    if same && unsaid {
        super::merge::remove(body, &keys.iter().map(|key| (*key).to_owned()).collect());
    }
}

fn by_instancetype(machine: &Value) -> bool {
    machine.pointer("/spec/instancetype").is_some_and(Value::is_object)
}

fn resource(machine: &Value, of: &str, name: &str) -> Option<String> {
    let amount = path(machine, &["spec", "template", "spec", "domain", "resources", of, name]).and_then(written)?;
    Quantity::parse(&amount).is_ok_and(|parsed| parsed.units() != Some(0)).then_some(amount)
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number of processors, rounded up as Kubernetes does.
fn whole(amount: &str) -> Option<u64> {
    let parsed = Quantity::parse(amount).ok()?;
    parsed.units().or_else(|| {
        let milli = amount.strip_suffix('m')?.parse::<u64>().ok()?;
        Some(milli.div_ceil(1000))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vm(spec: &Value) -> Value {
        json!({"kind": "VirtualMachine", "metadata": {"name": "a", "namespace": "n"}, "spec": {"template": {"spec": spec}}})
    }

    #[test]
    fn what_is_not_said_has_a_value() {
        assert_eq!(topology(&vm(&json!({}))), Some([1, 1, 1]));
        assert_eq!(topology(&vm(&json!({"domain": {"cpu": {"cores": 4}}}))), Some([1, 4, 1]));
        let resources = json!({"domain": {"resources": {"requests": {"cpu": "1500m", "memory": "64M"}}}});
        assert_eq!(topology(&vm(&resources)), Some([2, 1, 1]));
        assert_eq!(memory(&vm(&resources)).as_deref(), Some("64M"));
        assert_eq!(memory(&vm(&json!({"domain": 3}))), None);
        let mut typed = vm(&json!({}));
        typed["spec"]["instancetype"] = json!({"name": "u1.small"});
        assert_eq!(topology(&typed), None);
        let mut facts = Facts::default();
        assert_eq!(eviction(&typed, &facts), "None");
        facts.insert(json!({"kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
            "spec": {"configuration": {"evictionStrategy": "LiveMigrate"}}}));
        assert_eq!(eviction(&typed, &facts), "LiveMigrate");
        assert_eq!(pod_binding(&typed, &facts).as_deref(), Some("bridge"));
    }

    #[test]
    fn writing_down_what_holds_anyway_is_no_change() {
        let live = vm(&json!({"domain": {
            "cpu": {"cores": 2}, "resources": {"requests": {"memory": "1Gi"}},
            "devices": {"disks": [{"name": "a"}, {"name": "b", "serial": "X"}]},
        }}));
        let wanted = vm(&json!({
            "terminationGracePeriodSeconds": 30, "evictionStrategy": "None",
            "domain": {
                "cpu": {"sockets": 1, "cores": 2, "threads": 1}, "memory": {"guest": "1024Mi"},
                "firmware": {"uuid": "u"},
                "devices": {"disks": [{"name": "a", "serial": "a"}, {"name": "b", "serial": "b"}, {"name": "c", "serial": "c"}]},
            },
        }));
        let mut body = wanted.clone();
        settle(&mut body, &live, &Facts::default());
        let expected = json!({"domain": {"cpu": {"cores": 2}, "devices": {"disks": [
            {"name": "a"}, {"name": "b", "serial": "X"}, {"name": "c", "serial": "c"},
        ]}}});
        assert_eq!(body["spec"]["template"]["spec"], expected);
        // Another shape is a change, and is sent whole.
        let mut body = wanted;
        body["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] = json!(4);
        settle(&mut body, &live, &Facts::default());
        assert_eq!(body["spec"]["template"]["spec"]["domain"]["cpu"], json!({"sockets": 1, "cores": 4, "threads": 1}));
    }
}
