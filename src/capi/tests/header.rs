//! The header says what the source says.

use std::fs;
use std::path::Path;

#[test]
fn the_header_is_generated_from_the_source() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(home.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in ["src/answer.rs", "src/lib.rs"] {
        builder = builder.with_src(home.join(file));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let path = home.join("wukong.h");
    if std::env::var_os("WUKONG_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "wukong.h is not what the source says; `just bless-header` writes it");
}
