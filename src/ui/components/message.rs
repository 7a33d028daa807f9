//! One message of a timeline: author, bubble, time, delivery, and the mark below it.

use leptos::{
    ev::MouseEvent,
    prelude::*,
    task::{spawn_local, tick},
};

use crate::{
    protocol::{ClientId, markdown::is_few_emoji},
    ui::{
        browser,
        clock::use_clock,
        dynamic::dynamic,
        face::Face,
        texts::use_texts,
        timeline::{Chip, Delivery, Mark, MessageRow, QuoteLine, Row, is_right_to_left, rfc3339},
    },
};

use super::{Icon, Shape, formatted, sentence};

/// A message with more lines than this is folded. The style shows a few lines fewer of a folded message.
const FOLDED_FROM: usize = 18;
/// The estimated number of characters on a full line of a bubble.
const LINE_CHARS: usize = 72;

/// Estimates how many lines a text takes at least.
fn lines(text: &str) -> usize {
    text.split('\n').map(|line| line.chars().count() / LINE_CHARS + 1).sum()
}

/// What can be done with messages, the same for all of a timeline.
#[derive(Clone, Copy)]
pub struct MessageActs {
    /// Sends a refused message again.
    pub retry: Callback<ClientId>,
    /// Moves a refused message into the composer.
    pub edit: Callback<ClientId>,
    /// Discards a refused message.
    pub discard: Callback<ClientId>,
    /// Opens the list of readers.
    pub list_readers: Callback<()>,
}

/// A message in its bubble. A refused message has buttons to try again, to edit it and to discard it.
///
/// A step from room to room renders a screenful of messages, so a message has few elements and few parts that follow
/// signals.
#[component]
pub fn MessageItem(
    /// The message when its row was created. A message whose words change gets a new row.
    first: MessageRow,
    /// The signal of the row: delivery, time, reactions, mark, and whether the message opens or closes a group.
    row: ArcRwSignal<Row>,
    acts: MessageActs,
) -> impl IntoView {
    let texts = use_texts();
    let MessageRow { id, author, own, body, mentioned, edited, deleted, quote, delivery, .. } = first;
    // The message of another person has a mark while the room's owner deletes it.
    let has_mark = own || delivery != Delivery::Sent;
    let now = Memo::new(move |_| {
        row.with(|row| match row {
            Row::Message(MessageRow { opens, signed, closes, at, chips, delivery, mark, .. }) => {
                ((*opens, *signed, *closes), (*at, chips.clone()), delivery.clone(), mark.clone())
            }
            Row::Day(_) | Row::Notice(_) | Row::Unread | Row::Hole(_) => {
                ((false, false, false), (None, Vec::new()), Delivery::Sent, None)
            }
        })
    });
    // A very long message is folded, so that it does not push other messages off the screen.
    let folded = (lines(body.as_str()) > FOLDED_FROM).then(|| RwSignal::new(true));
    // The style draws the picture of a signed message from classes and initials, without an element.
    let face = (!own).then(|| Face::of_member(author.id, author.name.as_str()));
    let (look, initials) = face.map(|face| (format!("message {}", face.look), face.initials)).unzip();
    let look = look.unwrap_or_else(|| "message message--own".to_owned());
    let class = {
        let rtl = is_right_to_left(body.as_str());
        let is_deleted = deleted.is_some();
        let is_large = !is_deleted && is_few_emoji(body.as_str());
        let calls_reader = !own && mentioned.iter().any(|mentioned| mentioned.is_reader);
        move || {
            now.with(|((opens, signed, closes), _, delivery, _)| {
                let parts = [
                    (*signed, " message--signed"),
                    (rtl, " message--rtl"),
                    (*opens, " message--opens"),
                    (*closes, " message--closes"),
                    (*delivery == Delivery::Pending, " message--pending"),
                    (matches!(delivery, Delivery::Failed { .. }), " message--failed"),
                    (is_deleted, " message--deleted"),
                    (is_large, " message--large"),
                    (calls_reader, " message--calls"),
                    (folded.is_some_and(|folded| folded.get()), " message--folded"),
                ];
                parts.into_iter().filter(|(on, _)| *on).fold(look.clone(), |class, (_, part)| class + part)
            })
        }
    };
    let name = if own { texts.timeline.you().to_owned() } else { author.name.to_string() };
    let edited = edited.then(|| view! { <span class="message__edited">{texts.timeline.edited()}</span> }.into_any());
    let text = (formatted(body.as_str(), &mentioned), edited);
    let text = if let Some(deleted) = deleted {
        view! { <div class="message__text">{sentence(&deleted)}</div> }.into_any()
    } else if let Some(folded) = folded {
        let more = move |event: MouseEvent| {
            // When a message is unfolded, its top edge stays in place and the rest appears below. The timeline is
            // anchored at its bottom and would otherwise push the text upwards.
            let row = browser::row_of(&event).filter(|_| folded.get_untracked());
            folded.update(|folded| *folded = !*folded);
            if let Some(row) = row {
                spawn_local(async move {
                    tick().await;
                    row.restore_top();
                });
            }
        };
        let label = move || if folded.get() { texts.timeline.read_more() } else { texts.timeline.read_less() };
        let expanded = move || if folded.get() { "false" } else { "true" };
        // "Find in page" and the Tab key scroll to text in the folded part. Such a scroll unfolds the message.
        let unfold = move |_| {
            if folded.get_untracked() {
                folded.set(false);
            }
        };
        view! {
            <div class="message__text" dir="auto" on:scroll=unfold>{text}</div>
            <button type="button" class="message__more" aria-expanded=expanded on:click=more>{dynamic(label)}</button>
        }
        .into_any()
    } else {
        view! { <div class="message__text" dir="auto">{text}</div> }.into_any()
    };

    let quote = quote.map(|quote| {
        let QuoteLine { author, text } = *quote;
        let author = author.map(|author| view! { <bdi class="who">{author}</bdi> }.into_any());
        view! { <button type="button" class="message__quote" dir="auto">{author} " " {text}</button> }.into_any()
    });

    let clock = use_clock();
    let meta = move || {
        now.with(|(_, (at, chips), delivery, _)| {
            let time = |at| view! { <time datetime=rfc3339(at)>{clock.hour_and_minute(at)}</time> }.into_any();
            let waits = *delivery == Delivery::Pending;
            let waits = waits.then(|| view! { <Icon shape=Shape::Clock/> }.into_any());
            view! {
                <div class="message__meta">{at.map(time)} {waits}</div>
                {(!chips.is_empty()).then(|| reactions(chips))}
            }
        })
    };
    let below = move || now.with(|(_, _, delivery, mark)| below(id, delivery, mark.as_ref(), acts));

    view! {
        <li class=class data-initials=initials>
            // `div`, not `p`: when several messages are copied, a browser inserts an empty line between paragraphs.
            <div class="message__author">{name}</div>
            <div class="message__bubble">
                {quote}
                {text}
                {dynamic(meta)}
            </div>
            {has_mark.then(|| dynamic(below).into_any())}
        </li>
    }
}

