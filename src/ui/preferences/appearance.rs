//! The page with theme, accent, size of texts, clock, language, and how messages are shown.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::ChooseAppearance,
    protocol::{Accent, HourCycle, Language, Preferences, PreferencesForm, TextSize, Theme},
    ui::{
        auth::{Refused, refusal},
        components::own_name,
        texts::use_preferences_texts,
    },
    visit::PreferencesVisit,
};

use super::parts::{ChoiceForm, Choices, Switch, done};

/// The form. With scripts a choice is shown and stored at once (`choose.js`), else when the form is sent.
pub fn form(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let texts = use_preferences_texts();
    let problem = refusal::<ChooseAppearance>(visit.refused.as_ref());
    let saved = done(visit, PreferencesForm::Appearance, texts.saved());
    let Preferences { theme, accent, text_size, hours, show_marks, language, .. } = visit.preferences.clone();
    let themes =
        Theme::ALL.iter().enumerate().map(|(at, theme)| (theme.as_str(), texts.themes(at), Some(swatch(*theme))));
    let accents =
        Accent::ALL.iter().enumerate().map(|(at, accent)| (accent.as_str(), texts.accents(at), Some(dot(*accent))));
    let sizes =
        TextSize::ALL.iter().enumerate().map(|(at, size)| (size.as_str(), texts.text_sizes(at), Some(sample(*size))));
    let cycles = HourCycle::ALL.iter().enumerate().map(|(at, cycle)| (cycle.as_str(), texts.hour_cycles(at), None));
    let languages = Language::ALL.iter().map(|language| (language.as_str(), own_name(*language), None));
    let languages = [("", texts.as_browser(), None)].into_iter().chain(languages);
    view! {
        <div id=PreferencesForm::Appearance.as_str() class="preferences__anchor">{saved}</div>
        <ChoiceForm action=ChooseAppearance::PATH>
            <section class="card" aria-labelledby="look-heading">
                <h2 id="look-heading" class="card__heading">{texts.look()}</h2>
                <Choices name="theme" legend=texts.theme() options=themes.collect() chosen=theme.as_str()/>
                <Choices name="accent" legend=texts.accent() options=accents.collect() chosen=accent.as_str()/>
                <Choices name="text_size" legend=texts.text_size() options=sizes.collect() chosen=text_size.as_str()/>
            </section>
            <section class="card" aria-labelledby="region-heading">
                <h2 id="region-heading" class="card__heading">{texts.region()}</h2>
                <Choices
                    name="language"
                    legend=texts.language()
                    options=languages.collect()
                    chosen=language.map_or("", Language::as_str)
                />
                <Choices name="hours" legend=texts.hours() options=cycles.collect() chosen=hours.as_str()/>
            </section>
            <section class="card" aria-labelledby="formatting-heading">
                <h2 id="formatting-heading" class="card__heading">{texts.formatting()}</h2>
                <Switch name="show_marks" label=texts.show_marks() text=texts.show_marks_text() on=show_marks/>
            </section>
            <Refused problem fields=&[]/>
        </ChoiceForm>
    }
}

/// A picture of a theme. The theme "as the device" is half light and half dark.
fn swatch(theme: Theme) -> AnyView {
    let (left, right) = match theme {
        Theme::System => ("light", "dark"),
        Theme::Light => ("light", "light"),
        Theme::Dark => ("dark", "dark"),
    };
    let half = |theme: &str| view! { <span class=format!("swatch__half swatch__half--{theme}")></span> };
    view! { <span class="swatch" aria-hidden="true">{half(left)}{half(right)}</span> }.into_any()
}

fn dot(accent: Accent) -> AnyView {
    view! { <span class="dot" data-accent=accent.as_str() aria-hidden="true"></span> }.into_any()
}

fn sample(size: TextSize) -> AnyView {
    let class = format!("sample sample--{}", size.as_str());
    view! { <span class=class aria-hidden="true">"Aa"</span> }.into_any()
}
