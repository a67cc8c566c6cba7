//! Input that attacks: refused with an error, never a panic, a hang or a file outside the directory.

use std::fs;
use std::path::Path;

use crate::support::{codes, machine, run, text};

fn refused(input: &str, code: &str) {
    let mut found = codes(input);
    found.sort_unstable();
    found.dedup();
    assert!(found.contains(&code), "{code} not in {found:?}");
}

#[test]
fn nesting_and_aliases_are_bounded() {
    refused(&"[".repeat(1_000), "WK003");
    refused(&format!("a: {}{}", "[".repeat(1_000), "]".repeat(1_000)), "WK003");
    refused(&"- ".repeat(1_000), "WK003");
    refused(&(0..1_000).map(|depth| format!("{:depth$}a:\n", "")).collect::<String>(), "WK003");
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let previous = n - 1;
        let uses = vec![format!("*a{previous}"); 10].join(", ");
        format!("{text}a{n}: &a{n} [{uses}]\n")
    });
    refused(&bomb, "WK003");
    refused(&format!("x: [{}]", "a, ".repeat(200_000)), "WK003");
    refused("a: &a [*a]\n", "WK001");
}

#[test]
fn one_broken_document_does_not_hide_the_next() {
    let found = codes(&format!("a: [\n---\n{}", machine("").replace("cpu: 2", "cpu: 0")));
    assert!(found.contains(&"WK001") && found.contains(&"WK105"), "{found:?}");
}

#[test]
fn problems_are_counted_but_not_all_kept() {
    let many: String = (0..5_000).map(|n| format!("  x{n}: 1\n")).collect();
    let loaded = crate::support::read(&machine(&many), &wukong::Options::default());
    assert_eq!(loaded.report.errors(), 5_000);
    assert_eq!(loaded.report.dropped(), 4_000);
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        run(folder.path(), &["validate", "-f", name])
    };
    assert!(text(&file("latin.yaml", b"a: 1\nb: caf\xe9\n").stderr).contains("line 2"));
    assert!(text(&file("wide.yaml", b"\xff\xfea\0:\0").stderr).contains("UTF-16"));
    assert_eq!(file("nul.yaml", b"kind: Wuk\0ong\n").status.code(), Some(1));
    assert_eq!(file("bom.yaml", format!("\u{feff}{}", machine("")).as_bytes()).status.code(), Some(0));
    let large = fs::File::create(folder.path().join("large.yaml")).unwrap();
    large.set_len(100 << 20).unwrap();
    let output = run(folder.path(), &["validate", "-f", "large.yaml"]);
    assert!(text(&output.stderr).contains("WK003") && text(&output.stderr).contains("32 MiB"));
    let output = run(folder.path(), &["validate", "-f", "/dev/zero"]);
    assert!(text(&output.stderr).contains("WK003"));
}

#[test]
fn what_would_fool_a_terminal_is_made_visible() {
    let folder = tempfile::tempdir().unwrap();
    let input = machine("  \"\\e[31mred\u{202e}\": 1\n").replace("name: web", "name: \"we\\u001bb\"");
    fs::write(folder.path().join("a.yaml"), input).unwrap();
    let output = run(folder.path(), &["validate", "-f", "a.yaml"]);
    assert!(!output.stderr.contains(&0x1b) && !text(&output.stderr).contains('\u{202e}'), "{}", text(&output.stderr));
}

