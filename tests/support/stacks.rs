//! The two ways to run: one node that has everything inside, and nodes that share a MongoDB and a Redis.

use uuid::Uuid;

use super::{
    Node, Settings,
    services::{shared_mongo, shared_redis},
};

/// Two nodes on a database and a prefix of their own; `None` on a machine without services (never in CI).
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

/// Runs a story where one node is all there is, and where two share everything.
pub async fn on_both_stacks(story: impl AsyncFn(&Node, &Node)) {
    on_both_stacks_with(&[], story).await;
}

/// The same, with these settings.
pub async fn on_both_stacks_with(more: &[(&str, &str)], story: impl AsyncFn(&Node, &Node)) {
    let alone = Node::start(&with(Settings::embedded(), more)).await;
    story(&alone, &alone).await;
    let Some((one, two)) = cluster_with(more).await else { return };
    story(&one, &two).await;
}
