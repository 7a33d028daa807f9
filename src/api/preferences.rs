//! Server functions of the pages of preferences. On success each goes back to its form, which shows that it is done.

use leptos::prelude::*;
use uuid::Uuid;

use crate::protocol::{Accent, HourCycle, Notify, OwnMessages, PreferencesForm, Problem, TextSize, Theme};

/// Stores appearance and language. Without a language, pages use the one that the browser asks for.
#[server(prefix = "/api/ui", endpoint = "choose_appearance")]
pub async fn choose_appearance(
    theme: Theme,
    accent: Accent,
    text_size: TextSize,
    hours: HourCycle,
    #[server(default)] show_marks: bool,
    #[server(default)] language: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::{Language, Preferences},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let marks = show_marks.to_string();
    let typed = [
        ("theme", theme.as_str()),
        ("accent", accent.as_str()),
        ("text_size", text_size.as_str()),
        ("hours", hours.as_str()),
        ("show_marks", &marks),
        ("language", &language),
    ];
    let refuse = |problem| context::refuse_form::<ChooseAppearance>(problem, &typed);
    let kept = visitor.account().map_err(refuse)?.0.preferences.clone();
    let language = match context::filled(language.clone()) {
        Some(tag) => {
            let unknown = || refuse(Problem::invalid("language", "This language isn’t available."));
            Some(Language::named(&tag).ok_or_else(unknown)?)
        }
        None => None,
    };
    let wanted = Preferences { theme, accent, text_size, hours, show_marks, language, ..kept };
    domain::profiles::prefer(&app, &visitor, wanted).await.map_err(refuse)?;
    // Also sets the language cookie, so that this browser's pages have the same language after logging out.
    context::request_session().set_language_cookie(&app, language);
    context::redirect_saved(PreferencesForm::Appearance);
    Ok(())
}

/// Stores the preferences about notifications, what others see, and the nickname for new rooms.
#[server(prefix = "/api/ui", endpoint = "choose_chatting")]
pub async fn choose_chatting(
    notify: Notify,
    #[server(default)] sound: bool,
    #[server(default)] show_typing: bool,
    #[server(default)] show_read: bool,
    #[server(default)] nickname: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::Preferences,
        server::{domain, http::context, text},
    };
    let (app, visitor) = context::visitor().await?;
    let as_text = |is_on: bool| if is_on { "true" } else { "false" };
    let typed = [
        ("notify", notify.as_str()),
        ("sound", as_text(sound)),
        ("show_typing", as_text(show_typing)),
        ("show_read", as_text(show_read)),
        ("nickname", &nickname),
    ];
    let refuse = |problem| context::refuse_form::<ChooseChatting>(problem, &typed);
    let kept = visitor.account().map_err(refuse)?.0.preferences.clone();
    let nickname = match context::filled(nickname.clone()) {
        Some(typed) => Some(text::nickname(&typed).map_err(|reason| refuse(("nickname", reason).into()))?),
        None => None,
    };
    let wanted = Preferences { notify, sound, show_typing, show_read, nickname, ..kept };
    domain::profiles::prefer(&app, &visitor, wanted).await.map_err(refuse)?;
    context::redirect_saved(PreferencesForm::Chatting);
    Ok(())
}

#[server(prefix = "/api/ui", endpoint = "rename_account")]
pub async fn rename_account(name: String) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::ChangeName { name: name.clone() };
    domain::profiles::rename(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<RenameAccount>(problem, &[("name", &name)]))?;
    context::redirect_saved(PreferencesForm::Name);
    Ok(())
}

/// Mails a code that confirms `form`, and goes back to it with a field for the code.
#[server(prefix = "/api/ui", endpoint = "send_confirmation")]
pub async fn send_confirmation(
    form: PreferencesForm,
    #[server(default)] email: String,
    #[server(default)] messages: OwnMessages,
) -> Result<(), Problem> {
    use crate::{
        protocol::{CodeUse, RequestCode},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let typed = [("email", &*email), ("messages", messages.as_str())];
    let wanted = RequestCode { email: String::new(), purpose: CodeUse::Confirm };
    domain::login::request_code(&app, &visitor, wanted).await.map_err(|problem| {
        // Several forms on the page have this button. `form` tells the page which of them shows the refusal.
        let typed = [typed.as_slice(), &[("form", form.as_str())]].concat();
        context::refuse_form::<SendConfirmation>(problem, &typed)
    })?;
    context::ask_for_code(form, &typed);
    Ok(())
}

/// Mails a link to a new address, or again to the address of a pending change.
#[server(prefix = "/api/ui", endpoint = "change_email")]
pub async fn change_email(
    email: String,
    #[server(default)] password: String,
    #[server(default)] code: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::Secret,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let (password, code) = (context::filled(password).map(Secret), context::filled(code).map(Secret));
    let typed = [("email", &*email)];
    let asked = [("asked", PreferencesForm::Email.as_str())];
    let asked = if code.is_some() { asked.as_slice() } else { &[] };
    let wanted = crate::protocol::ChangeEmail { email: email.clone(), password, code };
    domain::profiles::change_email(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<ChangeEmail>(problem, &[&typed, asked].concat()))?;
    context::redirect_saved(PreferencesForm::Email);
    Ok(())
}

/// Sets a new password and ends all other sessions.
#[server(prefix = "/api/ui", endpoint = "change_password")]
pub async fn change_password(
    new_password: String,
    #[server(default)] password: String,
    #[server(default)] code: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::Secret,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let (password, code) = (context::filled(password).map(Secret), context::filled(code).map(Secret));
    let asked = [("asked", PreferencesForm::Password.as_str())];
    let asked = if code.is_some() { asked.as_slice() } else { &[] };
    let wanted = crate::protocol::ChangePassword { new_password: Secret(new_password), password, code };
    domain::passwords::change(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<ChangePassword>(problem, asked))?;
    context::redirect_saved(PreferencesForm::Password);
    Ok(())
}

#[server(prefix = "/api/ui", endpoint = "end_session")]
pub async fn end_session(id: Uuid) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::sessions::end_one(&app, &visitor, id)
        .await
        .map_err(|problem| context::refuse_form::<EndSession>(problem, &[]))?;
    context::redirect_saved(PreferencesForm::Devices);
    Ok(())
}

/// Ends all sessions of the account except this one.
#[server(prefix = "/api/ui", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    domain::sessions::end_others(&app, &visitor)
        .await
        .map_err(|problem| context::refuse_form::<EndOtherSessions>(problem, &[]))?;
    context::redirect_saved(PreferencesForm::Devices);
    Ok(())
}

/// Deletes the account, and goes to a page that says so.
#[server(prefix = "/api/ui", endpoint = "delete_account")]
pub async fn delete_account(
    #[server(default)] password: String,
    #[server(default)] code: String,
    #[server(default)] messages: OwnMessages,
) -> Result<(), Problem> {
    use crate::{
        protocol::{DeleteMe, Secret, addresses},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    visitor.account().map_err(context::refuse)?;
    let (password, code) = (context::filled(password).map(Secret), context::filled(code).map(Secret));
    let typed = [("messages", messages.as_str())];
    let asked = [("asked", PreferencesForm::Delete.as_str())];
    let asked = if code.is_some() { asked.as_slice() } else { &[] };
    domain::deletion::forget_me(&app, &visitor, DeleteMe { password, code, messages })
        .await
        .map_err(|problem| context::refuse_form::<DeleteAccount>(problem, &[&typed, asked].concat()))?;
    context::request_session().clear_login_cookies(&app);
    context::redirect_with(addresses::GUEST, &[("done", "deleted")]);
    Ok(())
}