/// The reactions to a message. The list of rows listens for clicks.
fn reactions(chips: &[Chip]) -> AnyView {
    let texts = &use_texts().timeline;
    let chip = |Chip { emoji, count, mine, names }: &Chip| {
        let label = if *mine { texts.reacted_too(*count, emoji) } else { texts.reacted(*count, emoji) };
        let pressed = if *mine { "true" } else { "false" };
        view! {
            <button type="button" class="reaction" value=emoji.clone() aria-pressed=pressed aria-label=label title=(!names.is_empty()).then(|| names.clone())>
                <span class="reaction__emoji">{emoji.clone()}</span>
                {count.to_string()}
            </button>
        }
        .into_any()
    };
    view! { <div class="message__reactions">{chips.iter().map(chip).collect_view()}</div> }.into_any()
}

/// What is below an own message: that it waits, or why it was refused, or its mark.
fn below(id: ClientId, delivery: &Delivery, mark: Option<&Mark>, acts: MessageActs) -> AnyView {
    match (delivery, mark) {
        (Delivery::Failed { reason, has_text }, _) => {
            view! { <Refused reason=reason.clone() id has_text=*has_text acts/> }.into_any()
        }
        (Delivery::Pending, _) => {
            let waits = use_texts().timeline.not_sent_yet();
            view! { <p class="message__waits visually-hidden">{waits}</p> }.into_any()
        }
        (Delivery::Sent, Some(Mark { text, has_list: true })) => {
            let list = move |_| acts.list_readers.run(());
            view! { <button type="button" class="message__mark" on:click=list>{sentence(text)}</button> }.into_any()
        }
        (Delivery::Sent, Some(Mark { text, has_list: false })) => {
            view! { <p class="message__mark">{sentence(text)}</p> }.into_any()
        }
        (Delivery::Sent, None) => ().into_any(),
    }
}

/// The reason of a refusal, with buttons to try again, and to edit and to discard what was refused. A refused deletion
/// has no text to edit.
#[component]
fn Refused(reason: String, id: ClientId, has_text: bool, acts: MessageActs) -> impl IntoView {
    let texts = &use_texts().timeline;
    view! {
        <div class="message__failed">
            <p class="message__reason">
                <Icon shape=Shape::Warning/>
                <span>{texts.not_sent(&reason)}</span>
            </p>
            <button type="button" class="text-button" on:click=move |_| acts.retry.run(id)>{texts.retry()}</button>
            {has_text.then(|| {
                view! { <button type="button" class="text-button" on:click=move |_| acts.edit.run(id)>{texts.edit()}</button> }
                    .into_any()
            })}
            <button type="button" class="text-button" on:click=move |_| acts.discard.run(id)>{texts.discard()}</button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_breaks_and_by_length() {
        assert_eq!(lines("One"), 1);
        assert_eq!(lines(&format!("A{}B", "\n".repeat(3_998))), 3_999);
        assert!(lines(&"word ".repeat(800)) > FOLDED_FROM);
        assert!(lines(&"word ".repeat(200)) < FOLDED_FROM);
    }
}
