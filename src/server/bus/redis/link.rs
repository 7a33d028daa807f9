//! The two connections to Redis (one for commands, one for packets), and the task that keeps them.
//!
//! Both connections are made, checked and replaced together, so that a node has one answer to "is Redis there?". While
//! they are lost, a call waits for a short time and then fails.
//!
//! This replaces the `ConnectionManager` of the `redis` crate, for two reasons. That one does not replace a connection
//! that is open but dead (a stopped server, a cut cable). And it does not report when all subscriptions are active
//! again.

use std::{convert::Infallible, future::Future, panic::Location, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, ProtocolVersion, PushInfo,
    PushKind, RedisError, RedisResult, ScriptInvocation, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{super::Result, packets::Packets};
use crate::server::metrics;

/// The deadline for one answer of Redis.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// How long a command waits for a lost connection to be made again. A short interruption then causes no error, and a
/// call during an outage fails soon.
const WAIT_FOR_LINK: Duration = Duration::from_millis(500);
/// How often both connections are pinged, so that a dead one is found without traffic.
const PING_EVERY: Duration = Duration::from_secs(1);
/// The first and the longest pause between attempts to connect. Each pause is twice the one before it.
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
/// The size of the client's queue of commands. When it is full, callers wait within their deadline.
const COMMAND_QUEUE: usize = 1_024;
/// The oldest supported version of Redis: it has all the commands that are used here.
const OLDEST: (u32, u32) = (6, 2);

/// Sends commands over the current connection. There is none while Redis is lost.
pub(super) struct Link {
    commands: watch::Receiver<Option<MultiplexedConnection>>,
}

impl Link {
    #[track_caller]
    pub fn query<T: FromRedisValue>(&self, command: &Cmd) -> impl Future<Output = Result<T>> {
        let caller = Location::caller();
        async move {
            let asked = async { answer(command.query_async(&mut self.connection().await?)).await };
            count_failure(caller, asked.await)
        }
    }

    /// Runs many commands in one round trip.
    #[track_caller]
    pub fn query_all<T: FromRedisValue>(&self, commands: &Pipeline) -> impl Future<Output = Result<T>> {
        let caller = Location::caller();
        async move {
            let asked = async { answer(commands.query_async(&mut self.connection().await?)).await };
            count_failure(caller, asked.await)
        }
    }

    /// Runs a script. The script is loaded first if Redis does not have it, for example after a restart of Redis.
    #[track_caller]
    pub fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> impl Future<Output = Result<T>> {
        let caller = Location::caller();
        async move {
            let asked = async { answer(script.invoke_async(&mut self.connection().await?)).await };
            count_failure(caller, asked.await)
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection> {
        let mut commands = self.commands.clone();
        match timeout(WAIT_FOR_LINK, commands.wait_for(Option::is_some)).await {
            Ok(Ok(connection)) => Ok(connection.clone().expect("it was waited for")),
            Ok(Err(_)) | Err(_) => Err(anyhow!("Redis is not reachable").into()),
        }
    }
}

/// Counts a call that failed, for the metrics.
fn count_failure<T>(caller: &Location<'_>, result: Result<T>) -> Result<T> {
    if result.is_err() {
        metrics::count_bus_error(caller);
    }
    result
}

async fn answer<T>(asked: impl Future<Output = RedisResult<T>>) -> Result<T> {
    let answer = timeout(ANSWER_WITHIN, asked).await.context("Redis did not answer in time")?;
    Ok(answer.context("Redis failed")?)
}

/// Makes pairs of connections.
pub(super) struct Dialer {
    client: Client,
    packets: Arc<Packets>,
}

/// Both connections. `closed` is notified when one of them is closed.
pub(super) struct Pair {
    commands: MultiplexedConnection,
    packets: MultiplexedConnection,
    closed: Arc<Notify>,
}

impl Dialer {
    pub fn new(url: &str, packets: &Arc<Packets>) -> anyhow::Result<Self> {
        let info = url.into_connection_info().context("REDIS_URL is no address such as redis://localhost:6379")?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true);
        let client = Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))
            .context("REDIS_URL cannot be used")?;
        Ok(Self { client, packets: packets.clone() })
    }

    /// Makes the first pair and checks the version. The errors say what an operator can do. They name only the address,
    /// since the URL may contain a password.
    pub async fn first(&self) -> anyhow::Result<Pair> {
        let address = self.client.get_connection_info().addr();
        let pair = self.dial().await.with_context(|| {
            format!(
                "Redis at {address} does not answer: start it, or correct REDIS_URL (it has to be Redis 6.2 or later)"
            )
        })?;
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut pair.commands.clone())
            .await
            .with_context(|| format!("Redis at {address} does not tell its version (INFO server)"))?;
        check_version(&info).with_context(|| format!("Redis at {address} will not do"))?;
        Ok(pair)
    }

    async fn dial(&self) -> RedisResult<Pair> {
        let closed = Arc::new(Notify::new());
        let on_push = {
            let (closed, packets) = (closed.clone(), self.packets.clone());
            move |push: PushInfo| {
                match push.kind {
                    PushKind::Message => packets.deliver(push.data),
                    PushKind::Disconnection => closed.notify_one(),
                    _ => {}
                }
                Ok::<_, Infallible>(())
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_pipeline_buffer_size(COMMAND_QUEUE)
            .set_push_sender(on_push);
        let connect = || self.client.get_multiplexed_async_connection_with_config(&config);
        let (commands, packets) = tokio::try_join!(connect(), connect())?;
        let mut pair = Pair { commands, packets, closed };
        pair.ping().await?;
        Ok(pair)
    }

    /// Tries to connect again and again, until it succeeds.
    async fn redial(&self) -> Pair {
        let [mut pause, longest] = RETRY_AFTER;
        loop {
            match self.dial().await {
                Ok(pair) => return pair,
                Err(error) => tracing::debug!(%error, "Redis is still not reachable"),
            }
            sleep(pause).await;
            pause = longest.min(pause * 2);
        }
    }
}

impl Pair {
    async fn ping(&mut self) -> RedisResult<()> {
        let ping = redis::cmd("PING");
        tokio::try_join!(ping.query_async::<()>(&mut self.commands), ping.query_async::<()>(&mut self.packets),)?;
        Ok(())
    }

    /// Keeps the subscriptions in line with the wanted rooms and pings, until a connection fails. On every pair but the
    /// first, it reports missed packets once the subscriptions are active.
    async fn serve(&mut self, packets: &Packets, is_first: bool) -> RedisError {
        let mut subscriptions = packets.subscriptions();
        let mut announce = !is_first;
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(error) = subscriptions.settle(&mut self.packets).await {
                return error;
            }
            if std::mem::take(&mut announce) {
                packets.owe_missed();
            }
            tokio::select! {
                () = packets.wants_change() => {}
                () = self.closed.notified() => return std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
                _ = pings.tick() => {
                    if let Err(error) = self.ping().await {
                        return error;
                    }
                }
            }
        }
    }
}