#[test]
fn secrets_are_in_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let user = |fields: &str| machine(&format!("  cloudInitUser:\n    name: 'a b'\n{fields}"));
    for input in [
        user("    password: hunter2\n"),
        user("    password: [hunter2]\n"),
        user("    password: {a: hunter2}\n"),
        user("    password: >-\n      hunter2\n      hunter2\n"),
        user("    passwd: hunter2\n"),
        user("    pwd: hunter2\n"),
        user("    key: hunter2\n"),
        user("    password: \"hunter2\n"),
        user("    password: hunter2: x\n"),
        user("    password: hunter2\n    password: hunter2\n"),
        user("    password: &p hunter2\n    shell: [*p]\n"),
        user("    password: {hunter2: x, hunter2: y}\n"),
        user("    password:\n\thunter2\n"),
        user("    password: |\n  hunter2\n"),
        user("    ? password\n    : {hunter2\n"),
        machine("  cloudInitUser: {name: 'a b', password: x,hunter2, sudo: a}\n"),
        machine("  cloudInitUser: {name: 'a b', passwordhunter2}\n"),
        machine("  cloudInitUser: {name: 'a b', a,hunter2,hunter2}\n"),
        machine("  disks: [{name: s, size: 5Gi, image: https://h/x.img?sp=r,sig=hunter2}]\n"),
        machine("  disks:\n    - name: s\n      image: https://h/x.vhd?sv=1&sig=\nhunter2\n      size: 1Gi\n"),
        machine("  disks: [{name: s, image: 'https://user:hunter2/x.img'}]\n"),
        user("    passwordSecret: Hunter2!hunter2\n"),
        user("    lockPasswd: hunter2\n"),
        user("    groups: ['$6$s$hunter2']\n"),
        machine("  cloudInitUser:\n    name:ubuntu\n    password:hunter2\n"),
        machine("  cloudInitUser: {name: 'a b', password:hunter2}\n"),
        machine("  cloudInitUser: {name: 'a b', password hunter2}\n"),
        machine("  cloudInitUser: {name: 'a b', \"password\" \"hunter2\"}\n"),
        machine("  cloudInitUser: {name: a, pw: hunter2, name: b}\n"),
        machine("  cloudinituser: {name: a, pw: hunter2}\n"),
        machine("  cloudInitUser: [{name: a, pw: hunter2}]\n"),
        machine("  cloudInitUser:\n    { password:\n    hunter2, name: b, name: c }\n"),
        machine("  cloudInitUser: {\"p\\u0061ssword\":\"hunter2\", name: a, name: b}\n"),
        machine("  highAvailability: {nodeSelector: {password: 12345, x: hunter2 hunter2}}\n")
            .replace("12345", "[hunter2]")
            .replace("x: hunter2 hunter2", "x: y"),
        machine("").replace("namespace: prod", "namespace: prod, labels: {password: {x: hunter2}}"),
        machine("  disks: [{name: A B, image: 'https://user:a,hunter2@host/x', size: 1Gi}]\n"),
        machine("  disks: [{name: A B, image: 'https://user:a/hunter2@host/x', existingPVC: {name: x}}]\n"),
        machine("  disks: [{name: A B, image: 'https:/user:hunter2@host/x', size: 1Gi}]\n"),
        machine("  disks: [{name: A B, image: 'user:hunter2@quay.io/x', size: 1Gi}]\n"),
        machine("  disks: [{name: a, image: {'https://u:hunter2@h/': x, 'https://u:hunter2@h/': y}}]\n"),
        machine("  disks: [{name: a, storageClassName: 'https://u:hunter2@h/'}]\n"),
        "apiVersion: v1\nkind: 'https://u:hunter2@h/'\n".to_owned(),
        "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"stringData\":{\"db\":\"hunter2\"}}\n".to_owned(),
        "{\"stringData\":{\"db\":\"hunter2\"}}\n".to_owned(),
        machine("  cloudInitUser: {name: 'a b', password: hunter2, x: ]}\n"),
        machine("  cloudInitUser: hunter2\n"),
        machine("  cloudInitUser: [hunter2]\n"),
        machine("  disks: [{name: A, size: 1Gi, image: 'https://u:hunter2@x.example/a'}]\n"),
        machine("  disks: [{name: A, size: 1Gi, image: 'ftp://u:hunter2@x.example/a'}]\n"),
        machine("  disks: [{name: A, size: 1Gi, image: 'https://x.example/a?sig=hunter2 x'}]\n"),
        machine("  osImage: 'https://u:hunter2@x.example/a'\n"),
    ] {
        fs::write(folder.path().join("a.yaml"), &input).unwrap();
        for format in ["text", "json", "sarif"] {
            let output = run(folder.path(), &["validate", "-f", "a.yaml", "-o", format]);
            let printed = text(&output.stdout) + &text(&output.stderr);
            assert!(!printed.contains("hunter2"), "{input}\n{printed}");
            assert!(printed.contains("WK"), "{input}\n{printed}");
        }
    }
}

