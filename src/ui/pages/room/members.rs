//! The members of a room: a panel beside the timeline on a wide screen, a dialog on a narrow one. The dialogs that
//! remove a member, give the room away or name an heir are here as well.

use leptos::{ev::MouseEvent, prelude::*};

use crate::{
    api::{GiveRoom, KickMember},
    protocol::{Person, Role, RoomType, addresses, sorted::sort_by_key},
    ui::{
        account::use_account,
        browser,
        components::{Dialog, Icon, ItemKey, Lazy, List, Portrait, Shape, Submit, When},
        dynamic::dynamic,
        effect::effect,
        face::Face,
        form::{Form, FormRequest},
        live::{LiveRoom, MemberLine, use_room},
        rooms::is_like,
        texts::{Members, use_texts},
        timeline::isolate_name,
    },
};

/// The members that the owner has chosen for an action. A dialog asks for confirmation before it is done.
#[derive(Clone, Copy)]
pub struct OwnerAction {
    pub removing: RwSignal<Option<MemberLine>>,
    /// The member to give the room to.
    pub giving: RwSignal<Option<MemberLine>>,
}

impl OwnerAction {
    pub fn none() -> Self {
        Self { removing: RwSignal::new(None), giving: RwSignal::new(None) }
    }

    /// Whether a member is chosen.
    pub fn is_chosen(self) -> bool {
        self.removing.with(Option::is_some) || self.giving.with(Option::is_some)
    }
}

/// The id of the panel on a wide screen.
pub const PANEL: &str = "panel";
/// From this number of members on, the list has a field that searches it.
const SEARCHED_FROM: usize = 12;

/// The members of the room. A reader who is no longer in it is none of them, whatever the last picture of it says.
fn present(room: &LiveRoom) -> Vec<MemberLine> {
    let is_here = room.ending.with(Option::is_none);
    let mut members = room.members.get();
    members.retain(|member| is_here || !member.is_you);
    members
}

/// The number of people in the list: the members, and whoever's place is kept.
fn count(room: &LiveRoom) -> String {
    (present(room).len() + usize::from(room.expected.with(Option::is_some))).to_string()
}

/// The list of members. The owner has a button beside every other member, which opens the menu of that member.
#[component]
fn MemberList(
    action: OwnerAction,
    /// The id of the menu, unique on the page.
    menu: &'static str,
) -> impl IntoView {
    let room = use_room();
    let all = use_texts();
    let texts = &all.members;
    let is_mine = Memo::new(move |_| {
        // Who is no longer in the room owns nothing in it, whatever the last picture of it says.
        room.ending.with(Option::is_none) && room.you.with(|you| you.role == Role::Owner)
    });
    let is_long = move || room.members.with(Vec::len) >= SEARCHED_FROM;
    let typed = RwSignal::new(String::new());
    let shown = move || {
        let typed = typed.get();
        let mut members = present(&room);
        members.retain(|member| is_like(member.name.as_str(), &typed));
        members
    };
    let chosen = RwSignal::new(None::<MemberLine>);
    // Choosing an action closes the menu, so the member stays chosen until the next one is.
    let item = move |class, label: fn(&Members, &str) -> String, shape, whom: RwSignal<Option<MemberLine>>| {
        let label = move || chosen.with(|member| member.as_ref().map(|member| label(texts, member.name.as_str())));
        let act = move |event: MouseEvent| {
            browser::close_layer(&event);
            whom.set(chosen.get_untracked());
        };
        view! {
            <button type="button" class=class on:click=act>
                <Icon shape/>
                <span dir="auto">{dynamic(label)}</span>
            </button>
        }
    };

    view! {
        <When holds=is_long>
            <input
                class="field__input members__find"
                type="search"
                aria-label=texts.find()
                placeholder=texts.find()
                autocomplete="off"
                spellcheck="false"
                on:input=move |event| typed.set(event_target_value(&event))
            />
        </When>
        <ul class="members">
            <List each=shown key=|member| ItemKey::Member(member.clone()) let:member>
                <li class="member">
                    <Portrait
                        face=Face::of_member(member.id, member.name.as_str())
                        class="portrait--small"
                        connected=member.connected
                    />
                    <span class="member__words">
                        <span class="member__name" dir="auto">{member.name.to_string()}</span>
                        <span class="visually-hidden">{if member.connected { texts.connected() } else { texts.not_connected() }}</span>
                        {member.is_you.then(|| view! { <span class="tag">{texts.you()}</span> }.into_any())}
                        {member.is_owner.then(|| view! { <span class="tag">{texts.owner()}</span> }.into_any())}
                    </span>
                    {(!member.is_you)
                        .then(|| {
                            let label = texts.actions(member.name.as_str());
                            let member = StoredValue::new(member);
                            view! {
                                <When holds=move || is_mine.get()>
                                    <button
                                        type="button"
                                        class="icon-button member__more"
                                        popovertarget=menu
                                        aria-label=label.clone()
                                        on:click=move |_| chosen.set(Some(member.get_value()))
                                    >
                                        <Icon shape=Shape::More/>
                                    </button>
                                </When>
                            }
                            .into_any()
                        })}
                </li>
            </List>
            {dynamic(move || {
                let kept = |person: Person| {
                    view! {
                        <li class="member">
                            <Portrait face=Face::of_member(person.id, person.name.as_str()) class="portrait--small"/>
                            <span class="member__words">
                                <span class="member__name" dir="auto">{person.name.to_string()}</span>
                                <span class="tag">{texts.kept()}</span>
                            </span>
                        </li>
                    }
                    .into_any()
                };
                room.expected.get().map(kept)
            })}
        </ul>
        <div id=menu class="menu room-menu" popover="auto">
            {item("menu__item", Members::give, Shape::Owner, action.giving)}
            {item("menu__item menu__item--danger", Members::remove, Shape::Remove, action.removing)}
        </div>
        {use_account()
            .is_none()
            .then(|| {
                let (before, after) = texts.to_keep_place();
                let minutes = room.leaves_after.map(|seconds| usize::try_from(seconds.div_ceil(60)).unwrap_or(usize::MAX));
                let leave = minutes.map(|minutes| all.connection.guests_leave(minutes));
                // A guest who is no longer in the room has no place to keep.
                view! {
                    <When holds=move || room.ending.with(Option::is_none)>
                        <p class="members__aside">
                            {leave.clone()} " " {before} <a href=addresses::with_next(addresses::LOG_IN, &addresses::room(room.code)) rel="external">{texts.log_in_or_register()}</a>
                            {after}
                        </p>
                    </When>
                }
                .into_any()
            })}
    }
}

