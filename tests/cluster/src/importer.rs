//! How far imports and clones are, as CDI's pods would tell its controller.

use std::sync::Arc;

use anyhow::Result;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use serde_json::Value;

use crate::pki::Pki;
use crate::serve::{self, Cut};
use crate::watched::Watched;

/// Answers for all of them on one port.
pub(crate) async fn serve(world: Arc<Watched>, pki: &Pki, port: u16) -> Result<()> {
    let answer = move |_| {
        let world = world.clone();
        async move {
            let pods = world.all("v1", "Pod").await.unwrap_or_default();
            let body = pods
                .iter()
                .filter(|pod| pod["status"]["phase"] == "Running")
                .filter_map(|pod| line(pod))
                .collect::<String>();
            Ok::<_, Cut>(Response::new(Full::new(Bytes::from(body))))
        }
    };
    serve::start(pki, "server", port, answer).await.map(|_| ())
}

/// One pod in the text format of Prometheus; CDI looks for the identity of its DataVolume or claim. What hangs is at 37 %.
fn line(pod: &Value) -> Option<String> {
    let kind = pod["metadata"]["labels"]["cdi.kubevirt.io"].as_str()?;
    let environment = pod["spec"]["containers"][0]["env"].as_array()?;
    let variable = |name: &str| environment.iter().find(|entry| entry["name"] == name)?["value"].as_str();
    let owner = variable("OWNER_UID")?;
    let (name, hangs) = if kind == "cdi-clone-source" {
        ("kubevirt_cdi_clone_progress_total", true)
    } else {
        let endpoint = variable("IMPORTER_ENDPOINT").unwrap_or_default();
        ("kubevirt_cdi_import_progress_total", endpoint.contains(".hangs.test"))
    };
    let percent = if hangs { 37 } else { 50 };
    Some(format!("# TYPE {name} counter\n{name}{{ownerUID=\"{owner}\"}} {percent}\n"))
}
