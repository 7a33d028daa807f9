//! One message of a timeline.

use leptos::prelude::*;

use crate::{
    protocol::ClientId,
    ui::{
        texts::use_texts,
        timeline::{Delivery, Mark, MessageRow, Piece, Row, is_right_to_left, pieces},
    },
};

use super::{Icon, MomentText, Shape, sentence};

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
    /// List who has read it.
    #[prop(into)]
    on_list: Callback<()>,
) -> impl IntoView {
    let texts = use_texts();
    let MessageRow { id, author, own, body, .. } = first;
    let now = Memo::new(move |_| match row.get() {
        Row::Message(MessageRow { opens, closes, at, delivery, mark, .. }) => (opens, closes, at, delivery, mark),
        Row::Day(_) | Row::Notice(_) | Row::Unread => (false, false, None, Delivery::Sent, None),
    });
    let class = {
        let rtl = is_right_to_left(body.as_str());
        move || {
            now.with(|(opens, closes, _, delivery, _)| {
                let parts = [
                    (own, " message--own"),
                    (rtl, " message--rtl"),
                    (*opens, " message--opens"),
                    (*closes, " message--closes"),
                    (*delivery == Delivery::Pending, " message--pending"),
                    (matches!(delivery, Delivery::Failed(_)), " message--failed"),
                ];
                parts.into_iter().filter(|(on, _)| *on).fold("message".to_owned(), |class, (_, part)| class + part)
            })
        }
    };
    let author_class =
        move || if own || !now.with(|now| now.0) { "message__author visually-hidden" } else { "message__author" };
    let at = Memo::new(move |_| now.with(|now| now.2));
    let delivery = Memo::new(move |_| now.with(|now| now.3.clone()));
    let mark = move || {
        now.with(|now| now.4.clone()).map(|Mark { text, has_list }| {
            if has_list {
                view! { <button type="button" class="message__mark" on:click=move |_| on_list.run(())>{sentence(&text)}</button> }
                    .into_any()
            } else {
                view! { <p class="message__mark">{sentence(&text)}</p> }.into_any()
            }
        })
    };
    let name = if own { texts.timeline.you().to_owned() } else { author.name.to_string() };
    let text = pieces(body.as_str()).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.into_any(),
        Piece::Link { href, text } => {
            view! { <a href=href target="_blank" rel="noopener noreferrer nofollow">{text}</a> }.into_any()
        }
    });

    view! {
        <li class=class>
            // No paragraphs: a browser would copy an empty line between two messages.
            <div class=author_class>{name}</div>
            <div class="message__bubble">
                <div class="message__text" dir="auto">{text.collect_view()}</div>
                <div class="message__meta">
                    {move || at.get().map(|at| view! { <MomentText at/> })}
                    {move || {
                        (delivery.get() == Delivery::Pending)
                            .then(|| {
                                view! {
                                    <Icon shape=Shape::Clock/>
                                    <span class="visually-hidden">{texts.timeline.not_sent_yet()}</span>
                                }
                            })
                    }}
                </div>
            </div>
            {move || match delivery.get() {
                Delivery::Failed(reason) => Some(view! { <Refused reason id on_retry on_discard/> }),
                Delivery::Sent | Delivery::Pending => None,
            }}
            {own.then_some(mark)}
        </li>
    }
}

/// What can be done about a message that was refused.
#[component]
fn Refused(
    reason: String,
    id: ClientId,
    on_retry: Callback<ClientId>,
    on_discard: Callback<ClientId>,
) -> impl IntoView {
    let texts = &use_texts().timeline;
    view! {
        <div class="message__failed">
            <p class="message__reason">
                <Icon shape=Shape::Warning/>
                <span>{texts.not_sent(&reason)}</span>
            </p>
            <button type="button" class="text-button" on:click=move |_| on_retry.run(id)>{texts.retry()}</button>
            <button type="button" class="text-button" on:click=move |_| on_discard.run(id)>{texts.discard()}</button>
        </div>
    }
}
