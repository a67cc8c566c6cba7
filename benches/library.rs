//! Benchmarks of the library: what a machine costs to read, to resolve and to render.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wukong::{Input, Options, Report, load, render};

const NETWORKS: &str = include_str!("../examples/networks.yaml");

fn fleet(count: usize) -> String {
    let documents: Vec<_> = (0..count)
        .map(|n| {
            format!(
                "apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {{name: web-{n}, namespace: bench, labels: {{app.kubernetes.io/name: web}}}}
spec:
  cpu: 2
  memory: 4Gi
  disks:
    - {{name: system, size: 20Gi, image: https://images.example/noble.img}}
    - {{name: data, size: 50Gi}}
  cloudInitUser: {{name: ubuntu}}
  sshKeySecret: keys
"
            )
        })
        .collect();
    documents.join("---\n")
}

fn one(c: &mut Criterion) {
    let options = Options::default();
    let mut group = c.benchmark_group("one machine");
    group.bench_function("parse", |b| {
        b.iter(|| wukong::source::documents(0, black_box(NETWORKS), &mut Report::default()));
    });
    group.bench_function("load", |b| {
        b.iter(|| load(vec![Input::new("networks.yaml", black_box(NETWORKS))], &options));
    });
    let loaded = load(vec![Input::new("networks.yaml", NETWORKS)], &options);
    group.bench_function("render", |b| b.iter(|| render(black_box(&loaded.machines[0]), &options)));
    let manifests = render(&loaded.machines[0], &options);
    group.bench_function("write", |b| {
        b.iter(|| {
            let parts = manifests.iter().map(|manifest| wukong::output::Format::Yaml.part(&manifest.object, None));
            parts.map(|part| part.len()).sum::<usize>()
        });
    });
    group.finish();
}

fn many(c: &mut Criterion) {
    let options = Options::default();
    let mut group = c.benchmark_group("load");
    group.sample_size(10);
    for count in [100, 1_000, 10_000] {
        let text = fleet(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} machines"), |b| {
            b.iter(|| load(vec![Input::new("fleet.yaml", text.as_str())], &options));
        });
    }
    group.finish();
}

criterion_group!(benches, one, many);
criterion_main!(benches);
