//! Tests on the real control planes of Kubernetes, KubeVirt and CDI.
//!
//! One cluster serves all of them; it starts with the first test that needs it and ends with this program. Each test
//! has a namespace of its own. Without Go the cluster cannot be built: the tests are then ignored, loudly, unless `CI`
//! is set.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test ends where it fails")]

mod admission;
mod autoexpand;
mod autoexpand_failures;
mod autoexpand_prometheus;
mod causes;
mod changes;
mod completion;
mod copies;
mod crd;
mod doctor;
mod fates;
mod faults;
mod growth;
mod guests;
mod imports;
mod kubectl;
mod migration;
mod moves;
mod nodes;
mod person;
mod places;
mod readme;
mod recovery;
mod rights;
mod safety;
mod safety_faults;
mod safety_killed;
mod safety_names;
mod safety_owned;
mod safety_rights;
mod snapshots;
mod snapshots_exports;
mod sources;
mod users;
mod validate;
mod world;

#[path = "../blocks.rs"]
#[expect(dead_code, reason = "shared with the tests that need no cluster")]
mod blocks;

#[path = "../support.rs"]
#[expect(dead_code, reason = "shared with the tests that need no cluster")]
mod support;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use cluster::Cluster;
use libtest_mimic::{Arguments, Trial};

use crate::world::World;

