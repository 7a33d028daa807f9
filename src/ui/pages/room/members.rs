//! Who is in the room: a panel beside the timeline where there is space, a dialog elsewhere.

use leptos::prelude::*;

use crate::{
    api::KickMember,
    protocol::Role,
    ui::{
        account::use_account,
        components::{Dialog, Icon, Shape, Submit, When},
        effect::effect,
        form::{Form, Sending},
        live::{MemberLine, use_room},
        texts::use_texts,
        timeline::isolated,
    },
};

/// The members, one a line.
#[component]
fn MemberList(removing: RwSignal<Option<MemberLine>>) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    let may_remove = Memo::new(move |_| room.you.with(|you| you.role == Role::Owner));

    view! {
        <ul class="members">
            <For each=move || room.members.get() key=MemberLine::clone let:member>
                <li class="member">
                    <span class="member__dot" class:member__dot--on=member.connected></span>
                    <span class="member__name" dir="auto">{member.name.to_string()}</span>
                    <span class="visually-hidden">{if member.connected { texts.connected() } else { texts.not_connected() }}</span>
                    {member.is_you.then(|| view! { <span class="tag">{texts.you()}</span> })}
                    {member.is_owner.then(|| view! { <span class="tag">{texts.owner()}</span> })}
                    {(!member.is_you)
                        .then(|| {
                            let name = member.name.to_string();
                            let member = StoredValue::new(member);
                            view! {
                                <When holds=move || may_remove.get()>
                                    <button
                                        type="button"
                                        class="icon-button icon-button--small"
                                        aria-label=texts.remove(&name)
                                        on:click=move |_| removing.set(Some(member.get_value()))
                                    >
                                        <Icon shape=Shape::Close/>
                                    </button>
                                </When>
                            }
                        })}
                </li>
            </For>
        </ul>
        {use_account()
            .is_none()
            .then(|| {
                let (before, after) = texts.to_keep_place();
                // Who is out has no place to keep.
                view! {
                    <When holds=move || room.ending.with(Option::is_none)>
                        <p class="members__aside">
                            {before} <a href=format!("/auth/login?next=/rooms/{}", room.code)>{texts.log_in_or_register()}</a>
                            {after}
                        </p>
                    </When>
                }
            })}
    }
}

/// The panel of a wide screen.
#[component]
pub fn MembersPanel(
    /// Whom the owner is about to remove.
    removing: RwSignal<Option<MemberLine>>,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    view! {
        <aside class="room__side" aria-labelledby="panel-heading">
            <h2 id="panel-heading" class="room__side-heading">{texts.heading()} " " <span class="count">{move || room.members.with(Vec::len)}</span></h2>
            <MemberList removing/>
        </aside>
    }
}

/// The dialog of a narrow screen.
#[component]
pub fn MembersDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Whom the owner is about to remove.
    removing: RwSignal<Option<MemberLine>>,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    let heading = Signal::derive(move || texts.heading_with(&room.members.with(Vec::len).to_string()));
    view! {
        <Dialog open id="members" heading>
            <MemberList removing/>
        </Dialog>
    }
}

/// Asks the owner before a member is removed.
#[component]
pub fn RemoveDialog(
    /// Whom.
    removing: RwSignal<Option<MemberLine>>,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    let kick = Sending::to::<KickMember>();
    let open = RwSignal::new(false);
    let name = Memo::new(move |before: Option<&String>| {
        removing
            .with(|member| member.as_ref().map(|m| m.name.to_string()))
            .or_else(|| before.cloned())
            .unwrap_or_default()
    });
    effect(move || {
        if removing.with(Option::is_some) {
            open.set(true);
        }
    });
    effect(move || {
        if !open.get() && removing.with_untracked(Option::is_some) {
            removing.set(None);
        }
    });
    effect(move || {
        if kick.is_done() && open.get_untracked() {
            open.set(false);
        }
    });
    let whom = move || removing.with(|member| member.as_ref().map(|member| member.id.to_string()));

    view! {
        <Dialog open id="remove" heading=Signal::derive(move || texts.remove_heading(&isolated(&name.get())))>
            <p class="dialog__text">{texts.remove_text()}</p>
            <p class="form-problem" role="status">{move || kick.detail()}</p>
            <Form sending=kick>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <input type="hidden" name="member_id" value=whom/>
                <div class="button-row">
                    <Submit busy=kick.pending class="button button--danger">{texts.remove_button()}</Submit>
                    <button type="button" class="button" on:click=move |_| open.set(false)>{texts.keep()}</button>
                </div>
            </Form>
        </Dialog>
    }
}
