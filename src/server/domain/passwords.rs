//! Passwords: measuring their strength, changing one, and replacing a forgotten one by a mailed link.
//!
//! Hashing and comparing are in `app/hashing.rs`.

use zxcvbn::feedback::{Feedback, Suggestion, Warning};

use super::{letters, letters::posted, login, sessions, store_failed};
use crate::{
    protocol::{
        ChangePassword, Code, Confirmation, ForgotPassword, MeasurePassword, PasswordHint, PasswordStrength, Problem,
        ResetPassword, Secret, limits::PASSWORD_CHARS,
    },
    server::{
        app::{App, Visitor, composed},
        clock,
        store::{ActorId, Ending, Letter, NewPassword, PasswordHash, Purpose, StoreError, TokenHash},
    },
};

/// The least zxcvbn score of an accepted password: at least a hundred million guesses.
const LEAST_SCORE: u8 = 3;

/// Rates a password while its user types it.
pub async fn measure(app: &App, visitor: &Visitor, wanted: MeasurePassword) -> Result<PasswordStrength, Problem> {
    app.limits.measure(visitor.client).await?;
    let MeasurePassword { password, name, email } = wanted;
    strength(app, &password, vec![name, email]).await
}

/// Checks a new password and returns its hash, or the reason for refusing it. `about` holds the user's name and
/// address, which count as easily guessed.
pub(super) async fn choose(
    app: &App,
    field: &str,
    password: &Secret,
    about: Vec<String>,
) -> Result<PasswordHash, Problem> {
    judge(app, field, password, about).await?;
    app.hasher.hash(password).await
}

/// Refuses a password that is too short, too long or too weak.
async fn judge(app: &App, field: &str, password: &Secret, about: Vec<String>) -> Result<(), Problem> {
    let chars = password.reveal().chars().count();
    if !PASSWORD_CHARS.contains(&chars) {
        let (least, most) = PASSWORD_CHARS.into_inner();
        return Err(Problem::invalid(
            field,
            format!("A password needs {least} to {most} characters; this has {chars}."),
        ));
    }
    let strength = strength(app, password, about).await?;
    if !strength.accepted {
        let detail = format!("This password is too easy to guess. {}", strength.advice.unwrap_or_default());
        return Err(Problem { field: Some(field.to_owned()), ..Problem::new(Code::WeakPassword, detail.trim_end()) });
    }
    Ok(())
}

async fn strength(app: &App, password: &Secret, about: Vec<String>) -> Result<PasswordStrength, Problem> {
    let password = composed(password.reveal());
    app.hasher.work(move || estimate(&password, &about)).await
}

/// Rates a password. zxcvbn looks at the first hundred characters only, which bounds the time.
fn estimate(password: &str, about: &[String]) -> PasswordStrength {
    const PRODUCT: &str = "anonchat";
    let words = about.iter().flat_map(|text| text.split(['@', '.', ' ', '-', '_', '+']));
    let inputs: Vec<&str> = about.iter().map(String::as_str).chain(words).chain([PRODUCT]).collect();
    let inputs: Vec<&str> = inputs.into_iter().filter(|text| !text.is_empty()).take(32).collect();
    let entropy = zxcvbn::zxcvbn(password, &inputs);
    let score = u8::from(entropy.score());
    let accepted = score >= LEAST_SCORE && PASSWORD_CHARS.contains(&password.chars().count());
    if accepted {
        return PasswordStrength { score, accepted, advice: None, hints: Vec::new() };
    }
    let feedback = entropy.feedback();
    let warning = feedback.and_then(Feedback::warning);
    let suggestions = feedback.map(Feedback::suggestions).unwrap_or_default();
    let sentences: Vec<String> =
        warning.iter().map(ToString::to_string).chain(suggestions.iter().map(ToString::to_string)).collect();
    let fallback = || "Add another word or two. Uncommon words are better.".to_owned();
    let advice = if sentences.is_empty() { fallback() } else { sentences.join(" ") };
    let mut hints: Vec<PasswordHint> =
        warning.map(hint_of_warning).into_iter().chain(suggestions.iter().copied().map(hint_of_suggestion)).collect();
    hints.push(PasswordHint::MoreWords);
    hints.sort_unstable();
    hints.dedup();
    PasswordStrength { score, accepted, advice: Some(advice), hints }
}

