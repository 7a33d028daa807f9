//! A mailer that stores mails in memory, for tests.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Mail, Mailer, Undelivered};

/// Stores every mail. Tests can make it refuse the next ones.
#[derive(Default)]
pub struct Memory {
    mails: Mutex<Vec<Mail>>,
    refusals: Mutex<Vec<Undelivered>>,
}

impl Memory {
    /// The mails that were sent, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the next `send` fail with this reason.
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
