//! Work after an answer: what a use case leaves for later, so that the answer reveals nothing of it.

use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The work of a node that is done after an answer. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct AfterAnswer(TaskTracker);

impl AfterAnswer {
    /// Starts work. Its lines in the log have the id of the present request.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work.in_current_span());
    }

    /// Lets [`wait`](Self::wait) return once no work is left.
    pub fn close(&self) {
        self.0.close();
    }

    /// Waits until all work is done.
    pub async fn wait(&self) {
        self.0.wait().await;
    }
}