#[test]
fn addresses_on_the_command_line_are_masked() {
    for address in ["https://u:hunter2@h/x.yaml", "HTTP://h/x?t=hunter2", "ftp://u:hunter2@h/x"] {
        let output = run(&crate::support::root(), &["render", "-f", address]);
        assert!(!text(&output.stderr).contains("hunter2"), "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(3));
    }
}

/// Masking must not make an ordinary mistake unreadable.
#[test]
fn ordinary_lines_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let spec = |mistake: &str| {
        machine(&format!(
            "  disks:\n    - name: system\n      size: 5Gi\n      boot: true\n      {mistake}\n  sshKeySecret: admin-keys\n"
        ))
    };
    for mistake in [
        "image: ubuntu: 22.04",
        "image ubuntu",
        "image: @system",
        "image: *none",
        "size: 6Gi",
        "image: {{ .Values.image }}",
    ] {
        fs::write(folder.path().join("a.yaml"), spec(mistake)).unwrap();
        let output = run(folder.path(), &["validate", "-f", "a.yaml"]);
        assert!(text(&output.stderr).contains(mistake), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("help:"), "{}", text(&output.stderr));
    }
}

#[test]
fn all_files_together_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let text = format!("{}#{}\n", machine("").replace("name: web", &format!("name: {name}")), "x".repeat(31 << 20));
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let output = run(folder.path(), &["validate", "-f", "."]);
    assert!(text(&output.stderr).contains("128 MiB") && output.status.code() == Some(1), "{}", text(&output.stderr));
}

#[test]
fn debug_prints_hold_no_secret() {
    let input = machine(
        "  cloudInitUser: {name: a, password: hunter2}\n  disks: [{name: a, size: 1Gi, image: 'https://u:hunter2@h/x?sig=hunter2'}]\n",
    );
    let loaded = crate::support::read(&input, &wukong::Options::default());
    assert_eq!(loaded.machines.len(), 1);
    assert!(!format!("{loaded:?}").contains("hunter2"), "{loaded:?}");
    assert!(!format!("{:?}", wukong::Input::new("a", input)).contains("hunter2"));
}

/// Each of these took seconds or gigabytes once. They run in well under a second each; a hang is what a test runner ends.
#[test]
fn small_files_cannot_cost_much() {
    let password =
        |length: usize| machine(&format!("  cloudInitUser: {{name: a, password: {}}}\n", "x".repeat(length)));
    refused(&password(100_000), "WK505");
    refused(&format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a,".repeat(30_000)), "WK003");
    refused(&format!("a: &a {}\nb: {{{}}}\n", "x".repeat(100_000), "*a : 1,".repeat(30_000)), "WK003");
    refused(&"---\na: 1\n".repeat(100_000), "WK108");
    refused(&"---\n]\n".repeat(100_000), "WK001");
    let disks: String = (0..10_000).map(|n| format!("{{name: d{n}, size: 1Gi}},")).collect();
    refused(&machine(&format!("  disks: [{disks}]\n")), "WK105");
    let keys: String = (0..15_000).map(|n| format!("  a-key-that-nobody-knows-and-that-is-long-{n}: 1\n")).collect();
    refused(&machine(&keys), "WK101");
    refused(&machine(&format!("  startStrategy: {{runStrategy: {}}}\n", "x".repeat(2_000_000))), "WK104");
    refused(&machine("").replace("2Gi", &"9".repeat(10_000_000)), "WK003");
}

#[test]
fn messages_do_not_repeat_the_input() {
    let folder = tempfile::tempdir().unwrap();
    for input in [
        machine(&format!("  osImage: {}\n", "9".repeat(1_000_000))),
        machine("").replace("v1alpha1", &"v".repeat(1_000_000)),
        format!("{{{0}: 1, {0}: 2}}\n", "k".repeat(1000)),
    ] {
        fs::write(folder.path().join("a.yaml"), input).unwrap();
        let output = run(folder.path(), &["validate", "-f", "a.yaml"]);
        assert!(output.stderr.len() < 4_000, "{} bytes", output.stderr.len());
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn secrets_of_other_documents_are_left_out_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let others = "kind: SecretList\napiVersion: v1\nitems: [{stringData: {a: hunter2}}]\n---\nkind: secret\nmetadata: {name: x}\nstringData: {a: hunter2}\n";
    let list =
        "---\nkind: List\napiVersion: v1\nitems:\n- kind: Secret\n  metadata: {name: y}\n  stringData: {a: hunter2}\n";
    fs::write(folder.path().join("a.yaml"), format!("{others}{list}")).unwrap();
    let output = run(folder.path(), &["render", "-f", "a.yaml", "--pass-through", "--secrets=omit"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stdout));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_a_directory_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), machine("")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
    let output = run(folder.path(), &["render", "-f", "."]);
    assert!(text(&output.stderr).contains("b.yaml") && output.status.code() == Some(3), "{}", text(&output.stderr));
}

#[test]
fn the_plain_password_is_nowhere_in_what_is_rendered() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), machine("  cloudInitUser: {name: a, password: hunter2}\n")).unwrap();
    let printed = text(&run(folder.path(), &["render", "-f", "a.yaml"]).stdout);
    assert!(!printed.contains("hunter2"));
    assert!(
        !crate::support::cloud_init(&machine("  cloudInitUser: {name: a, password: hunter2}\n"), "userdata")
            .contains("hunter2")
    );
}

