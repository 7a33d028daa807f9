//! Icons as strokes on a 24 px grid, in the colour of the text around them. Screen readers ignore them, so a button
//! with only an icon needs an `aria-label`.

use leptos::prelude::*;

/// The icons, each described by what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A person with a plus.
    Invite,
    /// A person with a minus.
    Remove,
    /// Two people.
    Members,
    /// Sliders.
    Settings,
    /// A door with an arrow.
    Exit,
    /// Two sheets.
    Copy,
    /// A chain.
    Link,
    /// An arrow out of a box.
    Share,
    /// A tick.
    Done,
    /// A paper plane.
    Send,
    /// An arrow down.
    Down,
    /// An arrow up.
    Up,
    /// A clock.
    Clock,
    /// A circle with an exclamation mark.
    Warning,
    /// A cross.
    Close,
    /// An arrow to the left.
    Back,
    /// A plus.
    Add,
    /// A hash, for a code.
    Code,
    /// A bell that is struck out.
    Muted,
    /// A crown.
    Owner,
    /// Three dots.
    More,
    /// A circle with an i.
    Info,
    /// An arrow into a tray.
    Install,
    /// A signal that is struck out.
    Offline,
    /// A keyboard.
    Keys,
    /// An arrow that bends to the left.
    Reply,
    /// A pen.
    Pen,
    /// A bin.
    Bin,
    /// A magnifying glass.
    Search,
    /// A face that smiles.
    Smile,
}

impl Shape {
    const fn path(self) -> &'static str {
        match self {
            Self::Invite => {
                "M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 20c0-3.3 2.9-6 6.5-6s6.5 2.7 6.5 6M19 8v6M16 11h6"
            }
            Self::Remove => "M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3 20c0-3.3 2.9-6 6.5-6s6.5 2.7 6.5 6M16 11h6",
            Self::Members => {
                "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-3.3 2.9-6 6.5-6s6.5 2.7 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.4c2.1.8 3.5 2.9 3.5 5.6"
            }
            Self::Settings => {
                "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z"
            }
            Self::Exit => "M10 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h4M14 8l4 4-4 4M18 12H9",
            Self::Copy => "M9 9h10v11H9zM15 9V4H5v11h4",
            Self::Link => {
                "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17"
            }
            Self::Share => "M12 15V4M8 7.5 12 4l4 3.5M6 11H5v9h14v-9h-1",
            Self::Done => "m5 12.5 4.5 4.5L19 7.5",
            Self::Send => "M4 12 20 4l-5 16-3.5-6.5L4 12ZM11.5 13.5 20 4",
            Self::Down => "M12 5v14M6 13l6 6 6-6",
            Self::Up => "M12 19V5M6 11l6-6 6 6",
            Self::Clock => "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 8v4.5l3 1.5",
            Self::Warning => "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 8v5M12 16v.2",
            Self::Close => "m6 6 12 12M18 6 6 18",
            Self::Back => "M19 12H5M11 6l-6 6 6 6",
            Self::Add => "M12 5v14M5 12h14",
            Self::Code => "M5 9h15M4 15h15M10 4 8 20M16 4l-2 16",
            Self::Muted => "M9 5.2A5 5 0 0 1 17 9c0 3 .7 4.8 1.5 6M15 17H5c1.2-1.5 2-3.5 2-7M10 20h4M4 4l16 16",
            Self::Owner => "M4 18.5h16M4.5 15 3.5 7.5 8 11l4-6 4 6 4.5-3.5-1 7.5Z",
            Self::More => {
                "M5 11.4a.6.6 0 1 0 0 1.2.6.6 0 0 0 0-1.2ZM12 11.4a.6.6 0 1 0 0 1.2.6.6 0 0 0 0-1.2ZM19 11.4a.6.6 0 1 0 0 1.2.6.6 0 0 0 0-1.2Z"
            }
            Self::Info => "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11v5M12 8v.2",
            Self::Install => "M12 4v11M8 11.5l4 3.5 4-3.5M5 15v5h14v-5",
            Self::Offline => {
                "m4 4 16 16M12 18.5v.2M8.5 15.4a5 5 0 0 1 5.6-1M5.3 12a9.5 9.5 0 0 1 4-2.4M13 9.1a9.5 9.5 0 0 1 5.7 2.9"
            }
            Self::Keys => "M3 6.5h18v11H3zM7 10.5h.1M12 10.5h.1M17 10.5h.1M7.5 14h9",
            Self::Reply => "M9 6 4 11l5 5M4 11h9a7 7 0 0 1 7 7v1",
            Self::Pen => "m4 20 1-4L16 5l3 3L8 19l-4 1ZM13.5 7.5l3 3",
            Self::Bin => "M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13",
            Self::Search => "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20",
            Self::Smile => {
                "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM9 9.5v.2M15 9.5v.2M8.3 14a4.3 4.3 0 0 0 7.4 0"
            }
        }
    }
}

#[component]
pub fn Icon(shape: Shape) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
            <path d=shape.path()></path>
        </svg>
    }
}