const fn hint_of_warning(warning: Warning) -> PasswordHint {
    match warning {
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => PasswordHint::Common,
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => PasswordHint::Keys,
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            PasswordHint::Repeats
        }
        Warning::SequencesLikeAbcAreEasyToGuess => PasswordHint::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => PasswordHint::Date,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            PasswordHint::Name
        }
        Warning::AWordByItselfIsEasyToGuess => PasswordHint::Word,
    }
}

const fn hint_of_suggestion(suggestion: Suggestion) -> PasswordHint {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases
        | Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters
        | Suggestion::AddAnotherWordOrTwo => PasswordHint::MoreWords,
        Suggestion::CapitalizationDoesntHelpVeryMuch
        | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase
        | Suggestion::ReversedWordsArentMuchHarderToGuess
        | Suggestion::PredictableSubstitutionsDontHelpVeryMuch => PasswordHint::Disguise,
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => PasswordHint::Keys,
        Suggestion::AvoidRepeatedWordsAndCharacters => PasswordHint::Repeats,
        Suggestion::AvoidSequences => PasswordHint::Sequence,
        Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => PasswordHint::Date,
    }
}

/// Changes the password and ends all other sessions. Must be confirmed by the old password or a mailed code (see
/// `login::confirm` for the exception).
pub async fn change(app: &App, visitor: &Visitor, wanted: ChangePassword) -> Result<(), Problem> {
    let (account, session) = visitor.account()?;
    let ChangePassword { new_password, password, code } = wanted;
    let about = vec![account.name.to_string(), login::address_of(account).map(ToString::to_string).unwrap_or_default()];
    app.limits.change_password(visitor.client).await?;
    // Checked first, so that a refused new password uses up neither a code nor a try.
    judge(app, "new_password", &new_password, about).await?;
    login::confirm(app, visitor, Confirmation { password, code }).await?;
    let hash = app.hasher.hash(&new_password).await?;
    let told = account.email.as_ref();
    let mail = told.map(|email| letters::write(app, account, email, Letter::PasswordChanged, visitor.language));
    let mails = mail.into_iter().collect();
    let new = NewPassword { password: Some(hash), ending: Ending::Others(session.id), mails, ..NewPassword::none() };
    sessions::replace_password(app, account.id, &new).await.map_err(store_failed)
}

/// Mails a link to set a new password to the account that has proved the address, else to the first that claims it. No
/// mail is sent if that account has the maximum number of valid links already.
///
/// The response is sent before the address is looked up, so it is the same for every address.
pub async fn forgot(app: &App, visitor: &Visitor, wanted: ForgotPassword) -> Result<(), Problem> {
    let email = login::read_email(&wanted.email)?;
    app.limits.mail(visitor.client, &email).await?;
    let (after, spoken) = (app.clone(), visitor.language);
    app.after_answer.spawn(async move {
        let app = after;
        let sent = async {
            let holders = app.store.holders(&email).await.map_err(store_failed)?;
            let Some(account) = holders.reached() else { return Ok(false) };
            let mail = letters::write(&app, &account, &email, Letter::Reset, spoken);
            let token = letters::token(&app, Purpose::Reset, ActorId::Account(account.id), &mail)?;
            app.store.put_token(&token, Some(&mail), mail.created_at).await.map_err(store_failed)
        };
        match sent.await {
            Ok(_) => posted(&app),
            Err(problem) => tracing::warn!(code = ?problem.code, "a mail was not written"),
        }
    });
    Ok(())
}

/// The state of a link for a new password.
pub enum Link {
    /// The link can be used.
    Good,
    /// A new password was set, by this link or by another one.
    Used,
}

/// Reads the state of a link for a new password without using it, for the page that shows the form.
pub async fn look_at(app: &App, visitor: &Visitor, token: &Secret) -> Result<Link, Problem> {
    let hash = letters::read_link_token(token)?.hash();
    if !visitor.browser.is_cross_site {
        app.limits.try_code(visitor.client).await?;
    }
    match app.store.token(Purpose::Reset, hash, clock::now()).await {
        Ok(_) => Ok(Link::Good),
        Err(StoreError::NotFound) => {
            app.store.used_token(Purpose::Reset, hash, clock::now()).await.map_err(invalid_or_failed)?;
            Ok(Link::Used)
        }
        Err(error) => Err(store_failed(error)),
    }
}