/// A list of tests from the paths of async functions that take the cluster.
macro_rules! tests {
    ($world:ident, $($module:ident :: $test:ident),* $(,)?) => {
        vec![$(trial($world, concat!(stringify!($module), "::", stringify!($test)), $module::$test)),*]
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The tests wait for controllers most of the time.
    arguments.test_threads.get_or_insert(8);
    let world = Arc::new(World::default());
    let every = std::env::var_os("CI").is_some();
    let mut trials: Vec<_> = long(&world).into_iter().map(|trial| trial.with_ignored_flag(!every)).collect();
    trials.extend(usual(&world));
    trials.extend(of_sources(&world));
    if let Some(missing) = &world.missing {
        let consequence = if every { "and CI is set: they fail" } else { "so they are IGNORED" };
        eprintln!("\nTHE TESTS ON REAL CONTROL PLANES CANNOT RUN, {consequence}: {missing}.");
        trials = trials.into_iter().map(|trial| trial.with_ignored_flag(!every)).collect();
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    world.end();
    conclusion.exit_code()
}

/// Every step killed, every fault, every cause, whatever waits for minutes or starts a cluster of its own: these take longer
/// than all others together, and run with `CI` set or with `-- --include-ignored`. The longest come first, or the others
/// wait for them at the end.
fn long(world: &Arc<World>) -> Vec<Trial> {
    tests!(
        world,
        person::a_killed_starter_leaves_no_process,
        readme::quick_start,
        nodes::a_lost_node_is_noticed,
        changes::waiting_ends,
        copies::a_machine_changes_its_volumes,
        fates::of_what_is_deleted,
        fates::of_what_is_lost,
        moves::taken_back_at_every_step,
        copies::a_change_of_volumes_fails,
        copies::a_change_of_volumes_is_called_off,
        autoexpand::every_refusal_says_why,
        autoexpand::two_at_once,
        admission::every_code_that_is_good,
        moves::killed_at_every_step,
        moves::a_target_node_that_dies,
        moves::live_there_and_back,
        moves::offline_there_and_back,
        moves::a_guest_that_ends_on_the_way,
        moves::a_node_is_emptied,
        recovery::of_a_node_that_died,
        recovery::of_a_node_that_comes_back,
        rights::of_each_role_are_all_used_and_enough,
        autoexpand_prometheus::in_three_runs_to_the_end,
        autoexpand_prometheus::only_what_lasted,
        copies::a_clone_carries_the_content,
        copies::a_clone_waits_for_its_source,
        moves::to_another_node,
        moves::refused_before_the_first_step,
        growth::a_claim_never_grows,
        snapshots_exports::of_a_machine_and_of_its_snapshot,
        migration::to_the_other_node,
        safety_names::meet_in_turn,
        safety_owned::plugged_in_disks,
        autoexpand_failures::a_file_without_its_data_volume,
        autoexpand_failures::a_missing_right_is_told,
        autoexpand_failures::killed_between_the_patch_and_its_answer,
        autoexpand_prometheus::tokens_stay_where_they_belong,
        autoexpand_prometheus::through_the_api_server,
        snapshots::killed_on_the_way_back,
        snapshots::templates_keep_their_disks,
        snapshots::before_a_move,
        snapshots::the_name_of_a_restore_is_taken,
        safety_killed::after_every_write,
        safety_faults::at_every_step,
        places::of_thirteen_backends,
        causes::of_a_person,
        causes::of_the_cluster,
        causes::of_the_file,
        causes::of_the_guest,
    )
}

/// What runs every time; the longest come first here too.
fn usual(world: &Arc<World>) -> Vec<Trial> {
    tests!(
        world,
        kubectl::applies_what_render_prints,
        autoexpand::in_three_runs_to_the_end,
        admission::every_example,
        admission::every_case_that_renders,
        changes::a_fleet_is_applied,
        changes::a_machine_is_adopted,
        changes::every_example_is_applied_without_a_difference,
        changes::kubectl_hands_over,
        changes::policies_come_from_the_cluster,
        changes::the_life_of_a_machine,
        changes::what_only_pretends_to_grow_is_refused,
        completion::names_from_the_cluster,
        crd::every_example_is_accepted,
        crd::every_invalid_example_is_refused,
        doctor::a_cluster_that_is_fit,
        doctor::at_a_stage,
        faults::answers_are_errors,
        faults::connections_are_cut,
        faults::requests_wait,
        faults::watches_pass,
        growth::a_claim_grows_on_its_node,
        guests::a_crash_starts_again,
        guests::a_deleted_machine_leaves_its_disk,
        guests::a_guest_without_agent,
        guests::a_shutdown_ends_a_machine_that_runs_once,
        guests::disks_come_and_go_while_it_runs,
        guests::subresources_stop_and_start,
        imports::a_broken_image_is_tried_again,
        imports::an_import_that_hangs,
        imports::an_image_that_cannot_be_pulled,
        kubectl::finds_the_plugin,
        migration::that_fails,
        migration::of_a_local_disk_is_not_possible,
        readme::in_a_namespace,
        rights::are_bound_as_the_readme_says,
        safety_faults::two_at_once,
        safety_killed::an_interruption,
        safety_killed::the_namespace_goes,
        safety_names::a_claim_in_use,
        safety_names::meet_at_once,
        safety_owned::disks_of_the_machine,
        safety_owned::snapshots_of_a_disk,
        safety_owned::the_identity,
        safety_rights::a_network_of_all_namespaces,
        safety_rights::only_reading,
        safety_rights::without_classes_and_pods,
        safety_rights::without_listing_claims,
        safety_rights::without_listing_machines,
        safety_rights::without_reading_secrets,
        safety_rights::without_writing_secrets,
        snapshots::there_and_back,
        snapshots::what_kubevirt_would_not_do,
        users::may_do_exactly_this,
        validate::what_classes_do,
        validate::what_the_cluster_refuses,
    )
}

fn of_sources(world: &Arc<World>) -> impl Iterator<Item = Trial> {
    sources::SOURCES.iter().map(|source| {
        let world = world.clone();
        Trial::test(format!("sources::{}", source.name), move || {
            Ok(world.run(&async |c: &Cluster| source.runs(c).await)?)
        })
    })
}

fn trial<T>(world: &Arc<World>, name: &str, test: T) -> Trial
where
    T: AsyncFn(&Cluster) -> Result<()> + Send + 'static,
{
    let world = world.clone();
    Trial::test(name, move || Ok(world.run(&test)?))
}
