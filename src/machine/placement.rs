//! Where a machine may run, and how it leaves.

use super::labels::{self, SPREAD_GROUP};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{EvictionStrategy, Spec, TaintEffect, Toleration, TolerationOperator};

/// Seconds that a guest has to shut down unless the file says otherwise.
const GRACE_PERIOD: i64 = 180;
/// The label that names an application; the fallback for the spread group.
const APP_NAME: &str = "app.kubernetes.io/name";

/// Where a machine may run, and how it leaves.
#[derive(Debug)]
pub struct Placement {
    /// Labels that a node must have.
    pub node_selector: Vec<(String, String)>,
    /// Taints that do not keep it away, as the scheduler reads them.
    pub tolerations: Vec<Toleration>,
    /// Which machines prefer other nodes, if any do.
    pub spread: Option<Spread>,
    /// What happens when the node is drained.
    pub eviction: EvictionStrategy,
    /// Seconds that the guest has to shut down.
    pub grace_period: i64,
}

/// Which machines prefer different nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spread {
    /// Those with this label and value.
    Label(String, String),
    /// All Wukongs of the namespace.
    All,
}

pub(super) fn resolve(spec: &Spec, labels: &[(String, String)], report: &mut Report) -> Placement {
    let high = spec.high_availability.as_ref();
    let spreads = high.and_then(|high| high.anti_affinity.as_ref()).is_some_and(|on| on.value);
    let selector = high.and_then(|high| high.node_selector.as_ref());
    let tolerations = high.map(|high| high.tolerations.as_slice()).unwrap_or_default();
    for toleration in tolerations {
        check(toleration, report);
    }
    if let Some(selector) = selector {
        labels::check_selector(selector, report);
    }
    Placement {
        node_selector: selector
            .map(|map| map.0.iter().map(|(key, value)| (key.value.clone(), value.value.clone())).collect())
            .unwrap_or_default(),
        tolerations: tolerations.iter().map(|toleration| toleration.value.clone()).collect(),
        spread: spreads.then(|| spread(labels)),
        eviction: high
            .and_then(|high| high.eviction_strategy.as_ref())
            .map_or(EvictionStrategy::LiveMigrateIfPossible, |strategy| strategy.value),
        grace_period: high
            .and_then(|high| high.termination_grace_period_seconds.as_ref())
            .map_or(GRACE_PERIOD, |seconds| seconds.0),
    }
}

fn spread(labels: &[(String, String)]) -> Spread {
    [SPREAD_GROUP, APP_NAME]
        .iter()
        .find_map(|wanted| labels.iter().find(|(key, _)| key == wanted))
        .map_or(Spread::All, |(key, value)| Spread::Label(key.clone(), value.clone()))
}

/// What the API server refuses. Source: Kubernetes, ValidateTolerations.
fn check(toleration: &Located<Toleration>, report: &mut Report) {
    let operator = toleration.operator.as_ref().map_or(TolerationOperator::Equal, |operator| operator.value);
    let mut bad = |span, message: &str, help: &str| {
        report.push(Diagnostic::new(Code::BadToleration, span, message).help(help));
    };
    if toleration.key.as_ref().is_none_or(|key| key.is_empty()) && operator == TolerationOperator::Equal {
        bad(
            toleration.span,
            "a toleration without `key` tolerates every taint only with `operator: Exists`",
            "add `key` or `operator: Exists`",
        );
    }
    if let (Some(value), TolerationOperator::Exists) = (&toleration.value.value, operator)
        && !value.is_empty()
    {
        bad(value.span, "`operator: Exists` compares no value", "remove `value`, or use `operator: Equal`");
    }
    for (text, key) in [(&toleration.key, true), (&toleration.value.value, false)] {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty())
            && let Some(reason) = if key { labels::check_key(text) } else { labels::check_label_value(text) }
        {
            bad(text.span, if key { "not the key of a taint" } else { "not the value of a taint" }, &reason);
        }
    }
    let effect = toleration.effect.as_ref().map(|effect| effect.value);
    if let (Some(seconds), Some(TaintEffect::NoSchedule | TaintEffect::PreferNoSchedule) | None) =
        (&toleration.toleration_seconds, effect)
    {
        bad(seconds.span, "`tolerationSeconds` goes only with `effect: NoExecute`", "set the effect, or remove it");
    }
}