/// The panel on a wide screen.
#[component]
pub fn MembersPanel(
    /// The members that the owner has chosen for an action.
    action: OwnerAction,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    // A step shows who wrote what first, and who is there once the browser has time.
    let has_time = RwSignal::new(!room.is_step);
    effect(move || {
        if room.is_step {
            browser::when_idle(move || _ = has_time.try_set(true));
        }
    });
    view! {
        <aside id=PANEL class="room__side" aria-labelledby="panel-heading">
            <h2 id="panel-heading" class="room__side-heading">{texts.heading()} " " <span class="count">{dynamic(move || count(&room))}</span></h2>
            <Lazy wanted=has_time><MemberList action menu="panel-menu"/></Lazy>
        </aside>
    }
}

/// The dialog on a narrow screen.
#[component]
pub fn MembersDialog(
    open: RwSignal<bool>,
    /// The members that the owner has chosen for an action.
    action: OwnerAction,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    let heading = Signal::derive(move || texts.heading_with(&count(&room)));
    view! {
        <Dialog open id="members" heading>
            <MemberList action menu="members-menu"/>
        </Dialog>
    }
}

/// The two dialogs that ask the owner before a member is removed or gets the room.
#[component]
pub fn OwnerActionDialogs(
    /// The members that the owner has chosen for an action.
    action: OwnerAction,
) -> impl IntoView {
    let (kick, give) = (FormRequest::to::<KickMember>(), FormRequest::to::<GiveRoom>());
    view! {
        <AskDialog whom=action.removing gives=false request=kick/>
        <AskDialog whom=action.giving gives=true request=give/>
    }
}

#[component]
fn AskDialog(whom: RwSignal<Option<MemberLine>>, gives: bool, request: FormRequest) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().members;
    let open = RwSignal::new(false);
    let name = Memo::new(move |before: Option<&String>| {
        whom.with(|member| member.as_ref().map(|m| m.name.to_string())).or_else(|| before.cloned()).unwrap_or_default()
    });
    effect(move || {
        if whom.with(Option::is_some) {
            open.set(true);
        }
    });
    effect(move || {
        if !open.get() && whom.with_untracked(Option::is_some) {
            whom.set(None);
        }
    });
    effect(move || {
        if request.is_done() && open.get_untracked() {
            open.set(false);
        }
    });
    let member = move || whom.with(|member| member.as_ref().map(|member| member.id.to_string()));
    let (id, class, text, act, keep) = if gives {
        ("give", "button button--primary", texts.give_text(), texts.give_button(), texts.keep_room())
    } else {
        ("remove", "button button--danger", texts.remove_text(), texts.remove_button(), texts.keep())
    };
    let heading = Signal::derive(move || {
        let name = isolate_name(&name.get());
        if gives { texts.give_heading(&name) } else { texts.remove_heading(&name) }
    });

    view! {
        <Dialog open id heading>
            <p class="dialog__text">{text}</p>
            <p class="form-problem" role="status">{dynamic(move || request.detail())}</p>
            <Form request>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <input type="hidden" name="member_id" value=member/>
                <div class="button-row">
                    <button type="button" class="button" autofocus on:click=move |_| open.set(false)>{keep}</button>
                    <Submit busy=request.pending class=class>{act}</Submit>
                </div>
            </Form>
        </Dialog>
    }
}

/// Lets an owner who leaves choose the next owner of a group. The member who joined first is preselected. In a room for
/// two there is no choice, so a sentence names the other member.
#[component]
pub fn HeirField() -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().exit;
    let heirs = Memo::new(move |_| {
        if room.you.with(|you| you.role != Role::Owner) {
            return Vec::new();
        }
        let mut others = room.members.get();
        others.retain(|member| !member.is_you);
        sort_by_key(&mut others, |member| (member.since, member.id));
        others.into_iter().map(|member| (member.id.to_string(), member.name.to_string())).collect::<Vec<_>>()
    });
    let options = move || {
        heirs.with(|heirs| {
            heirs
                .iter()
                .map(|(id, name)| view! { <option value=id.clone()>{name.clone()}</option> }.into_any())
                .collect_view()
        })
    };
    view! {
        <When holds=move || heirs.with(|heirs| !heirs.is_empty())>
            {if room.room_type == RoomType::P2p {
                let heir = move || {
                    heirs.with(|heirs| heirs.first().map(|(_, name)| texts.heir_of_two(&isolate_name(name))))
                };
                view! { <p class="dialog__text">{dynamic(heir)}</p> }.into_any()
            } else {
                view! {
                    <div class="field">
                        <label class="field__label" for="heir">{texts.heir()}</label>
                        <select id="heir" name="heir" class="field__input">{dynamic(options)}</select>
                    </div>
                }
                .into_any()
            }}
        </When>
    }
}
