//! The two stacks that the server runs on: one node with everything embedded, and nodes that share MongoDB and Redis.

use uuid::Uuid;

use super::{
    Node, Settings,
    services::{shared_mongo, shared_redis},
};

/// Two nodes that share a new database and a new Redis prefix. `None` on a machine without the servers. In CI their
/// absence fails the test.
pub async fn cluster() -> Option<(Node, Node)> {
    cluster_with(&[]).await
}

async fn cluster_with(more: &[(&str, &str)]) -> Option<(Node, Node)> {
    let (mongo, redis) = (shared_mongo()?, shared_redis()?);
    let name = format!("test_{}", Uuid::now_v7().simple());
    let settings = with(Settings::cluster(&mongo, &name, &redis, &name), more);
    Some(tokio::join!(Node::start(&settings), Node::start(&settings)))
}

fn with(settings: Settings, more: &[(&str, &str)]) -> Settings {
    more.iter().fold(settings, |settings, (name, value)| settings.with(name, value))
}

/// Runs `story` twice: with one embedded node as both arguments, then with two nodes of a [`cluster`]. The second run
/// is skipped on a machine without the servers.
pub async fn on_both_stacks(story: impl AsyncFn(&Node, &Node)) {
    on_both_stacks_with(&[], story).await;
}

/// Like [`on_both_stacks`], with further settings for every node.
pub async fn on_both_stacks_with(more: &[(&str, &str)], story: impl AsyncFn(&Node, &Node)) {
    let alone = Node::start(&with(Settings::embedded(), more)).await;
    story(&alone, &alone).await;
    let Some((one, two)) = cluster_with(more).await else { return };
    story(&one, &two).await;
}
