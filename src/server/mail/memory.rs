//! Mails that are kept in memory, for tests to read.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Mail, Mailer, Undelivered};

/// Keeps every mail. Can be told to refuse the next ones.
#[derive(Default)]
pub struct Memory {
    mails: Mutex<Vec<Mail>>,
    refusals: Mutex<Vec<Undelivered>>,
}

impl Memory {
    /// The mails that came, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses the next mail like this.
    pub fn refuse(&self, reason: Undelivered) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).push(reason);
    }
}

#[async_trait]
impl Mailer for Memory {
    async fn send(&self, mail: &Mail) -> Result<(), Undelivered> {
        if let Some(reason) = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(reason);
        }
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
        Ok(())
    }
}
