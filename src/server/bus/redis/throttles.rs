//! Throttles and turns: one key for each, which expires by itself. The quotas' arithmetic is in `throttle.lua`.

use std::{sync::LazyLock, time::Duration};

use redis::{Script, cmd};

use super::{
    super::{Quota, Result, Wait},
    RedisBus,
};

static THROTTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("throttle.lua")));

pub(super) async fn take(bus: &RedisBus, takes: &[(String, Quota)]) -> Result<Option<Wait>> {
    let mut script = THROTTLE.prepare_invoke();
    for (key, quota) in takes {
        let one = quota.refill_of_one();
        let full = one * quota.burst.max(1);
        script.key(format!("{}:throttle:{key}", bus.prefix)).arg(micros(one)).arg(micros(full));
    }
    let (which, wait): (usize, u64) = bus.link.run(&script).await?;
    Ok((wait > 0).then(|| Wait { which: which.saturating_sub(1), pause: Duration::from_micros(wait) }))
}

pub(super) async fn claim_job(bus: &RedisBus, job: &str, pause: Duration) -> Result<bool> {
    let mut set = cmd("SET");
    // Redis refuses an expiry of 0 ms.
    set.arg(format!("{}:turn:{job}", bus.prefix)).arg("").arg("NX").arg("PX").arg(pause.as_millis().max(1).to_string());
    let taken: Option<String> = bus.link.query(&set).await?;
    Ok(taken.is_some())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
