//! Posts: messages to one node.

use super::*;

pub async fn each_node_has_its_own_id_and_one_that_is_not_there_gets_no_post(a: &dyn Bus, b: &dyn Bus) {
    assert_eq!(a.node() == b.node(), !a.is_shared());
    assert!(!a.post(Uuid::new_v4(), Bytes::from_static(b"nobody")).await.unwrap());
}
