//! A guest that has just booted.

use serde_json::{Value, json};

use super::{conditions, enter, list, volumes};

/// Writes what virt-handler reports about it.
pub(super) fn report(status: &mut Value, machine: &Value, pod: &Value, agent: bool, now: &str) {
    let spec = &machine["spec"];
    enter(status, "Running", now);
    volumes::targets(status, spec);
    status["interfaces"] = interfaces(spec, pod, agent);
    conditions::migratable(status, machine, now);
    if agent {
        conditions::set(status, "AgentConnected", Ok(()), now);
        status["guestOSInfo"] = json!({
            "id": "simulated", "name": "Simulated Linux", "prettyName": "Simulated Linux 1", "version": "1",
            "versionId": "1", "kernelRelease": "6.1.0", "machine": "x86_64",
        });
    }
    let cpu = &spec["domain"]["cpu"];
    let memory = &spec["domain"]["memory"]["guest"];
    status["machine"] = json!({"type": spec["domain"]["machine"]["type"]});
    status["currentCPUTopology"] = json!({"cores": cpu["cores"], "sockets": cpu["sockets"], "threads": cpu["threads"]});
    status["memory"] = json!({"guestAtBoot": memory, "guestCurrent": memory, "guestRequested": memory});
    status["selinuxContext"] = json!("none");
}

/// The interfaces of a guest in a pod: on the pod network they have its address.
pub(super) fn interfaces(spec: &Value, pod: &Value, agent: bool) -> Value {
    let networks = list(&spec["networks"]);
    let address = pod["status"]["podIP"].as_str().unwrap_or_default();
    let declared = list(&spec["domain"]["devices"]["interfaces"]);
    let all = declared.iter().enumerate().map(|(index, interface)| {
        let on_pod = networks.iter().any(|n| n["name"] == interface["name"] && n["pod"].is_object());
        let mac = interface["macAddress"].as_str().map_or_else(|| mac(address, index), str::to_owned);
        let mut own = json!({
            "name": interface["name"], "mac": mac, "linkState": "up", "queueCount": 1,
            "podInterfaceName": if on_pod { "eth0".to_owned() } else { format!("pod{index}") },
            "infoSource": if agent { "domain, guest-agent" } else { "domain" },
        });
        if agent {
            own["interfaceName"] = json!(format!("enp{}s0", index + 1));
        }
        if on_pod {
            own["ipAddress"] = json!(address);
            own["ipAddresses"] = json!([address]);
        }
        own
    });
    all.collect()
}

/// A hardware address that no other guest has: pods differ in their addresses.
fn mac(address: &str, index: usize) -> String {
    let bytes: Vec<u8> = address.split('.').filter_map(|part| part.parse().ok()).collect();
    let [.., a, b, c] = bytes[..] else { return format!("02:00:00:00:00:{index:02x}") };
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{index:02x}")
}
