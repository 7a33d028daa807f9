//! The saved messages of a room as one HTML file, to read without AnonChat: it runs no script and loads nothing. Only
//! the server writes it, piece by piece.

use leptos::prelude::*;

use crate::{
    protocol::{Event, EventKind, LocalTime, MemberId, Message, Millis, RoomCode, RoomName, RoomType},
    visit::Appearance,
};

use super::{
    components::sentence,
    rooms::Heading,
    texts::{self, Locale},
    timeline::{self, ComingsAndGoings},
};

const STYLE: &str = include_str!("export.css");

/// Writes the file.
pub struct RoomFile {
    locale: Locale,
    /// The reader's time zone. `None` if it is not known, and times are in UTC.
    local: Option<LocalTime>,
    /// The reader's member ids.
    own_ids: Vec<MemberId>,
    /// The day of the last event, counted from 1 January 1970.
    day: Option<i64>,
    /// Who joined and left since the last other event.
    comings: ComingsAndGoings,
}

impl RoomFile {
    pub fn new(appearance: Appearance, local: Option<LocalTime>) -> Self {
        let locale = Locale::new(appearance);
        Self { locale, local, own_ids: Vec::new(), day: None, comings: ComingsAndGoings::default() }
    }

    /// The beginning of the file. `own_ids` are the reader's member ids, and `at` is the time of the download.
    pub fn opening(
        &mut self,
        (code, room_type, name): (RoomCode, RoomType, Option<&RoomName>),
        own_ids: Vec<MemberId>,
        at: Millis,
    ) -> String {
        self.own_ids = own_ids;
        let (texts, language) = (self.locale.texts, self.locale.language);
        let title = match name {
            Some(name) => name.to_string(),
            None => Heading { code, room_type, name: None, other: None }.full_title(texts),
        };
        let day = timeline::day_label(texts, timeline::day_of(at, self.offset(at)), None);
        let zone = if self.local.is_none() { " · UTC" } else { "" };
        let about = texts::of_auth(language).export.made(&day) + zone;
        let mut html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n",
            language.as_str()
        );
        line(&mut html, view! { <title>{title.clone()}</title> }.into_any());
        line(&mut html, view! { <style inner_html=STYLE></style> }.into_any());
        html.push_str("</head>\n<body>\n<main>\n");
        line(&mut html, view! { <h1 dir="auto">{title}</h1> }.into_any());
        line(&mut html, view! { <p class="about">{about}</p> }.into_any());
        html
    }

    /// The next events.
    pub fn events(&mut self, events: &[Event]) -> String {
        let mut html = String::new();
        for event in events {
            let day = timeline::day_of(event.at, self.offset(event.at));
            if self.day != Some(day) {
                self.end_comings(&mut html);
                self.day = Some(day);
                let label = timeline::day_label(self.locale.texts, day, None);
                line(&mut html, view! { <h2>{label}</h2> }.into_any());
            }
            if self.comings.add(&event.kind) {
                continue;
            }
            self.end_comings(&mut html);
            if let EventKind::Message(message) = &event.kind {
                line(&mut html, self.message(event, message));
            } else if let Some(notice) = timeline::sentence(self.locale.texts, &event.kind, |id| self.is_me(id)) {
                line(&mut html, view! { <p class="notice">{sentence(&notice)}</p> }.into_any());
            }
        }
        html
    }

    /// The end of the file.
    pub fn closing(&mut self) -> String {
        let mut html = String::new();
        self.end_comings(&mut html);
        html + "</main>\n</body>\n</html>\n"
    }

    fn end_comings(&mut self, html: &mut String) {
        let comings = std::mem::take(&mut self.comings);
        let notice = comings.sentence(self.locale.texts, |id| self.is_me(id));
        if !notice.is_empty() {
            line(html, view! { <p class="notice">{sentence(&notice)}</p> }.into_any());
        }
    }

    fn message(&self, event: &Event, message: &Message) -> AnyView {
        let texts = &self.locale.texts.timeline;
        let time = timeline::hour_and_minute(self.locale, event.at, self.offset(event.at));
        let id = |seq| format!("m{seq}");
        let text = match &message.deleted {
            Some(_) => view! { <p class="gone">{texts.deleted()}</p> }.into_any(),
            None => view! { <p dir="auto">{message.body.as_str().to_owned()}</p> }.into_any(),
        };
        let reply_to = message.reply_to.map(|target| {
            let earlier = format!("#{}", id(target.seq));
            view! { <a href=earlier>"↪ " {texts.earlier_message()}</a> }.into_any()
        });
        let edited = message.edited.map(|_| view! { <small>{texts.edited()}</small> }.into_any());
        view! {
            <article id=id(event.seq) class:own=self.is_me(message.author.id)>
                <header>
                    <bdi>{message.author.name.to_string()}</bdi> " " <time datetime=timeline::rfc3339(event.at)>{time}</time> " " {edited} " " {reply_to}
                </header>
                {text}
            </article>
        }
        .into_any()
    }

    fn is_me(&self, id: MemberId) -> bool {
        self.own_ids.contains(&id)
    }

    fn offset(&self, at: Millis) -> i64 {
        self.local.as_ref().map_or(0, |local| local.offset(at))
    }
}

