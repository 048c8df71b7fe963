//! The check that puts the service on a Redis Cluster, and kills the node that counts.

mod trouble;

use std::path::Path;

use load::{Answer, ledger};
use private_redis::{RedisCluster, RedisProgram};
use processes::free_port;
use steps::Source;

use super::page;
use super::prelude::*;
use crate::finding::Verdict;
use trouble::{CLIENTS, HEAL_TIMEOUT, KEY};

/// The first Redis whose nodes can be told which port to use among themselves.
const REDIS_MIN: u32 = 7;

/// How long visitors come before and after the failover.
const CALM: Duration = Duration::from_millis(500);

/// How long the cluster may take to replace a node. It is some 3 s; on a busy machine, it may be more.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(30);

/// The lack is exactly that a `REDIS_URL` with several nodes stops the start, with a word about it.
pub fn cluster(testbed: &Testbed) -> Checked {
    // Nodes that are not there: it takes no cluster to see whether the service would like one.
    let ports = [free_port()?, free_port()?];
    let urls = ports.map(|port| format!("redis://127.0.0.1:{port}"));
    match testbed.launch(&urls.join(","), &[])? {
        Err(ended) => {
            // A service that never shows the value, as it may hold a password, names the variable.
            let names = [&ports[0].to_string(), "REDIS_URL"];
            return ended.gave_up("with several nodes in REDIS_URL", &names);
        }
        Ok(service) => match (service.try_visit()?, service.try_visit()?) {
            (Ok(1), Ok(2)) => return has_but(but::NO_REDIS),
            (Err(_), Err(_)) => service.stop()?,
            _ => return broken("a number was given without any node of a cluster"),
        },
    }
    let mut cluster = RedisCluster::start(real_redis(testbed)?)?;
    let service = testbed.start(&cluster.url(), &[])?;
    for checked in [
        page::counts_at(&service, true),
        page::greets_at(&service),
        page::unique_at(&service),
    ] {
        checked.map_err(|end| Finding {
            verdict: Verdict::Broken,
            evidence: format!("on a cluster: {}", end.evidence),
            ..end
        })?;
    }
    trouble::half_moved(&service, &cluster)?;
    trouble::down(&service, &cluster)?;
    failover(testbed, &service, &mut cluster)
}

/// The program to make a cluster of.
fn real_redis<'a>(testbed: &'a Testbed) -> Checked<&'a Path> {
    let Source::Private(program) = testbed.redis else {
        return left_out(
            "one Redis is no cluster, and the suite makes its own from a redis-server",
        );
    };
    let RedisProgram::Server(path) = program else {
        return left_out("the embedded Redis makes no cluster; it takes a real redis-server");
    };
    let version = program.version().unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    match major.parse::<u32>() {
        Ok(..REDIS_MIN) => left_out("a private cluster takes Redis 7 or later, or Valkey"),
        _ => Ok(path),
    }
}

/// What happened to the cluster while visitors came.
struct Course {
    /// When the master that counts was surely dead.
    killed: Instant,
    /// The count that its replica knew of then, and went on from.
    heard: u64,
    /// The count in the end.
    count: u64,
}

/// Kills the master that counts while visitors come, and says what that cost.
fn failover(testbed: &Testbed, service: &Service, cluster: &mut RedisCluster) -> Checked {
    let (owner, other) = trouble::owner_and_other(cluster)?;
    // It knows one node, which is not the one, and will have to ask it again.
    let other_service = testbed.start(&cluster.node(other).url(), &[])?;
    other_service.visit()?;
    let first = service.visit()? + 1;
    let (answers, course) = load::beside(service.addr, CLIENTS, || -> Checked<_> {
        thread::sleep(CALM);
        cluster.node_mut(owner).kill()?;
        let killed = Instant::now();
        let heard = cluster.last_word(owner, KEY)?;
        let next = cluster.wait_for_another_owner(KEY, owner, FAILOVER_TIMEOUT)?;
        let replaced_after = killed.elapsed().as_secs_f32();
        service.serves_within(HEAL_TIMEOUT, "after a replica took over")?;
        let healed_after = killed.elapsed().as_secs_f32();
        thread::sleep(CALM);
        let times = format!(
            "a replica took over {replaced_after:.1} s after the master was killed, and visits were \
             served after {healed_after:.1} s"
        );
        Ok((killed, heard, next, times))
    });
    let (killed, heard, next, times) = course?;
    let answers = answers.or_else(|error| service.broken(error))?;
    service.visit_at_once(CLIENTS)?;
    let count = cluster.number(next, KEY)?;
    let when = "a service that was told of one node stays with a dead master";
    other_service.serves_within(HEAL_TIMEOUT, when)?;
    let course = Course {
        killed,
        heard,
        count,
    };
    let losses = losses(&answers, first, &course).or_else(broken)?;
    let (_, refused) = load::numbers(&answers);
    has(format!("{times}; {refused} were refused; {losses}"))
}

