//! One message of a timeline.

use leptos::{either::Either, prelude::*};

use crate::{
    protocol::ClientId,
    ui::timeline::{Delivery, MessageRow, Piece, Row, is_right_to_left, pieces},
};

use super::{Icon, MomentText, Shape};

/// A message in its bubble, with what can be done when it was refused.
#[component]
pub fn MessageItem(
    /// What it was when its row was made: author and text stay.
    first: MessageRow,
    /// The row's signal: how far it is, and whether its neighbours belong to it.
    row: ArcRwSignal<Row>,
    /// Try again.
    #[prop(into)]
    on_retry: Callback<ClientId>,
    /// Give it up.
    #[prop(into)]
    on_discard: Callback<ClientId>,
) -> impl IntoView {
    let MessageRow { id, author, own, body, .. } = first;
    let now = Memo::new(move |_| match row.get() {
        Row::Message(message) => Some((message.opens, message.closes, message.at, message.delivery)),
        Row::Day(_) | Row::Notice(_) => None,
    });
    let opens = Memo::new(move |_| now.with(|now| now.as_ref().is_some_and(|(opens, ..)| *opens)));
    let closes = Memo::new(move |_| now.with(|now| now.as_ref().is_some_and(|(_, closes, ..)| *closes)));
    let at = Memo::new(move |_| now.with(|now| now.as_ref().and_then(|(_, _, at, _)| *at)));
    let pending =
        Memo::new(move |_| now.with(|now| now.as_ref().is_some_and(|(.., delivery)| *delivery == Delivery::Pending)));
    let failed = Memo::new(move |_| {
        now.with(|now| match now {
            Some((.., Delivery::Failed(reason))) => Some(reason.clone()),
            _ => None,
        })
    });
    let name = if own { "You".to_owned() } else { author.name.to_string() };
    let text = pieces(body.as_str()).into_iter().map(|piece| match piece {
        Piece::Text(text) => Either::Left(text),
        Piece::Link { href, text } => {
            Either::Right(view! { <a href=href target="_blank" rel="noopener noreferrer nofollow">{text}</a> })
        }
    });

    view! {
        <li
            class="message"
            class:message--own=own
            class:message--rtl=is_right_to_left(body.as_str())
            class:message--opens=move || opens.get()
            class:message--closes=move || closes.get()
            class:message--pending=move || pending.get()
            class:message--failed=move || failed.with(Option::is_some)
        >
            <p class="message__author" class:visually-hidden=move || own || !opens.get()>{name}</p>
            <div class="message__bubble">
                <p class="message__text" dir="auto">{text.collect_view()}</p>
                <p class="message__meta">
                    {move || at.get().map(|at| view! { <MomentText at/> })}
                    <Show when=move || pending.get()>
                        <Icon shape=Shape::Clock/>
                        <span class="visually-hidden">"Not sent yet"</span>
                    </Show>
                </p>
            </div>
            <Show when=move || failed.with(Option::is_some)>
                <div class="message__failed">
                    <p class="message__reason">
                        <Icon shape=Shape::Warning/>
                        <span>"Not sent. " {move || failed.get()}</span>
                    </p>
                    <button type="button" class="text-button" on:click=move |_| on_retry.run(id)>"Retry"</button>
                    <button type="button" class="text-button" on:click=move |_| on_discard.run(id)>"Discard"</button>
                </div>
            </Show>
        </li>
    }
}
