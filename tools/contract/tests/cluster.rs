//! Steps that lie when they are on a Redis Cluster. The suite must find every one of them out, and
//! believe the one that does not.

mod support;

use support::{STEP, assert_has, check, liar};

fn assert_found_out(lie: &str, words: &str) {
    support::assert_found_out(lie, 6, "cluster", words);
}

#[test]
fn an_honest_step_is_believed_and_the_losses_are_named() {
    if let Some(cell) = check(&liar(6, STEP, &["is honest"]), "cluster") {
        assert_has(&cell);
        let words = "its replica had not heard of";
        assert!(cell.finding.evidence.contains(words), "{cell:?}");
    }
}

#[test]
fn to_stay_with_a_master_is_no_cluster() {
    assert_found_out("stays with a master", "after a replica took over");
}

#[test]
fn redirections_that_are_not_understood_are_found_out() {
    assert_found_out("takes ASK for MOVED", "they came without ASKING");
    assert_found_out("connects every time", "connections to its nodes");
}

#[test]
fn to_end_for_several_nodes_without_a_word_is_no_known_lack() {
    assert_found_out("ends in silence without Redis", "it ended (exit status: 0)");
}

#[test]
fn a_number_without_any_node_is_found_out() {
    assert_found_out("makes a number up", "without any node");
}

#[test]
fn numbers_that_no_failover_explains_are_found_out() {
    assert_found_out("goes back", "given");
}
