//! Numbers are judged, and commands counted, as they should be.

use load::{
    ledger::{Ledger, acceptable_counts, duplicates, flaw, gaps},
    redis_commands,
};

#[test]
fn every_kind_of_flaw_is_named() {
    assert_eq!(flaw(&[3, 1, 2], 1, 0), None);
    assert_eq!(flaw(&[], 7, 0), None);
    assert_eq!(
        flaw(&[1, 2, 2, 9], 1, 0).unwrap(),
        "of the numbers 1 to 4: 1 given twice (2), 2 missing (3, 4), 1 out of range (9)"
    );
    assert_eq!(
        flaw(&[1, 3], 1, 0).unwrap(),
        "of the numbers 1 to 2: 1 missing (2), 1 out of range (3)"
    );
}

#[test]
fn only_a_visit_that_was_refused_may_leave_a_gap() {
    assert_eq!(flaw(&[1, 3, 4], 1, 1), None);
    assert!(flaw(&[1, 3, 5], 1, 1).unwrap().contains("1 out of range"));
    assert!(flaw(&[1, 3, 3], 1, 1).unwrap().contains("1 given twice"));
}

#[test]
fn a_visit_without_an_answer_may_have_counted() {
    assert_eq!(acceptable_counts(10, 5, 2), 15..=17);
    assert_eq!(duplicates(&[4, 1, 4, 4]), [4, 4]);
    assert_eq!(gaps(&[4, 1], 1..6), [2, 3, 5]);
}

#[test]
fn commands_are_added_up_but_not_the_question() {
    let info = "# Commandstats\r\ncmdstat_incr:calls=5,usec=9,usec_per_call=1.80\r\n\
        cmdstat_info:calls=100,usec=1\r\ncmdstat_client|setinfo:calls=2,usec=1\r\n";
    assert_eq!(redis_commands(info), 7);
    assert_eq!(redis_commands("# Commandstats\r\n"), 0);
}

#[test]
fn the_ledger_knows_duplicates_and_gaps_in_whatever_order_numbers_come() {
    let mut ledger = Ledger::default();
    let new = [7, 3, 4, 9, 5, 4, 9, 9].map(|number| ledger.note(number));
    assert_eq!(new, [true, true, true, true, true, false, false, false]);
    assert_eq!((ledger.given, ledger.duplicates), (8, 3));
    assert_eq!(ledger.gaps(), 2, "6 and 8");
    assert_eq!(
        [2, 5, 6, 7, 8].map(|end| ledger.gaps_up_to(end)),
        [0, 0, 1, 1, 2]
    );
    assert_eq!(ledger.highest(), Some(9));
    ledger.note(8);
    ledger.note(6);
    assert_eq!((ledger.gaps(), ledger.duplicates), (0, 3));
}
