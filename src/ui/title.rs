//! The title of each page. The server writes it into the document. In the browser the open room and the list of rooms
//! update it.

use leptos::tachys::html::InertElement;

use crate::protocol::{Page, RoomAccess};

use super::{
    rooms::Heading,
    texts::Texts,
    timeline::{is_right_to_left, isolate_name},
};

/// The title of a page when it is opened. `unread` is the number of unread messages in the list of rooms.
pub fn of_page(texts: &Texts, page: &Page, unread: u64) -> String {
    let title = match page {
        Page::Home(_) | Page::Shell => return "AnonChat".to_owned(),
        Page::Dashboard { .. } => return of_list(texts, unread),
        Page::NewRoom(_) => texts.new_room.heading(),
        Page::Room { access: Ok(RoomAccess::Inside(snapshot)), .. } => {
            return of_room(texts, Heading::of_snapshot(snapshot), 0);
        }
        Page::Room { code, .. } => return of_heading(&texts.common.room(&code.spaced())),
        Page::NoCode { .. } => texts.document.check_code(),
        Page::NotFound => texts.document.nothing_here(),
    };
    of_heading(title)
}

/// The title of a page with this heading.
pub fn of_heading(heading: &str) -> String {
    format!("{heading} · AnonChat")
}

/// The title of the list of rooms, with the number of unread messages.
pub fn of_list(texts: &Texts, unread: u64) -> String {
    let heading = of_heading(texts.rooms.heading());
    if unread == 0 { heading } else { format!("({unread}) {heading}") }
}

/// The title of a room, with the number of messages that arrived while the page was not looked at.
pub fn of_room(texts: &Texts, room: Heading<'_>, missed: usize) -> String {
    let title = room.full_title(texts);
    // From right to left, and without turning what stands beside it.
    let title = of_heading(&if is_right_to_left(&title) { isolate_name(&title) } else { title });
    if missed == 0 { title } else { format!("({missed}) {title}") }
}

/// The `<title>` element, as inert markup. Leptos would put markers between texts, and a title shows them.
pub fn element(title: &str) -> InertElement {
    InertElement::new(markup(title))
}

fn markup(title: &str) -> String {
    format!("<title>{}</title>", title.replace('&', "&amp;").replace('<', "&lt;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_end_its_element() {
        assert_eq!(markup("Q&A </title><b>"), "<title>Q&amp;A &lt;/title>&lt;b></title>");
    }
}
