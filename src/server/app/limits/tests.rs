//! How long a client waits for each limit, by a clock of the test.

use clap::Parser;
use uuid::Uuid;

use super::*;

#[tokio::test]
async fn the_more_a_client_guesses_the_longer_it_waits_and_nobody_else_does() {
    let (limits, passed) = limits();
    let [client, other] = ["203.0.113.1", "203.0.113.2"].map(|address| address.parse().unwrap());
    let [account, another] = [1, 2].map(|id| AccountId(Uuid::from_u128(id)));
    // A client that tries again as soon as it may.
    let mut waits = Vec::new();
    for _ in 0..80 {
        let mut waited = Duration::ZERO;
        while let Err(problem) = limits.confirm(client, account).await {
            let wait = Duration::from_millis(problem.retry_after_ms.unwrap());
            *passed.lock().unwrap() += wait;
            waited += wait;
        }
        waits.push(waited);
    }
    assert_eq!(waits[..5], [Duration::ZERO; 5]);
    assert_eq!(waits[5..20], [Duration::from_secs(12); 15]);
    // During the waits, some units of the hour's and the day's quota were refilled.
    assert_eq!(waits[25..60], [Duration::from_mins(3); 35]);
    assert_eq!(waits[70..], [Duration::from_mins(24); 10]);

    assert!(limits.confirm(client, account).await.is_err());
    assert_eq!(limits.confirm(other, account).await, Ok(()), "nobody locks the owner out");
    assert_eq!(limits.confirm(client, another).await, Ok(()));
}

/// A node's limits, and the time that has passed on their clock. The test adds to that time.
fn limits() -> (Limits, Arc<Mutex<Duration>>) {
    let (start, passed) = (Instant::now(), Arc::new(Mutex::new(Duration::ZERO)));
    let clock = Arc::clone(&passed);
    let (bus, _news) = LocalBus::with_clock(move || start + *clock.lock().unwrap());
    (Limits::new(&Config::try_parse_from(["anonchat"]).unwrap(), Arc::new(bus)), passed)
}

#[tokio::test]
async fn an_ipv6_client_counts_in_its_wider_networks_too() {
    let (limits, _) = limits();
    let client = |network: u16, host: u16| IpAddr::from([0x2001, 0xdb8, 7, network, 0, 0, 0, host]);
    for host in 0..20 {
        assert_eq!(limits.create(client(1, host)).await, Ok(()));
    }
    assert!(limits.create(client(1, 99)).await.is_err(), "the household has its quota");
    let mut made = 20;
    for network in 0..1_000 {
        made += u32::from(limits.create(client(network, 1)).await.is_ok());
    }
    assert_eq!(made, 20 * 16, "a network of 48 bits has that of sixteen");
    assert_eq!(limits.create("2001:db8:8::1".parse().unwrap()).await, Ok(()), "another has its own");
}

#[tokio::test]
async fn past_the_budget_of_all_no_network_that_is_unknown_tries_a_code_unseen() {
    let (limits, passed) = limits();
    let [known, newcomer] = ["203.0.113.1", "203.0.113.2"].map(|client| client.parse().unwrap());
    drop(limits.join(known).await.unwrap());
    limits.found(known);
    let mut judged = 0;
    for n in 0..5_000u32 {
        let client = IpAddr::V4((0x0a00_0000 + n).into());
        if limits.join(client).await.is_ok() {
            judged += 1;
            limits.missed(client, RoomCode::from_bits(1)).await;
        }
    }
    assert!((600..=601).contains(&judged), "{judged}");
    assert!(limits.join(known).await.is_ok(), "where people join from is not held up");
    let wait = limits.join(newcomer).await.err().unwrap().retry_after_ms.unwrap();
    assert!(wait <= 200, "a newcomer waits for one to be refilled: {wait} ms");
    *passed.lock().unwrap() += Duration::from_millis(wait);
    assert!(limits.join(newcomer).await.is_ok());
}

#[tokio::test]
async fn who_guesses_codes_from_a_large_network_waits_in_all_of_it() {
    let (limits, _) = limits();
    let mut judged = 0;
    for network in 0..1_000 {
        let client = IpAddr::from([0x2001, 0xdb8, 7, network, 0, 0, 0, 1]);
        if limits.join(client).await.is_ok() {
            judged += 1;
            limits.missed(client, RoomCode::from_bits(1)).await;
        }
    }
    assert!((160..170).contains(&judged), "as many as sixteen households: {judged}");
}

#[tokio::test]
async fn a_code_that_leads_nowhere_counts_once_for_a_network_however_often_it_is_tried() {
    let (limits, _) = limits();
    let client = "203.0.113.1".parse().unwrap();
    for _ in 0..100 {
        drop(limits.peek(client).await.unwrap());
        limits.missed(client, RoomCode::from_bits(1)).await;
        drop(limits.join(client).await.unwrap());
        limits.missed(client, RoomCode::from_bits(1)).await;
    }
    let mut judged = 1;
    while limits.peek(client).await.is_ok() {
        judged += 1;
        limits.missed(client, RoomCode::from_bits(judged)).await;
    }
    assert!((10..=11).contains(&judged), "other codes are guesses: {judged}");
    assert!(limits.join(client).await.is_err(), "and who guesses by asking may not join either");
}

#[tokio::test]
async fn who_asks_before_joining_uses_up_none_of_the_joins_of_their_network() {
    let (limits, _) = limits();
    let client = "203.0.113.1".parse().unwrap();
    while limits.peek(client).await.is_ok() {
        limits.found(client);
    }
    for _ in 0..300 {
        assert!(limits.join(client).await.is_ok());
    }
}