fn files(folder: &Path) -> Vec<String> {
    crate::support::entries(folder).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_directory_gets_one_whole_file_per_object() {
    let folder = tempfile::tempdir().unwrap();
    let input = machine("  disks: [{name: a, size: 1Gi}]\n  sshKeySecret: k\n");
    fs::write(folder.path().join("a.yaml"), input).unwrap();
    let output = run(folder.path(), &["render", "-f", "a.yaml", "--output-dir", "out/deep"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected =
        ["prod_persistentvolumeclaim_web-a.yaml", "prod_secret_web-cloud-init.yaml", "prod_virtualmachine_web-vm.yaml"];
    assert_eq!(files(&folder.path().join("out/deep")), expected);
    assert_eq!(text(&output.stdout).lines().count(), 3);
    let stream = text(&run(folder.path(), &["render", "-f", "a.yaml"]).stdout);
    for name in expected {
        assert!(stream.contains(&fs::read_to_string(folder.path().join("out/deep").join(name)).unwrap()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("out/deep").join(expected[1])).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "a Secret is for its owner");
    }
}

#[cfg(unix)]
#[test]
fn links_in_the_directory_are_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), machine("")).unwrap();
    fs::write(folder.path().join("precious"), "precious").unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink(
        folder.path().join("precious"),
        folder.path().join("out/prod_virtualmachine_web-vm.yaml"),
    )
    .unwrap();
    assert!(run(folder.path(), &["render", "-f", "a.yaml", "--output-dir", "out"]).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("precious")).unwrap(), "precious");
}

#[test]
fn names_of_other_documents_cannot_lead_out_of_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    for metadata in ["{name: ../../evil}", "{name: a, namespace: ..}", "{name: /etc/evil}", "{}", "{name: 'a\\b'}"] {
        let input = format!("{}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\n", machine(""));
        fs::write(folder.path().join("a.yaml"), input).unwrap();
        let output = run(folder.path(), &["render", "-f", "a.yaml", "--pass-through", "--output-dir", "out"]);
        assert_eq!(output.status.code(), Some(2), "{metadata}: {}", text(&output.stdout));
        assert!(!folder.path().join("out").exists(), "nothing is written");
    }
}

#[cfg(unix)]
#[test]
fn directories_are_read_without_following_links() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), machine("")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("circle")).unwrap();
    // A directory elsewhere is read by its own name, not through a link.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("b.yaml"), machine("").replace("name: web", "name: db")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("elsewhere")).unwrap();
    let output = run(folder.path(), &["render", "-R", "-f", ".", "-o", "name"]);
    assert_eq!(text(&output.stdout), "virtualmachine.kubevirt.io/web-vm\n");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<_> = (0..200).map(|n| machine("").replace("name: web", &format!("name: web-{n}"))).collect();
    fs::write(folder.path().join("a.yaml"), many.join("---\n")).unwrap();
    let mut child = crate::support::wukong(folder.path(), ["render", "-f", "a.yaml"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