/// Sets a new password by the token of a mail, and ends all sessions.
///
/// The token also proves the address, because only a reader of the mailbox has it. Replacing the password and ending
/// the sessions locks out anybody who had access before. Repeating the request with the same password succeeds.
pub async fn reset(app: &App, visitor: &Visitor, wanted: ResetPassword) -> Result<(), Problem> {
    app.limits.try_code(visitor.client).await?;
    let (hash, now) = (letters::read_link_token(&wanted.token)?.hash(), clock::now());
    let token = match app.store.token(Purpose::Reset, hash, now).await {
        Err(StoreError::NotFound) => return reset_again(app, hash, &wanted.new_password).await,
        token => token.map_err(invalid_or_failed)?,
    };
    let ActorId::Account(id) = token.holder else { return Err(Problem::token_invalid()) };
    let account = app.store.account(id).await.map_err(invalid_or_failed)?;
    if !login::holds(&account, &token.email) {
        return Err(Problem::token_invalid());
    }
    let about = vec![account.name.to_string(), token.email.to_string()];
    let password = choose(app, "new_password", &wanted.new_password, about).await?;
    let mut mails: Vec<_> = login::address_changed(app, visitor, &account, &token.email).into_iter().collect();
    mails.push(letters::write(app, &account, &token.email, Letter::PasswordChanged, visitor.language));
    let (password, proved) = (Some(password), Some(token.email));
    let new = NewPassword { password, proved, mails, followed: Some((hash, now)), ..NewPassword::none() };
    match sessions::replace_password(app, id, &new).await {
        // Of two simultaneous requests with the same token, the second arrives here.
        Err(StoreError::NotFound) => reset_again(app, hash, &wanted.new_password).await,
        outcome => outcome.map_err(invalid_or_failed),
    }
}

/// Judges a request with a used link: it succeeds if the password is the one that was set, because then the button was
/// pressed twice.
async fn reset_again(app: &App, hash: TokenHash, password: &Secret) -> Result<(), Problem> {
    let token = app.store.used_token(Purpose::Reset, hash, clock::now()).await.map_err(invalid_or_failed)?;
    let ActorId::Account(id) = token.holder else { return Err(Problem::token_invalid()) };
    let account = app.store.account(id).await.map_err(invalid_or_failed)?;
    let is_set = app.hasher.check(password, account.password).await?;
    if is_set { Ok(()) } else { Err(Problem::token_invalid()) }
}

/// The answer to a request with a token, if the token or its account cannot be found or used.
pub(super) fn invalid_or_failed(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound | StoreError::Conflict(_) => Problem::token_invalid(),
        error @ StoreError::Other(_) => store_failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(password: &str) -> PasswordStrength {
        estimate(password, &["Ada Lovelace".to_owned(), "ada.lovelace@example.org".to_owned()])
    }

    #[test]
    fn what_is_guessed_soon_is_refused_with_what_to_do() {
        for password in
            ["password", "12345678", "qwertyuiop", "aaaaaaaaaa", "adalovelace", "anonchat1", "chocolate7x", "iloveyou2"]
        {
            let strength = of(password);
            assert!(!strength.accepted, "{password}: {strength:?}");
            assert!(strength.advice.is_some_and(|advice| advice.ends_with('.')), "{password}");
            assert!(strength.hints.contains(&PasswordHint::MoreWords), "{password}");
        }
        assert!(of("password").hints.contains(&PasswordHint::Common));
        assert!(of("aaaaaaaaaa").hints.contains(&PasswordHint::Repeats));
        assert!(of("qwertyuiop").hints.contains(&PasswordHint::Common));
    }

    #[test]
    fn words_that_nobody_puts_together_are_fine_without_any_rules() {
        for password in ["nine purple lanterns", "correct horse battery staple", "öltanker am dienstag"] {
            assert!(of(password).accepted, "{password}");
        }
        assert!(of("nine purple lanterns").hints.is_empty());
        let short = of("x9$Kq2!");
        assert!(!short.accepted, "seven characters");
    }

    #[test]
    fn a_very_long_password_is_measured_by_its_beginning() {
        assert!(of(&"nine purple lanterns ".repeat(12)).accepted);
    }
}
