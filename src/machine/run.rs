//! When a machine runs: restartPolicy, runStrategy and autoStart make one KubeVirt run strategy.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Span;
use crate::spec::{RestartPolicy, RunStrategy, Spec};

/// Why the three settings have no common meaning.
#[derive(Debug, PartialEq, Eq)]
enum Contradiction {
    /// runStrategy and autoStart.
    StrategyAutoStart,
    /// runStrategy and restartPolicy.
    StrategyPolicy,
}

/// One meaning for the three settings.
fn table(
    strategy: Option<RunStrategy>,
    policy: Option<RestartPolicy>,
    auto_start: Option<bool>,
) -> Result<RunStrategy, Contradiction> {
    use RestartPolicy as P;
    use RunStrategy as S;
    let starts = auto_start.unwrap_or(true);
    match (strategy, policy) {
        (None, None | Some(P::Always)) => Ok(if starts { S::Always } else { S::Halted }),
        (None, Some(P::OnFailure)) => Ok(if starts { S::RerunOnFailure } else { S::Halted }),
        (None, Some(P::Never)) => Ok(if starts { S::Once } else { S::Manual }),
        (Some(running @ S::Always), None | Some(P::Always))
        | (Some(running @ S::RerunOnFailure), None | Some(P::OnFailure))
        | (Some(running @ S::Once), None | Some(P::Never)) => {
            if starts {
                Ok(running)
            } else {
                Err(Contradiction::StrategyAutoStart)
            }
        }
        (Some(waiting @ S::Manual), None | Some(P::Never)) | (Some(waiting @ S::Halted), _) => {
            if auto_start == Some(true) { Err(Contradiction::StrategyAutoStart) } else { Ok(waiting) }
        }
        (Some(S::Always | S::RerunOnFailure | S::Once | S::Manual), Some(_)) => Err(Contradiction::StrategyPolicy),
    }
}

pub(super) fn resolve(spec: &Spec, report: &mut Report) -> Option<RunStrategy> {
    let start = spec.start_strategy.as_ref();
    let strategy = start.and_then(|start| start.run_strategy.as_ref());
    let auto_start = start.and_then(|start| start.auto_start.as_ref());
    let policy = spec.high_availability.as_ref().and_then(|high| high.restart_policy.as_ref());
    let span = |found: Option<Span>| found.unwrap_or(spec.cpu.span);
    match table(strategy.map(|s| s.value), policy.map(|p| p.value), auto_start.map(|a| a.value)) {
        Ok(result) => {
            if let (Some(policy), None, Some(auto_start), RunStrategy::Halted) = (policy, strategy, auto_start, result)
                && policy.value == RestartPolicy::OnFailure
            {
                let message = "the machine stays stopped until someone starts it, and OnFailure is not kept until then";
                // KubeVirt's start call sets Always on a Halted machine. Source: KubeVirt, pkg/virt-api/rest/lifecycle.go.
                report.push(Diagnostic::new(Code::StartByHand, auto_start.span, message).label(policy.span, "OnFailure").help(
                    "when it shall run, remove `autoStart` and apply again; `virtctl start` would set run strategy Always",
                ));
            }
            Some(result)
        }
        Err(Contradiction::StrategyAutoStart) => {
            let strategy_word = strategy.map_or("", |s| s.value.as_str());
            let auto_word = auto_start.is_some_and(|a| a.value);
            let message = format!("runStrategy `{strategy_word}` and autoStart `{auto_word}` contradict each other");
            let problem = Diagnostic::new(Code::RunContradiction, span(auto_start.map(|a| a.span)), message)
                .label(span(strategy.map(|s| s.span)), "the run strategy");
            report.push(problem.help(if auto_word {
                "remove autoStart, or choose a run strategy that starts the machine"
            } else {
                "remove autoStart, or choose runStrategy `Halted` or `Manual`"
            }));
            None
        }
        Err(Contradiction::StrategyPolicy) => {
            let (strategy_word, policy_word) =
                (strategy.map_or("", |s| s.value.as_str()), policy.map_or("", |p| p.value.as_str()));
            let message =
                format!("runStrategy `{strategy_word}` and restartPolicy `{policy_word}` contradict each other");
            report.push(
                Diagnostic::new(Code::RunContradiction, span(strategy.map(|s| s.span)), message)
                    .label(span(policy.map(|p| p.span)), "the restart policy")
                    .help("Always goes with Always, RerunOnFailure with OnFailure, Once and Manual with Never"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell of the table, written out once more.
    #[test]
    fn every_cell_of_the_table() {
        use RestartPolicy as P;
        use RunStrategy as S;
        let policy_error = || Err(Contradiction::StrategyPolicy);
        let auto_error = || Err(Contradiction::StrategyAutoStart);
        let rows = [
            // autoStart: unset, true, false
            (None, None, [Ok(S::Always), Ok(S::Always), Ok(S::Halted)]),
            (None, Some(P::Always), [Ok(S::Always), Ok(S::Always), Ok(S::Halted)]),
            (None, Some(P::OnFailure), [Ok(S::RerunOnFailure), Ok(S::RerunOnFailure), Ok(S::Halted)]),
            (None, Some(P::Never), [Ok(S::Once), Ok(S::Once), Ok(S::Manual)]),
            (Some(S::Always), None, [Ok(S::Always), Ok(S::Always), auto_error()]),
            (Some(S::Always), Some(P::Always), [Ok(S::Always), Ok(S::Always), auto_error()]),
            (Some(S::Always), Some(P::OnFailure), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Always), Some(P::Never), [policy_error(), policy_error(), policy_error()]),
            (Some(S::RerunOnFailure), None, [Ok(S::RerunOnFailure), Ok(S::RerunOnFailure), auto_error()]),
            (Some(S::RerunOnFailure), Some(P::Always), [policy_error(), policy_error(), policy_error()]),
            (Some(S::RerunOnFailure), Some(P::OnFailure), [Ok(S::RerunOnFailure), Ok(S::RerunOnFailure), auto_error()]),
            (Some(S::RerunOnFailure), Some(P::Never), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Once), None, [Ok(S::Once), Ok(S::Once), auto_error()]),
            (Some(S::Once), Some(P::Always), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Once), Some(P::OnFailure), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Once), Some(P::Never), [Ok(S::Once), Ok(S::Once), auto_error()]),
            (Some(S::Manual), None, [Ok(S::Manual), auto_error(), Ok(S::Manual)]),
            (Some(S::Manual), Some(P::Always), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Manual), Some(P::OnFailure), [policy_error(), policy_error(), policy_error()]),
            (Some(S::Manual), Some(P::Never), [Ok(S::Manual), auto_error(), Ok(S::Manual)]),
            (Some(S::Halted), None, [Ok(S::Halted), auto_error(), Ok(S::Halted)]),
            (Some(S::Halted), Some(P::Always), [Ok(S::Halted), auto_error(), Ok(S::Halted)]),
            (Some(S::Halted), Some(P::OnFailure), [Ok(S::Halted), auto_error(), Ok(S::Halted)]),
            (Some(S::Halted), Some(P::Never), [Ok(S::Halted), auto_error(), Ok(S::Halted)]),
        ];
        for (strategy, policy, results) in rows {
            for (auto_start, expected) in [None, Some(true), Some(false)].into_iter().zip(results) {
                assert_eq!(table(strategy, policy, auto_start), expected, "{strategy:?} {policy:?} {auto_start:?}");
            }
        }
    }
}
