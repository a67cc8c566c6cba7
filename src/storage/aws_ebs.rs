//! Amazon EBS: a disk in one availability zone.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Amazon EBS",
    drivers: &[
        Driver::Named("ebs.csi.aws.com"),
        // The same driver where Amazon runs it.
        Driver::Named("ebs.csi.eks.amazonaws.com"),
        Driver::Named("kubernetes.io/aws-ebs"),
        Driver::Named("awsElasticBlockStore"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    // Before CSI: the identifier alone, or `aws://ZONE/IDENTIFIER`.
    let address = traced.text("/spec/awsElasticBlockStore/volumeID");
    let (zone, id) = address.map_or((None, None), |address| {
        let parts = address.strip_prefix("aws://").and_then(|rest| rest.split_once('/'));
        parts.map_or((None, Some(address)), |(zone, id)| (Some(zone).filter(|zone| !zone.is_empty()), Some(id)))
    });
    let id = id.map(str::to_owned).or_else(|| traced.identifier());
    let holder = match (traced.zonal(), zone) {
        (Holder::Zone(None), Some(zone)) => Holder::Zone(Some(zone.to_owned())),
        (holder, _) => holder,
    };
    Place {
        look: id.iter().map(|id| command("anywhere", "aws ec2 describe-volumes --volume-ids", &[id])).collect(),
        at: id,
        full: Full::Reserved,
        snapshots_survive: true,
        ..Place::new(holder)
    }
}
