//! The name under which programs find the library when they start: it changes when the ABI breaks.

use std::env;

/// What programs that were built with another number cannot use. A function that is added does not change it.
const ABI: &str = "0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match system.as_str() {
        "linux" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" | "android" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libwukong.so.{ABI}");
        }
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libwukong.{ABI}.dylib"),
        _ => {}
    }
}
