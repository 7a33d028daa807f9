//! The strength of passwords: measuring it for a user who types one, and judging a new password by it.
//!
//! Hashing and comparing are in `app/hashing.rs`.

use zxcvbn::feedback::{Feedback, Suggestion, Warning};

use crate::{
    protocol::{Code, MeasurePassword, PasswordHint, PasswordStrength, Problem, Secret, limits::PASSWORD_CHARS},
    server::{
        app::{App, Visitor, composed},
        store::PasswordHash,
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
pub(super) async fn judge(app: &App, field: &str, password: &Secret, about: Vec<String>) -> Result<(), Problem> {
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
