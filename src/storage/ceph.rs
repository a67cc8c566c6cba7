//! What all of Ceph has in common: its handles, and how many copies a pool keeps.

use serde_json::Value;

use super::{Driver, Place, Traced};
use crate::facts::text;

/// What the handle of a volume tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handle<'a> {
    /// The cluster, which for Rook is the namespace.
    pub cluster: &'a str,
    /// The number of the pool, or of the file system.
    pub pool: u64,
    /// What the name of the image or subvolume ends with.
    pub id: &'a str,
}

/// `0001-LENGTH-CLUSTER-POOL-ID`: the numbers are hexadecimal, and the cluster's name may itself have dashes. Source:
/// ceph-csi, internal/util/volid.go.
pub(super) fn decode(handle: &str) -> Option<Handle<'_>> {
    let hex = |from: usize, length: usize| {
        let digits = handle.get(from..from + length)?;
        // `from_str_radix` would take a sign.
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16).ok())?
    };
    let dash = |at: usize| handle.as_bytes().get(at) == Some(&b'-');
    if hex(0, 4)? != 1 || !dash(4) || !dash(9) {
        return None;
    }
    let end = 10 + usize::try_from(hex(5, 4)?).ok()?;
    let id = handle.get(end + 18..).filter(|id| id.len() == 36)?;
    if !dash(end) || !dash(end + 17) {
        return None;
    }
    Some(Handle { cluster: handle.get(10..end)?, pool: hex(end + 1, 16)?, id })
}

/// Where Ceph's tools are. Only Rook gives its drivers a prefix, and has a toolbox.
pub(super) fn tools(traced: &Traced<'_>, driver: &'static str) -> &'static str {
    let name = traced.text("/spec/csi/driver").unwrap_or_default();
    if name != driver && Driver::Suffix(driver).is(name) {
        "in the Rook toolbox"
    } else {
        "where Ceph's tools are set up"
    }
}

/// The object of Rook with a name, in the namespace of the volume's cluster if it is in several.
pub(super) fn object<'a>(traced: &Traced<'a>, kind: &'static str, name: &'a str) -> Option<&'a Value> {
    let cluster = traced.attribute("clusterID").or_else(|| decode(traced.handle()).map(|handle| handle.cluster));
    let all = traced.objects(kind, name);
    all.iter().find(|object| text(object, "/metadata/namespace") == cluster).or(all.first()).copied()
}

/// What a pool says of the copies that it keeps.
pub(super) fn describe(place: &mut Place, pool: &Value) {
    let number = |pointer| pool.pointer(pointer).and_then(Value::as_u64).filter(|number| *number > 0);
    let domain = text(pool, "/failureDomain").filter(|domain| !domain.is_empty()).unwrap_or("host");
    if let Some(size) = number("/replicated/size") {
        place.details.push(("copies wanted", size.to_string()));
        if size == 1 {
            place.notes.push("the pool keeps one copy: any disk of it that is lost takes a part along".to_owned());
        }
    } else if let (Some(data), Some(coding)) =
        (number("/erasureCoded/dataChunks"), number("/erasureCoded/codingChunks"))
    {
        place.details.push(("erasure coding", format!("{data} parts and {coding} to spare")));
    }
    place.details.push(("failure domain", domain.to_owned()));
    // Below a host, copies may share a node; a host, a rack or a zone is one node at least.
    place.survives_node = match (number("/replicated/size"), number("/erasureCoded/codingChunks")) {
        (Some(1), _) => Some(false),
        (Some(_), _) | (_, Some(_)) if domain != "osd" => Some(true),
        _ => None,
    };
    if domain == "osd" {
        place.notes.push("its copies may lie on disks of one node: the failure domain is osd".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles() {
        let id = "9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005";
        let good = format!("0001-0009-rook-ceph-0000000000000002-{id}");
        assert_eq!(decode(&good), Some(Handle { cluster: "rook-ceph", pool: 2, id }));
        let odd = format!("0001-0005-a-b-c-00000000000000ff-{id}");
        assert_eq!(decode(&odd).map(|handle| (handle.cluster, handle.pool)), Some(("a-b-c", 255)));
        for wrong in [
            "",
            "0001",
            "0001-ffff-a-b",
            "0001-0009-rook-ceph-",
            "0001-+009-rook-ceph-0000000000000002-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "0002-0009-rook-ceph-0000000000000002-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "0001-0008-rook-ceph-0000000000000002-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "0001-0009-rook-cepß-0000000000000002-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "0001-0009-rook-ceph_0000000000000002-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "0001-0009-rook-ceph-0000000000000002_9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "ßßßßßßßßßßßßßßßßßßßßß",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode(&format!("{good}0")), None);
    }
}