/// Adds a view as a line. Leptos marks the ends of texts for hydration, which never comes. What people wrote has no
/// such mark, since its `<` is escaped.
fn line(html: &mut String, view: AnyView) {
    html.push_str(&view.to_html().replace("<!>", ""));
    html.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use crate::protocol::{ClientId, Language, MessageBody, Nickname, Person, Target};

    fn ada() -> Person {
        Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() }
    }

    fn said(seq: u64, body: &str) -> Event {
        let message = Message::new(seq, ClientId::new(Uuid::nil()), ada(), MessageBody::try_from(body).unwrap());
        Event { seq, at: 0, kind: EventKind::Message(message) }
    }

    fn file(events: &[Event]) -> String {
        let mut file = RoomFile::new(Appearance::plain(Language::English), None);
        let code = "K7M2QX".parse().unwrap();
        let opening = file.opening((code, RoomType::Group, None), vec![ada().id], 0);
        opening + &file.events(events) + &file.closing()
    }

    #[test]
    fn what_people_wrote_is_text_in_it_and_never_markup() {
        let html = file(&[said(1, "<script>alert(1)</script> & \"x\"\nsecond line")]);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; "), "{html}");
        assert!(html.contains("\nsecond line") && !html.contains("<script"), "{html}");
        assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
        assert!(!html.contains("http"), "it loads nothing");
    }

    #[test]
    fn a_run_of_comings_is_one_sentence_also_at_the_end() {
        let joined = |seq| Event { seq, at: 0, kind: EventKind::Joined { member: ada() } };
        let left = |seq| Event { seq, at: 0, kind: EventKind::Left { member: ada() } };
        let html = file(&[joined(1), said(2, "Hi"), left(3), joined(4), left(5)]);
        assert_eq!(html.matches("class=\"notice\"").count(), 2, "{html}");
        assert!(html.find("You joined").unwrap() < html.find("Hi").unwrap(), "{html}");
    }

    #[test]
    fn a_reply_leads_to_its_message_and_a_deleted_one_says_so() {
        let [first, mut reply, mut gone] = [said(1, "Hi"), said(2, "Hello"), said(3, "Oops")];
        if let EventKind::Message(reply) = &mut reply.kind {
            reply.reply_to = Some(Target { seq: 1, id: ClientId::new(Uuid::nil()) });
        }
        if let EventKind::Message(gone) = &mut gone.kind {
            gone.deleted = Some(ada());
        }
        let html = file(&[first, reply, gone]);
        assert!(html.contains("id=\"m1\"") && html.contains("href=\"#m1\""), "{html}");
        assert!(html.contains("Message deleted") && !html.contains("Oops"), "{html}");
    }
}
