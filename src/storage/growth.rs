//! Whether a driver makes claims larger. A class may promise it without a resizer behind: the claim is then stuck, or
//! only says that it is larger.

/// What becomes of a claim that asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growing {
    /// It grows.
    Grows,
    /// Nothing happens, or only a number changes. The reason is a clause.
    Pretends(&'static str),
    /// The driver is not known here; the class decides.
    Unknown,
}

/// What a driver does, by the name of its provisioner.
pub fn growing(provisioner: &str) -> Growing {
    super::backend(provisioner).grows
}

/// How many seconds lie between two growths of one volume, at least; none if the driver knows no such time. Source: AWS,
/// "Limitations for EBS volume modifications".
pub fn cool_down(provisioner: &str) -> Option<i64> {
    matches!(provisioner, "ebs.csi.aws.com" | "ebs.csi.eks.amazonaws.com" | "kubernetes.io/aws-ebs")
        .then_some(6 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_told_apart() {
        assert_eq!(growing("rook-ceph.rbd.csi.ceph.com"), Growing::Grows);
        assert_eq!(growing("evilrbd.csi.ceph.com"), Growing::Unknown);
        assert!(matches!(growing("rancher.io/local-path"), Growing::Pretends(_)));
        assert!(matches!(growing("cluster.local/store-nfs-subdir-external-provisioner"), Growing::Pretends(_)));
        assert_eq!(growing("example.com/new"), Growing::Unknown);
    }
}
