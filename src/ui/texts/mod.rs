//! All texts of the pages, as one typed table with a file for each language.
//!
//! The server chooses the language and renders with it. It sends the same texts to the browser with the document, so no
//! language is in the wasm. `table!` turns each entry into a function, so a call with an unknown entry or without a
//! value for a hole does not compile.
//!
//! To add a language, add a file beside `en.json`, a line in `files.rs`, its plural rule in `plural.rs`, and its case
//! in [`Language`]. The tests report what is missing. docs/decisions/0013 has the reasons.

mod auth;
mod files;
mod fill;
mod locale;
mod plural;
mod problems;
mod table;

use crate::protocol::Language;

use fill::{around, fill};
use table::{Kind, TextList, entry_index, table};

pub use files::{of, of_auth};
pub use locale::{
    Locale, account_problem, provide_locale, use_auth_texts, use_locale, use_preferences_texts, use_texts,
};

table! {
    /// The document itself, and the installed application.
    document: Document {
        description;
        invitation;
        invitation_text;
        new_room_shortcut;
        new_room_shortcut_text;
        join_shortcut;
        join_shortcut_text;
        phone_picture;
        desktop_picture;
        check_code;
        unreachable;
        unreachable_text;
        nothing_here;
    }
    /// Texts that several pages share.
    common: Common {
        room: (code);
        back_to: (code);
        start_page;
        your_name;
        your_name_hint;
        close;
        copied;
        cannot_copy;
        too_fast: [count];
        thousands;
    }
    /// The start page.
    home: Home {
        title;
        lead;
        promises: [3];
        promise_texts: [3];
        join;
        make;
        make_text;
        current;
        you_are_in: {room};
        back;
        leave;
        language;
        your_rooms;
        your_rooms_text;
    }
    /// The form that joins a room.
    join: Join {
        code;
        go;
        switch: (room);
        elsewhere: {room};
    }
    /// The page that makes a room.
    new_room: NewRoom {
        heading;
        how_many;
        group;
        group_text;
        one_to_one;
        one_to_one_text;
        name;
        preserve;
        preserved;
        not_preserved;
        create;
        switch: (room);
    }
    /// The page behind a room's link, for a visitor who is not in the room.
    door: Door {
        heading: {code};
        people: [count];
        saved;
        not_saved;
        hidden;
        unseen;
        unavailable;
        try_again;
        refused;
        refused_text;
        removed;
        full;
        full_text;
        another_code;
        aside;
        wrong_code;
        wrong_code_text;
    }
    /// The page for an unknown address.
    not_found: NotFound {
        heading;
        text;
    }
    /// The header of a room.
    header: Header {
        home;
        settings;
        exit;
        copy_code;
        members: [count];
        keeps_history;
        keeps_nothing;
        more;
        info;
        download;
        download_data;
        online;
        away;
    }
    /// The dialog that invites others.
    invite: Invite {
        heading;
        heading_for_two;
        one_to_one;
        full;
        group;
        kept_days: [count];
        qr;
        copy_link;
        share;
    }
    /// The list of members and its dialogs.
    members: Members {
        heading;
        heading_with: (count);
        connected;
        not_connected;
        you;
        owner;
        kept;
        find;
        actions: (name);
        remove: (name);
        remove_heading: (name);
        remove_text;
        remove_button;
        keep;
        give: (name);
        give_heading: (name);
        give_text;
        give_button;
        keep_room;
        log_in_or_register;
        to_keep_place: {link};
    }
    /// The settings of a room.
    settings: Settings {
        heading;
        name;
        name_hint;
        save_name;
        preserve;
        preserve_on;
        preserve_off;
        peek;
        peek_on;
        peek_off;
        everyone_sees;
        notices;
        notify: [3];
        notices_text;
        keep_heading;
        keep_email;
        keep_text;
        keep_send;
        keep_sent;
    }
    /// The dialog that leaves a room.
    exit: Exit {
        heading;
        preserved;
        preserved_since: (time);
        ephemeral;
        ephemeral_since: (time);
        leave;
        stay;
        forget;
        heir;
        heir_of_two: (name);
    }
    /// The notice about a place that is reserved for an absent guest in a room for two.
    place: Place {
        kept: (name);
        consequence;
        give_up;
    }
    /// Why this page no longer follows the room.
    ended: Ended {
        removed_by: (by);
        removed;
        returning;
        away;
        taken;
        taken_text;
        exited;
        left;
        outside;
        come_back;
    }
    /// The banner that is shown without a connection.
    connection: Connection {
        offline;
        blocked;
        guests_leave: [count];
        again;
        in_seconds: (seconds);
        try_now;
    }
    /// Pages from what the device keeps, and the frame around them.
    kept: Kept {
        loading;
        heading;
        nothing;
        rooms;
        at: (time);
    }
    /// The composer.
    composer: Composer {
        message;
        send;
        emoji;
        no_emoji;
        typing_one: (name);
        typing_two: (first, second);
        typing_several;
        replying: (name);
        editing;
        cancel;
        left: (count);
        too_many: (count);
        too_long: (limit);
        suggestions;
        everyone;
        unnotified;
        notify_everyone;
        notify_everyone_text: (count);
        needs_scripts;
    }
    /// The timeline of a room.
    timeline: Timeline {
        label;
        earlier;
        fetching;
        newest;
        unseen: [count];
        news: [count, name, body];
        unread;
        unread_above: [count];
        further_up;
        away: (from, to);
        away_briefly;
        lost;
        hello: (names);
        everyone;
        unsaved;
        alone;
        you;
        not_sent_yet;
        sent;
        seen;
        seen_by: (readers);
        not_sent: (reason);
        read_more;
        read_less;
        edited;
        react;
        react_more;
        reacted: [count, emoji];
        reacted_too: [count, emoji];
        not_reacted: (reason);
        spoiler;
        deleted;
        deleted_by: (name);
        earlier_message;
        retry;
        edit;
        discard;
        actions;
        reply;
        copy;
        forward;
        delete;
        delete_heading;
        delete_text;
        cancel;
    }
    /// Searching the messages of a room.
    search: Search {
        heading;
        go;
        searching;
        words;
        nothing;
        found: [count];
        found_so_far: [count];
        more;
        far;
        only_here;
    }
    /// Notices in a timeline: joining, leaving, and changes of the room.
    notices: Notices {
        you;
        list_of_two: (first, second);
        list_of_three: (first, second, third);
        list_of_more: [count, first, second];
        you_joined;
        you_and_others_joined: (names);
        joined: [count; names];
        you_came_back;
        you_and_others_came_back: (names);
        came_back: [count; names];
        you_came_and_left;
        you_and_others_came_and_left: (names);
        came_and_left: [count; names];
        you_left;
        you_and_others_left: (names);
        left: [count; names];
        you_removed: (name);
        removed_you: (by);
        removed: (by, name);
        you_named: (name);
        named: (by, name);
        you_unnamed;
        unnamed: (by);
        you_preserved;
        preserved: (by);
        you_stopped_preserving;
        stopped_preserving: (by);
        you_allowed_peeking;
        allowed_peeking: (by);
        you_stopped_peeking;
        stopped_peeking: (by);
        you_gave: (name);
        gave_you: (by);
        gave: (by, name);
        you_inherited;
        inherited: (name);
    }
    /// Times and days.
    times: Times {
        before_noon: (time);
        after_noon: (time);
        today;
        yesterday;
        weekdays: [7];
        months: [12];
        months_short: [12];
        day: (weekday, date, month);
        day_of_year: (weekday, date, month, year);
        date: (date, month);
        date_of_year: (date, month, year);
    }
    /// The list of an account's rooms.
    rooms: Rooms {
        heading;
        which;
        all;
        groups;
        for_two;
        find;
        new_room;
        join;
        menu: (name);
        preferences;
        said: (name, text);
        nothing_said;
        waiting;
        unread: [count];
        muted;
        mentioned;
        none;
        none_text;
        join_with;
        no_match;
        no_such: (name);
        clear;
        join_this: (code);
        not_yet;
        all_of_them;
        start;
        choose;
        choose_text;
        back;
        back_unread: [count];
        join_later;
        log_out_later;
        close;
    }
    /// The dialog with the shortcuts of the keyboard.
    shortcuts: Shortcuts {
        heading;
        keys: [12];
        does: [12];
    }
    /// The notice about an e-mail address that is not confirmed.
    unproved: Unproved {
        heading;
        text: {email};
        again;
        change;
        nowhere;
        nowhere_text;
        give;
    }
    /// Notes about other rooms while one room is open.
    toasts: Toasts {
        label;
        dismiss;
        came: (name);
        joined: (name, room);
        said: (name, room, text);
        several: [count, room];
    }
    /// The offer to install the app.
    install: Install {
        install;
        hint;
    }
    /// A text that another app shares.
    shared: Shared {
        choose;
        join;
        discard;
    }
    /// Logging in and out.
    account: Account {
        log_in;
        log_out;
        register;
        logged_in_as: {name};
        forget_me;
    }
    /// Problems, each as a sentence that says what to do.
    problems: Problems {
        name_empty;
        name_too_long: (limit, found);
        room_name_empty;
        room_name_too_long: (limit, found);
        message_empty;
        message_too_long: (limit, found);
        code_length: (found);
        code_character: (character);
        member_gone;
        too_many_for_everyone: (limit);
        too_many_rooms: (limit);
        malformed;
        no_session;
        not_owner;
        not_a_member;
        not_author;
        too_late;
        edited_meanwhile;
        kept_elsewhere;
        too_many_reactions;
        message_gone;
        removed;
        foreign_origin;
        room_unavailable;
        already_in_room: (room);
        too_many_requests: [count];
        kept_too_much: [count];
        disk_low;
        disk_low_for_room;
        internal;
        store_unavailable;
        bus_unavailable;
        overloaded;
        unreachable;
        invalid_email;
        other_address;
        other_password;
        token_invalid;
        not_logged_in;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_chooses_its_form() {
        assert_eq!(of(Language::English).header.members(1), "1 member");
        assert_eq!(of(Language::English).header.members(0), "0 members");
        assert_eq!(of(Language::German).header.members(1), "1 Mitglied");
        assert_eq!(of(Language::German).header.members(12), "12 Mitglieder");
    }
}
