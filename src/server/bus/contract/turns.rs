//! Tests of quotas and turns.

use super::*;

pub async fn a_throttle_gives_a_burst_and_then_says_exactly_how_long_to_wait(a: &dyn Bus, b: &dyn Bus) {
    let one = Duration::from_secs(1);
    let quota = Quota { burst: 3, per: one * 3 };
    let begun = Instant::now();
    for bus in [a, b, a] {
        assert_eq!(bus.throttle("192.0.2.1", quota).await.unwrap(), None);
    }
    let wait = b.throttle("192.0.2.1", quota).await.unwrap().expect("the burst is used up");
    assert!(wait <= one && wait + begun.elapsed() + Duration::from_millis(1) >= one, "{wait:?}");

    // A refused take was not counted. So one unit is there after the wait, and only one.
    tokio::time::sleep(wait).await;
    assert_eq!(a.throttle("192.0.2.1", quota).await.unwrap(), None);
    assert!(a.throttle("192.0.2.1", quota).await.unwrap().is_some());
}

pub async fn throttles_do_not_share_keys(a: &dyn Bus, b: &dyn Bus) {
    let quota = Quota { burst: 1, per: DEADLINE };
    assert_eq!(a.throttle("one", quota).await.unwrap(), None);
    assert_eq!(b.throttle("other", quota).await.unwrap(), None);
    assert!(b.throttle("one", quota).await.unwrap().is_some());
    assert!(a.throttle("other", quota).await.unwrap().is_some());
}

pub async fn of_several_throttles_all_are_taken_or_none(a: &dyn Bus, b: &dyn Bus) {
    let key = |name: &str| format!("{{one}}:{name}");
    let (narrow, wide) = (Quota { burst: 2, per: DEADLINE }, Quota { burst: 3, per: DEADLINE * 9 });
    let takes = |name: &str| [(key(name), narrow), (key("all"), wide)];
    for bus in [a, b] {
        assert_eq!(bus.throttle_all(&takes("here")).await.unwrap(), None);
    }
    let wait = a.throttle_all(&takes("here")).await.unwrap().expect("the first is used up");
    assert_eq!(wait.which, 0);
    assert!(wait.pause <= DEADLINE / 2);
    assert_eq!(b.throttle_all(&takes("there")).await.unwrap(), None, "what was refused took nothing of the second");
    let wait = b.throttle_all(&takes("here")).await.unwrap().expect("both are used up");
    assert_eq!(wait.which, 1, "the longest wait is the one that counts");
    assert!(wait.pause > DEADLINE / 2);
    assert_eq!(a.throttle_all(&[(key("there"), narrow)]).await.unwrap(), None, "nor of the first");
}

pub async fn a_turn_is_taken_by_exactly_one_of_many_and_comes_again(a: &dyn Bus, b: &dyn Bus) {
    let turns = (0..20).map(|i| [a, b][i % 2].claim_job("tidy", DEADLINE));
    let turns = join_all(turns).await;
    assert_eq!(turns.into_iter().filter(|turn| *turn.as_ref().unwrap()).count(), 1);

    let pause = Duration::from_millis(50);
    assert!(a.claim_job("sweep", pause).await.unwrap());
    eventually("the turn comes again", async || b.claim_job("sweep", pause).await.unwrap()).await;
}
