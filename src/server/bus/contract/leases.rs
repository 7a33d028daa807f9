//! Tests of leases.

use super::*;

fn guests(count: u64) -> Vec<(RoomId, MemberId)> {
    (0..count).map(|id| (room(), MemberId::from_bits(id))).collect()
}

pub async fn renewing_a_lease_keeps_the_later_end(a: &dyn Bus, b: &dyn Bus) {
    let guest = guests(1);
    a.renew_leases(&[], 100).await.unwrap();
    a.renew_leases(&guest, 100).await.unwrap();
    b.renew_leases(&guest, 50).await.unwrap();
    assert_eq!(a.claim_ended_leases(100, 500, 10).await.unwrap(), []);
    b.renew_leases(&guest, 200).await.unwrap();
    assert_eq!(a.claim_ended_leases(200, 500, 10).await.unwrap(), []);
    assert_eq!(a.claim_ended_leases(201, 500, 10).await.unwrap(), guest);
}

pub async fn adopting_a_lease_changes_none_that_is_there(a: &dyn Bus, b: &dyn Bus) {
    let both = guests(2);
    a.renew_leases(&both[..1], 100).await.unwrap();
    b.adopt_leases(&both, 300).await.unwrap();
    assert_eq!(a.claim_ended_leases(200, 900, 10).await.unwrap(), both[..1]);
    assert_eq!(a.claim_ended_leases(301, 900, 10).await.unwrap(), both[1..]);
}

pub async fn a_lease_is_shortened_and_renewed_again(a: &dyn Bus, b: &dyn Bus) {
    let guest = guests(1);
    let (room, member) = guest[0];
    b.shorten_lease(room, member, 10).await.unwrap();
    assert_eq!(a.claim_ended_leases(11, 500, 10).await.unwrap(), [], "there is none to shorten");
    a.renew_leases(&guest, 300).await.unwrap();
    b.shorten_lease(room, member, 100).await.unwrap();
    b.shorten_lease(room, member, 200).await.unwrap();
    a.renew_leases(&guest, 400).await.unwrap();
    assert_eq!(a.claim_ended_leases(101, 900, 10).await.unwrap(), [], "they came again");
    b.shorten_lease(room, member, 100).await.unwrap();
    b.shorten_lease(room, member, 200).await.unwrap();
    assert_eq!(a.claim_ended_leases(101, 900, 10).await.unwrap(), guest);
}

pub async fn an_ended_lease_is_handed_to_exactly_one_of_many_callers(a: &dyn Bus, b: &dyn Bus) {
    let mut all = guests(50);
    a.renew_leases(&all, 100).await.unwrap();

    let claims = (0..20).map(|i| [a, b][i % 2].claim_ended_leases(101, 500, 4));
    let claimed: Vec<_> = join_all(claims).await.into_iter().map(|claim| claim.unwrap()).collect();
    assert!(claimed.iter().all(|claim| claim.len() <= 4));
    let mut claimed = claimed.concat();
    claimed.sort();
    all.sort();
    assert_eq!(claimed, all);
}

pub async fn a_claimed_lease_is_offered_again_until_it_is_ended(a: &dyn Bus, b: &dyn Bus) {
    let guest = guests(1);
    a.renew_leases(&guest, 100).await.unwrap();
    assert_eq!(a.claim_ended_leases(101, 200, 10).await.unwrap(), guest);
    assert_eq!(b.claim_ended_leases(200, 300, 10).await.unwrap(), []);
    assert_eq!(b.claim_ended_leases(201, 300, 10).await.unwrap(), guest);
    b.end_lease(guest[0].0, guest[0].1).await.unwrap();
    assert_eq!(a.claim_ended_leases(999, 1_000, 10).await.unwrap(), []);
}
