//! Steps that lie. Each lie shows in the numbers, and must be named.

use std::path::Path;

use experiments::{
    Action, Arrivals, Contract, Defect, Experiment, Load, Plan, Redis, Subject, Variant, Verdict,
};
use fault_proxy::Fault;
use private_redis::RedisProgram;
use processes::interrupt::Interrupted;
use steps::{Profile, Program};

/// One reply is lost, and that is all.
const LOSE_A_REPLY: Experiment = Experiment {
    name: "lose-a-reply",
    question: "",
    watch: "",
    all_well: "all is well",
    steps: &[],
    variants: &[Variant {
        name: "",
        settings: &[],
        rules: &[],
    }],
    load: Load {
        visitors: 8,
        arrivals: Arrivals::After(20),
    },
    redis: Redis {
        replies_early: false,
        disk_delay: None,
        has_replica: false,
    },
    copies: 1,
    script: &[(500, Action::Wire(Fault::LostReply, 1))],
    lasts: 3000,
};

/// What is found of steps that lie like that, all of them side by side. They pass for step 6, which has every
/// capability.
fn verdicts<const N: usize>(lies: [&str; N]) -> Option<[Verdict; N]> {
    let Some(redis) = RedisProgram::find() else {
        assert!(std::env::var_os("SEEN_STRICT").is_none(), "install Redis");
        eprintln!("skipped: redis-server is not on PATH");
        return None;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let liar = steps::tool(root.unwrap(), "contract", "lying-step", Profile::Debug);
    let liar = liar.unwrap().expect("it compiles");
    let subjects = lies.map(|lie| Subject {
        name: "step-6-scaled".into(),
        program: Program {
            path: liar.clone(),
            arguments: vec![lie.into()],
        },
        needs_redis: true,
    });
    let plan = Plan {
        experiment: &LOSE_A_REPLY,
        subjects: &subjects,
        redis: &redis,
        contract: &Contract(Vec::new()),
        seed: 1,
        interrupted: &Interrupted::default(),
    };
    let recording = plan.play(&|_, _| {}).unwrap().expect("nobody interrupts");
    let verdicts = recording.columns.into_iter().map(|column| column.verdict);
    verdicts.collect::<Vec<_>>().try_into().ok()
}

#[test]
fn every_lie_is_named_and_an_honest_step_is_believed() {
    let lies = [
        "is honest",
        "gives every tenth number twice",
        "swallows every tenth visit",
        "asks again",
        "answers without a number",
    ];
    let Some([honest, twice, swallows, again, none]) = verdicts(lies) else {
        return;
    };
    assert_eq!((honest.defects, honest.surprises), (vec![], vec![]));
    for (verdict, defects, words) in [
        (twice, vec![Defect::Repeats], "the same number"),
        (
            swallows,
            vec![Defect::Forgets],
            "Redis does not know of them",
        ),
        (again, vec![Defect::CountsTwice], "1 visit that nobody made"),
        (
            none,
            vec![Defect::NoNumber, Defect::StaysDead],
            "got a 200 without a number",
        ),
    ] {
        assert_eq!(verdict.defects, defects, "{verdict:?}");
        assert_eq!(verdict.surprises.len(), defects.len(), "{verdict:?}");
        assert!(verdict.lines[1].contains(words), "{verdict:?}");
    }
}
