//! The page that the service worker shows while the server does not answer. It contains nothing at first, and then what
//! the device keeps for the address.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Visit, addresses},
    ui::{browser, device, dynamic::dynamic, effect::effect, texts::use_texts},
};

use super::{Brand, Outcome, Shape};

/// How far reading the device has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    NotYet,
    Nothing,
    Visit,
}

/// A quiet page until the device's copy is read. Without a copy for this address it says that there is no connection,
/// and loads the page from the server as soon as that answers.
#[component]
pub fn Frame(
    /// Shows the page of a visit.
    show: fn(Visit) -> AnyView,
) -> impl IntoView {
    let (texts, again) = (&use_texts().kept, use_texts().door.try_again());
    let found = RwSignal::new(Found::NotYet);
    let visit = StoredValue::new(None::<Visit>);
    effect(move || {
        spawn_local(async move {
            let kept = device::visit_for(&browser::path()).await;
            let next = if kept.is_some() { Found::Visit } else { Found::Nothing };
            visit.try_set_value(kept);
            found.try_set(next);
            if next == Found::Nothing {
                browser::reload_when_reachable();
            }
        });
    });
    dynamic(move || {
        let state = found.get();
        if let Some(visit) = visit.try_update_value(Option::take).flatten() {
            return show(visit);
        }
        let content = if state == Found::Nothing {
            view! {
                <Outcome shape=Shape::Offline heading=texts.heading() text=texts.nothing()>
                    // An empty address is this very page, whichever one was asked for.
                    <a href="" rel="external" class="button button--primary button--wide">{again}</a>
                    <a href=addresses::DASHBOARD class="button button--wide">{texts.rooms()}</a>
                </Outcome>
            }
            .into_any()
        } else {
            view! { <p class="page__aside" role="status">{texts.loading()}</p> }.into_any()
        };
        let class = if state == Found::NotYet { "page page--waiting" } else { "page" };
        view! {
            <main class=class>
                <header class="page__bar"><Brand/></header>
                {content}
            </main>
        }
        .into_any()
    })
}