/// What visitors saw of a failover, if all of it can be explained.
///
/// Redis replies to an increment before it tells the replica, so a master that dies may take counted
/// visits with it. The replica goes on from the last count that it heard of, and the numbers above that
/// are given again: to people who are right to think themselves the first with that number. No client
/// can prevent this, so it is said and measured here, and is no failure of the service.
///
/// All else is. The dead master answered the visits that were sent before it was killed (a visit takes at
/// most a second, and a replica longer than that to take over), and the new one those sent after. Each
/// of the two gives no number twice and skips numbers only for visits that were refused. And what the
/// new one gives, is above what the replica had heard of.
fn losses(answers: &[Answer], first: u64, course: &Course) -> Result<String, String> {
    let numbers = |is_after: bool| {
        let answers = answers.iter();
        load::numbers(answers.filter(|answer| (answer.sent >= course.killed) == is_after))
    };
    let ((before, refused), (after, refused_after)) = (numbers(false), numbers(true));
    let refused = refused + refused_after;
    if before.is_empty() || after.is_empty() {
        return Err(
            "no number was given before the master was killed, or none after it".to_owned(),
        );
    }
    for numbers in [&before, &after] {
        if let Some(number) = ledger::duplicates(numbers).first() {
            return Err(format!(
                "number {number} was given twice by one and the same master"
            ));
        }
    }
    let heard = course.heard;
    if let Some(number) = after.iter().find(|number| **number <= heard) {
        return Err(format!(
            "number {number} was given again, though the replica that took over had heard of {heard}"
        ));
    }
    let highest = *before.iter().max().unwrap_or(&0);
    // The suite's own visits after the load and in it are in the count, and not among the answers.
    let own = CLIENTS + 1;
    for (counted, given, who) in [
        ((highest + 1).saturating_sub(first), before.len(), "old"),
        (course.count.saturating_sub(heard), after.len() + own, "new"),
    ] {
        if counted > (given + refused) as u64 {
            return Err(format!(
                "the {who} master counted {counted} visits, when {given} were given a number and \
                 {refused} were refused"
            ));
        }
    }
    if after.iter().any(|number| *number > course.count) {
        return Err("a number was given that the new master has not counted".to_owned());
    }
    let lost = before.iter().filter(|number| **number > heard).count();
    let again = ledger::duplicates(&[before.as_slice(), &after].concat()).len();
    Ok(format!(
        "of {} numbers that the dead master gave, its replica had not heard of {lost}, and {again} were \
         given again",
        before.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of numbers given before (from 1 on) and after the kill, and of refused visits, when
    /// the replica had heard of the first three and the last count is 6.
    fn judge(before: &[u64], after: &[u64], refused: usize) -> Result<String, String> {
        let killed = Instant::now() + Duration::from_secs(1);
        let answer = |sent, number| Answer { sent, number };
        let early = before
            .iter()
            .map(|n| answer(killed - Duration::from_millis(1), Some(*n)));
        let late = after.iter().map(|n| answer(killed, Some(*n)));
        let refused = (0..refused).map(|_| answer(killed, None));
        let answers: Vec<Answer> = early.chain(late).chain(refused).collect();
        let course = Course {
            killed,
            heard: 3,
            count: 6,
        };
        losses(&answers, 1, &course)
    }

    #[test]
    fn a_failover_explains_what_the_replica_had_not_heard_of_and_nothing_else() {
        for (before, after, refused, words) in [
            (&[1, 2, 3][..], &[4, 5, 6][..], 0, "heard of 0, and 0 were"),
            (&[1, 2, 3, 4, 5], &[4, 6], 1, "heard of 2, and 1 were"),
            (&[1, 2, 2], &[4, 5, 6], 0, "error: number 2 was given twice"),
            (&[1, 2, 3], &[4, 6, 6], 0, "error: number 6 was given twice"),
            (&[1, 2, 3], &[3, 5, 6], 0, "error: number 3 was given again"),
            (&[1, 2, 9], &[4, 5, 6], 5, "error: the old master counted 9"),
            (&[1, 2, 3], &[4, 5, 7], 0, "error: a number was given that"),
            (&[1, 2, 3], &[], 0, "error: no number was given"),
        ] {
            let told = judge(before, after, refused);
            let told = told.unwrap_or_else(|error| format!("error: {error}"));
            assert!(told.contains(words), "expected {words:?}, got {told:?}");
        }
    }
}
