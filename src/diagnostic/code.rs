//! Every rule that can be broken: its code, its severity, what it says and why it exists. One table.

use std::fmt;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is rendered.
    Error,
    /// Rendered, but probably not what was meant.
    Warning,
    /// Rendered as it was meant; worth knowing.
    Note,
}

impl Severity {
    /// The word that people and tools read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $why:literal])+ $name:ident = $code:literal, $severity:ident, $title:literal;)+) => {
        /// A rule, named by what is wrong when it is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $why])+ $name,)+
        }

        impl Code {
            /// Every rule, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code, such as `WK101`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// How bad it is to break this rule.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// The rule in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Why the rule exists.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$name => concat!($($why, "\n"),+),)+ }
            }
        }
    };
}

codes! {
    /// The text is neither YAML nor JSON, so nothing in it can be trusted to be read as it was meant.
    Syntax = "WK001", Error, "not valid YAML or JSON";
    /// Kubernetes files are UTF-8 text.
    Encoding = "WK002", Error, "not UTF-8 text";
    /// Files that are far larger, deeper or wider than any machine are refused before they cost time and memory.
    TooComplex = "WK003", Error, "too large, too deep or too many values";
    /// Which of two equal keys wins depends on the reader, so the file means different things to different tools.
    DuplicateKey = "WK004", Error, "key given twice";
    /// The file or directory could not be read.
    Unreadable = "WK005", Error, "cannot be read";
    /// Nothing that was given describes a machine.
    NoMachine = "WK006", Error, "no Wukong document found";
    /// Documents of another kind are left out of the result unless `--pass-through` is given.
    OtherKind = "WK007", Warning, "document of another kind left out";

    /// A field that does not exist is most often a typing error, and silently ignoring it gives another machine.
    UnknownField = "WK101", Error, "unknown field";
    /// The value has another type than the field.
    WrongType = "WK102", Error, "value of the wrong type";
    /// The machine cannot be rendered without this field.
    MissingField = "WK103", Error, "required field missing";
    /// The field takes one of a few words.
    UnknownChoice = "WK104", Error, "not one of the accepted values";
    /// The number is outside of what the field accepts.
    OutOfRange = "WK105", Error, "number out of range";
    /// Sizes are Kubernetes quantities.
    BadQuantity = "WK106", Error, "not a quantity";
    /// Names become names of Kubernetes objects or of devices in the guest, which have rules.
    BadName = "WK107", Error, "name not allowed";
    /// The document is of this API group, but of a version or kind that does not exist.
    UnknownVersion = "WK108", Error, "unknown apiVersion or kind";
    /// The field is accepted so that older files work as they stand, but it changes nothing.
    IgnoredField = "WK109", Warning, "field without effect";
    /// The value does not have the form that the field needs.
    BadFormat = "WK110", Error, "malformed value";
    /// Labels and annotations have rules of form, and some keys belong to KubeVirt or to this tool.
    BadLabel = "WK111", Error, "label or annotation not allowed";
    /// `yes`, `no`, `on` and `off` are booleans to kubectl but text to YAML 1.2 readers.
    LegacyBoolean = "WK112", Warning, "boolean spelling that only some readers know";
    /// Disks and networks are known by their names.
    DuplicateName = "WK113", Error, "name given twice in one list";
    /// The annotation does not do to a machine what it does to a pod.
    UselessAnnotation = "WK114", Warning, "annotation that does not reach the guest";

    /// A derived object name would be longer than Kubernetes or KubeVirt allow. A VirtualMachine with more than 63
    /// characters cannot live-migrate, because its name becomes a label value.
    NameTooLong = "WK201", Error, "derived name too long";
    /// `cpu` is the number of vCPUs; the topology only gives them a shape.
    TopologyMismatch = "WK202", Error, "cpuTopology does not make up cpu";
    /// KubeVirt can add memory to a running guest only in steps of 2Mi and from 1Gi on.
    NoMemoryHotplug = "WK203", Warning, "memory cannot grow while the machine runs";
    /// A guest needs a whole number of bytes, and more than a few of them.
    BadMemory = "WK204", Error, "impossible amount of memory";
    /// restartPolicy, runStrategy and autoStart all say when the machine runs; they must agree.
    RunContradiction = "WK205", Error, "contradicting run settings";
    /// Two documents describe the same machine; applying both would make it flap.
    DuplicateMachine = "WK206", Error, "machine described twice";
    /// The file names another namespace than the command line.
    NamespaceMismatch = "WK207", Error, "namespace differs from --namespace";
    /// A toleration that the scheduler would refuse.
    BadToleration = "WK208", Error, "impossible toleration";
    /// With autoStart off the machine is halted, and KubeVirt keeps no restart policy of a halted machine.
    StartByHand = "WK209", Warning, "machine waits for its first start";

    /// The firmware starts one disk.
    TwoBootDisks = "WK301", Error, "two boot disks";
    /// A disk has one source: existingPVC wins over image, and image over an empty disk.
    SourceIgnored = "WK302", Warning, "second source of a disk ignored";
    /// The importer reads container registries, HTTP, Google Cloud Storage, S3, claims and snapshots.
    BadImage = "WK303", Error, "image source not accepted";
    /// The disk lacks something that its source needs.
    SourceIncomplete = "WK304", Error, "source incomplete";
    /// An `oci-archive:` path is opened inside the importer pod, where a file of the user's machine does not exist.
    ArchivePath = "WK305", Warning, "archive must be inside the importer pod";
    /// A new disk needs a size; an existing claim has one.
    DiskSize = "WK306", Error, "size missing or misplaced";
    /// The field has no meaning for a disk with this source.
    DiskFieldIgnored = "WK307", Warning, "disk field without effect";
    /// KubeVirt lets two machines write to one claim, which destroys its file system.
    TwoWriters = "WK308", Error, "claim used twice";
    /// A pod cannot mount a claim of another namespace, so the disk becomes a copy of it.
    ClonedClaim = "WK309", Warning, "claim of another namespace is copied";
    /// A storage policy stands for a class and cannot stand beside one, and needs to be mapped to one.
    StoragePolicy = "WK310", Error, "storage policy cannot be resolved";
    /// Two disks would have the same serial number in the guest.
    SerialCollision = "WK311", Error, "disk serials collide";
    /// Growth needs room: maxSize is the end of autoExpand.
    BadGrowth = "WK312", Error, "impossible growth settings";
    /// The machine boots from a disk that nothing was written to.
    EmptyBootDisk = "WK313", Warning, "boot disk is empty";
    /// osImage is the image of a boot disk that names none; no disk takes it here.
    OsImageUnused = "WK314", Warning, "osImage is not used";
    /// Two objects of one kind would have the same name, as `a-b`/`c` and `a`/`b-c` do.
    NameCollision = "WK315", Error, "two objects would have one name";
    /// User names, passwords and signatures in an address end up in the cluster, readable to all who may see the disk.
    SecretInUrl = "WK316", Warning, "secret in an image address";
    /// A disk that this tool makes must be writable.
    ReadOnlyNewDisk = "WK317", Error, "new disk cannot be read-only";
    /// A claim cannot be copied while the machine that waits for the copy makes or uses it.
    CopyOfOwn = "WK318", Error, "copy of the machine's own claim";
    /// A claim is copied only while nothing uses it.
    CopyOfUsed = "WK319", Warning, "copy of a claim that another machine uses";

    /// The network lacks what its type needs.
    NetworkIncomplete = "WK401", Error, "network incomplete";
    /// macvlan hands frames only to its own address, so a guest behind KubeVirt's bridge binding receives nothing.
    Macvlan = "WK402", Error, "macvlan passes no traffic to a guest";
    /// The pod network gives its address by DHCP, another one is dropped.
    StaticOnPod = "WK403", Error, "static address on the pod network";
    /// An address that cannot work.
    BadAddress = "WK404", Error, "impossible address settings";
    /// Two network cards would claim the same address.
    DuplicateAddress = "WK405", Error, "address given twice";
    /// The field has no meaning for a network of this type.
    NetworkFieldIgnored = "WK406", Warning, "network field without effect";
    /// The VLAN cannot be set here.
    BadVlan = "WK407", Error, "vlanId does not fit the network";
    /// Hardware addresses are derived from namespace, machine and network; without the namespace two machines of one
    /// name would share one.
    MacWithoutNamespace = "WK408", Warning, "hardware address derived without a namespace";
    /// A guest has one default route.
    TwoGateways = "WK409", Warning, "two gateways";

    /// A user has one password.
    PasswordIgnored = "WK501", Warning, "second password ignored";
    /// A plain password in a file is a secret in version control. It is hashed, but a short one is guessed quickly.
    PlainPassword = "WK502", Warning, "plain password";
    /// cloud-init writes the hash to /etc/shadow as it is; what is not a hash locks the user out.
    ImplausibleHash = "WK503", Warning, "implausible password hash";
    /// Neither a password nor a key lets anybody in.
    NoWayIn = "WK504", Warning, "nobody can log in";
    /// A password that nobody can type, or that everybody knows.
    BadPassword = "WK505", Error, "impossible password";

    /// The class keeps each disk on one node. If that node is lost, so are the bytes; until it is back, the machine cannot
    /// start on another. Told with `--stage`, where the classes of a cluster are known.
    NodeLocal = "WK601", Warning, "disk lies on one node";
    /// The class keeps one copy of each disk, though its storage could keep more. If the node or the device with that copy
    /// is lost, so are the bytes. Told with `--stage`, where the classes of a cluster are known.
    OneCopy = "WK602", Warning, "disk has one copy";
    /// The class or its driver makes no disk larger: a full disk stays full until it is moved. Told with `--stage`, where
    /// the classes of a cluster are known.
    NoGrowth = "WK603", Warning, "disk cannot grow";
    /// Nothing takes snapshots of the disk: there is no point to go back to. Told with `--stage`, where the classes of a
    /// cluster are known.
    NoSnapshots = "WK604", Warning, "disk cannot be snapshotted";
    /// A system that is installed anew, or goes back to a snapshot, takes the data on its disk with it. Told with `--stage`.
    SystemAndData = "WK605", Warning, "system and data on one disk";
    /// Whoever changes the cluster's default class decides where the next disk lies and what it survives. Told with
    /// `--stage`.
    ClassByDefault = "WK606", Warning, "the cluster's default decides the class";
    /// A full disk stops what writes to it until somebody makes it larger. Told with `--stage`.
    NoAutoExpand = "WK607", Note, "disk does not grow by itself";
    /// Admission of the cluster, or what is there already, stands in the way of an object that the file describes. Told
    /// with `--server-side`.
    ClusterRefuses = "WK608", Error, "the cluster refuses an object";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
    }
}
