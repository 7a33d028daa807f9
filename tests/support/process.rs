//! [`Process`]: a child process of a test.

use std::{
    fs,
    process::{Child, Command, ExitStatus},
};

use tokio::task::spawn_blocking;

use super::poll_until;

/// A child process. Dropping this kills it and waits for its end. So the process does not outlive the test, with the
/// files, ports and pipes that it has open.
pub struct Process(Child);

impl Process {
    /// Starts a process.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// Sends the process a signal by running `kill`, so that no test needs unsafe code.
    pub async fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let status = tokio::process::Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(status.expect("kill is there").success(), "the process can be signalled");
    }

    /// Suspends the process (SIGSTOP), and waits until each of its threads has stopped. `kill` does not wait for that:
    /// on a busy machine a thread may go on for a while, and finish a request.
    pub async fn pause(&self) {
        self.signal("STOP").await;
        let threads = format!("/proc/{}/task", self.0.id());
        poll_until("all threads have stopped", async || {
            let mut threads = fs::read_dir(&threads).into_iter().flatten().flatten();
            threads.all(|thread| {
                // The state follows the name, which is in brackets. A thread that has ended has no file.
                let state = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
                state.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
            })
        })
        .await;
    }

    /// Continues the suspended process (SIGCONT).
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    /// The exit status, once the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be asked")
    }

    /// Kills the process (SIGKILL), and waits for its end.
    pub async fn kill(self) {
        spawn_blocking(|| drop(self)).await.expect("the process can be killed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
