//! The page that lists the browsers in which an account is logged in, and logs them out.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::{EndOtherSessions, EndSession, LogOut},
    protocol::{LocalTime, Millis, PreferencesForm, SessionView},
    ui::{
        auth::{Refused, refusal},
        texts::{use_preferences_texts, use_texts},
        timeline,
    },
    visit::PreferencesVisit,
};

use super::parts::{Switch, done};

const HOUR_MS: Millis = 3_600_000;
const DAY_MS: Millis = 24 * HOUR_MS;

/// This browser, and the list of the others with a button to end each and one to end all of them.
pub fn list(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let own = use_preferences_texts();
    let refused = visit.refused.as_ref();
    let problem = refusal::<EndSession>(refused).or_else(|| refusal::<EndOtherSessions>(refused));
    let (now, local) = (visit.now, visit.local.clone());
    let ended = done(visit, PreferencesForm::Devices, own.ended());
    let (this, others): (Vec<_>, Vec<_>) = visit.sessions.iter().partition(|session| session.current);
    let rows = |sessions: Vec<&SessionView>| {
        let rows: Vec<_> = sessions.into_iter().map(|session| device(session, now, local.as_ref())).collect();
        view! { <ul class="devices">{rows}</ul> }
    };
    let (has_others, this, others) = (!others.is_empty(), rows(this), rows(others));
    view! {
        <div id=PreferencesForm::Devices.as_str() class="preferences__anchor">{ended}<Refused problem fields=&[]/></div>
        <section class="card" aria-labelledby="this-heading">
            <h2 id="this-heading" class="card__heading">{own.this_one()}</h2>
            {this}
        </section>
        {has_others.then(|| view! {
            <section class="card" aria-labelledby="others-heading">
                <h2 id="others-heading" class="card__heading">{own.other_devices()}</h2>
                <p class="card__text">{own.devices_text()}</p>
                {others}
                <form method="post" action=EndOtherSessions::PATH>
                    <button type="submit" class="button button--danger button--wide">{own.end_others()}</button>
                </form>
            </section>
        })}
        // keep.js shows it. What it switches is stored in this browser, and not with the account.
        <section id="kept" class="card" hidden aria-labelledby="kept-heading">
            <h2 id="kept-heading" class="card__heading">{own.kept()}</h2>
            <Switch name="keep" label=own.keep_copy() text=own.keep_copy_text() on=true/>
        </section>
    }
}

fn device(session: &SessionView, now: Millis, local: Option<&LocalTime>) -> impl IntoView + use<> {
    let own = use_preferences_texts();
    let name = device_name(&session.device);
    let day = |at| {
        let day = timeline::day_of(at, local.map_or(0, |local| local.offset(at)));
        timeline::short_date(use_texts(), day, local.map(|local| local.today))
    };
    let lasts = own.session_lasts(&day(session.created_at), &day(session.ends_at));
    let used = if session.current { own.in_use().to_owned() } else { last_used(session.used_at, now) };
    let end = if session.current {
        view! {
            <form method="post" action=LogOut::PATH>
                <button type="submit" class="text-button">{use_texts().account.log_out()}</button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <form method="post" action=EndSession::PATH>
                <input type="hidden" name="id" value=session.id.to_string()/>
                <button type="submit" class="text-button" aria-label=own.end_one(&name)>{own.end()}</button>
            </form>
        }
        .into_any()
    };
    view! {
        <li class="device">
            <p><b>{name.clone()}</b></p>
            <p class="device__facts">{used}</p>
            <p class="device__facts device__lasts">{lasts}</p>
            {end}
        </li>
    }
}

/// Translates the name of a device. The server stores an English name: "Firefox on Linux", one of the two, or
/// "Something unknown".
fn device_name(device: &str) -> String {
    let own = use_preferences_texts();
    match device.split_once(" on ") {
        Some((browser, system)) => own.device(browser, system),
        None if device == "Something unknown" => own.unknown_device().to_owned(),
        None => device.to_owned(),
    }
}

/// How long ago a session was used, in whole hours or days. It needs no time zone, and the server knows it no more
/// exactly.
fn last_used(at: Millis, now: Millis) -> String {
    let own = use_preferences_texts();
    let count = |unit: Millis| usize::try_from((now - at) / unit).unwrap_or_default();
    match now - at {
        ..HOUR_MS => own.used_lately().to_owned(),
        HOUR_MS..DAY_MS => own.used_hours(count(HOUR_MS)),
        DAY_MS.. => own.used_days(count(DAY_MS)),
    }
}
