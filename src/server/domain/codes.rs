//! Codes: reading a typed code of eight digits, and judging it. The code of a letter is made in `letters.rs`.

use super::errors::store_failed;
use crate::{
    protocol::{Email, Problem, Secret},
    server::{
        app::{App, Visitor, composed},
        clock,
        store::{ActorId, CodeCheck, Purpose, TokenHash},
    },
};

/// Digits of a mailed code.
const CODE_DIGITS: usize = 8;
/// Wrong tries after which a code is deleted.
const CODE_TRIES: u8 = 5;

/// The digits of a typed or pasted code. Spaces and all other characters are ignored.
pub(super) fn read_code(code: &Secret) -> Result<String, Problem> {
    let digits: String = composed(code.reveal()).chars().filter(char::is_ascii_digit).collect();
    if digits.len() == CODE_DIGITS {
        Ok(digits)
    } else {
        Err(Problem::invalid("code", format!("A code has {CODE_DIGITS} digits.")))
    }
}

/// Whether a code is right, or was right and used a moment ago. Once an address has used up its tries, every code
/// counts as wrong, except in browsers that were logged in with the address before.
pub(super) async fn is_right(
    app: &App,
    visitor: &Visitor,
    purpose: Purpose,
    holder: ActorId,
    email: &Email,
    hash: TokenHash,
) -> Result<bool, Problem> {
    let checked = app.store.try_code(purpose, holder, hash, CODE_TRIES, clock::now()).await.map_err(store_failed)?;
    // Without a stored code nothing can be guessed, so no try is counted.
    if checked == CodeCheck::None {
        return Ok(false);
    }
    let judges = app.limits.may_judge_code(email, visitor.is_known_to(&app.keys, email)).await;
    Ok(judges && matches!(checked, CodeCheck::Right | CodeCheck::Again))
}