/// Returns a link over this pair, and the task that replaces the pair whenever it fails.
pub(super) fn keep(dialer: Dialer, mut pair: Pair, packets: Arc<Packets>) -> (Link, impl Future<Output = ()>) {
    let (up, commands) = watch::channel(Some(pair.commands.clone()));
    let keeping = async move {
        let mut is_first = true;
        loop {
            let error = pair.serve(&packets, is_first).await;
            is_first = false;
            up.send_replace(None);
            metrics::count_redis_lost();
            tracing::warn!(%error, "lost Redis: ephemeral rooms refuse, and preserved ones go on through the store");
            pair = dialer.redial().await;
            up.send_replace(Some(pair.commands.clone()));
            tracing::info!("Redis is back");
        }
    };
    (Link { commands }, keeping)
}

fn check_version(info: &str) -> anyhow::Result<()> {
    let found = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default().trim();
    let mut numbers = found.split('.').map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if version < OLDEST {
        let (major, minor) = OLDEST;
        bail!("it is version “{found}”, and AnonChat needs {major}.{minor} or later: update it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redis_that_is_too_old_is_refused_with_its_version() {
        for (version, fits) in [("6.2.0", true), ("7.0.15", true), ("10.1", true), ("6.0.16", false), ("", false)] {
            let answer = check_version(&format!("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n"));
            assert_eq!(answer.is_ok(), fits, "{version}");
        }
        assert!(check_version("redis_version:5.0.3").unwrap_err().to_string().contains("5.0.3"));
    }
}
