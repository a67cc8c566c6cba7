# What one can run. `just` lists it.

set shell := ["bash", "-euo", "pipefail", "-c"]

_default:
    @just --list --unsorted

# Everything that CI checks.
check:
    .ci/run

# Formatting, checked.
fmt:
    cargo fmt --all --check

# Lints of all targets, warnings are errors.
lint:
    cargo clippy --all-targets --locked -- -D warnings
    cargo clippy --package wukong --no-default-features --lib --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet

# The tests of a working day: minutes.
test *args:
    cargo test --locked {{args}}

# All tests, as CI runs them: also every step killed, every fault, and the programs of others.
test-all:
    CI=1 cargo test --locked

# All tests, with both sets of versions of the control planes.
test-matrix: test-all
    CI=1 WUKONG_CLUSTER=other cargo test --locked --test live

# The control planes of the tests, with the examples loaded, until Ctrl-C (needs go).
cluster:
    cargo run --locked --quiet --example cluster

# The library alone: no clap, no terminal, no file system.
wall:
    cargo test --package wukong --no-default-features --lib --locked

# libwukong with wukong.h and its pkg-config file, for C, Python, Go and others.
install-library prefix:
    src/capi/install.sh {{prefix}}

# The header of the C library, anew from its source.
bless-header:
    WUKONG_BLESS=1 cargo test --locked --package wukong-capi --test header

# The page for browsers: one file, target/page/wukong.html (needs python3 and the target wasm32-unknown-unknown).
page:
    src/capi/page/build.py

# Writes the expected output of all cases anew; read the difference like code.
bless:
    WUKONG_BLESS=1 cargo test --test tests -- cases codes examples

# The library's benchmarks, then the whole process beside virtctl and helm (needs go, hyperfine and python3).
bench:
    cargo bench --locked --package wukong-benches
    bash benches/process.sh
    bash benches/cluster.sh
    bash benches/status.sh
