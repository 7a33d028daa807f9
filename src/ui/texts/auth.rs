//! The texts of the pages of accounts and preferences, and of their errors. They are a table of their own, because the
//! other table is sent to the browser with every document, and these pages need no texts in the browser.

use crate::protocol::{Code, Language, Problem, limits::PASSWORD_CHARS};

use super::{
    fill::{around, fill},
    table::{Kind, TextList, entry_index, table},
};

table! {
    /// The account pages.
    auth: Auth {
        you_are: (name);
        to_rooms;
        as_other;
        type_code;
        set_password;
        look_into_mail;
        choose_password;
        confirm_address;
        address_confirmed;
        stale;
        after_reset;
        link_sent: {email};
        another_address;
        nothing_came;
        try_again;
        thanks;
        go_on;
        register_text;
        keep_text;
        your_name;
        email;
        password;
        password_optional;
        new_password;
        password_hint;
        least_hint;
        new_password_hint;
        strength;
        strengths: [3];
        show_password;
        have_account;
        mail_code;
        forgot;
        code_sent: {email};
        code;
        another_code;
        by_password;
        forgot_text;
        mail_link;
        back;
        set;
        another_link;
        verify_text: (name, email);
        verify_elsewhere;
        verify_means: [2];
        verify_other: (name);
        now_a_password;
        by_codes;
        used_link;
        used_link_text;
        confirm;
        do_not_confirm;
        password_hints: [9];
        session_ended;
        go_on_without;
        a_guest_here;
        guest;
        guest_called: {name};
        guest_leaves: (room);
        guest_text;
        guest_back;
        no_guest;
        no_guest_but_account;
        to_data;
        forgotten;
        forgotten_text;
        deleted;
        deleted_text;
        unavailable;
    }
    /// Errors of these pages, besides the general ones.
    account_problems: AccountProblems {
        wrong_password;
        wrong_code;
        wrong_confirming_password;
        wrong_confirming_code;
        not_confirmed;
        weak_password;
        password_length: (least, most);
        code_digits;
        other;
    }
    /// The file with the saved messages of a room.
    export: Export {
        made: (day);
    }
    /// The preferences pages.
    preferences: Preferences {
        heading;
        rooms;
        pages: [5];
        save;
        saved;
        look;
        region;
        theme;
        themes: [3];
        accent;
        accents: [5];
        text_size;
        text_sizes: [3];
        hours;
        hour_cycles: [3];
        language;
        as_browser;
        formatting;
        show_marks;
        show_marks_text;
        notifications;
        notifications_text;
        notify: [3];
        sound;
        sound_text;
        privacy;
        typing;
        typing_text;
        reading;
        reading_text;
        new_rooms;
        nickname;
        nickname_hint: (name);
        name_heading;
        name_hint;
        confirmed;
        unconfirmed;
        waiting;
        send_again;
        pending: (day, email);
        mailed: {email};
        no_address;
        claim_ends: (day);
        new_address;
        change_address;
        no_password;
        set_password;
        change_password;
        current_password;
        new_password_hint;
        password_set;
        code_mailed: {email};
        to_confirm: {email};
        mail_code;
        devices_text;
        kept;
        keep_copy;
        keep_copy_text;
        device: (browser, system);
        unknown_device;
        this_one;
        other_devices;
        in_use;
        used_lately;
        used_hours: [count];
        used_days: [count];
        session_lasts: (since, until);
        end;
        end_one: (device);
        end_others;
        ended;
        download;
        download_text;
        delete;
        delete_texts: [4];
        messages;
        keep;
        keep_text;
        erase;
        erase_text;
        delete_now;
    }
}

impl AccountProblems {
    /// The text of a problem that these pages word in their own way.
    pub(super) fn of(&self, problem: &Problem) -> Option<String> {
        let about = problem.field.as_deref();
        let text = match (problem.code, about) {
            (Code::WrongCredentials, Some("code")) => self.wrong_code(),
            (Code::WrongCredentials, _) => self.wrong_password(),
            (Code::NotConfirmed, Some("password")) => self.wrong_confirming_password(),
            (Code::NotConfirmed, Some("code")) => self.wrong_confirming_code(),
            (Code::NotConfirmed, _) => self.not_confirmed(),
            (Code::WeakPassword, _) => self.weak_password(),
            (Code::InvalidInput, Some("password" | "new_password")) if problem.reason.is_none() => {
                let (least, most) = PASSWORD_CHARS.into_inner();
                return Some(self.password_length(&least.to_string(), &most.to_string()));
            }
            // A problem with a room's code has a reason, and the reason's text is used. This is about the mailed code.
            (Code::InvalidInput, Some("code")) if problem.reason.is_none() => self.code_digits(),
            (Code::InvalidInput, _) if problem.reason.is_none() => self.other(),
            (Code::TooManyRequests, _) if problem.retry_after_ms.is_none() => self.other(),
            (Code::AlreadyInRoom, _) if problem.room.is_none() => self.other(),
            (
                Code::NotFound | Code::MethodNotAllowed | Code::IdReused | Code::TooLarge | Code::UnsupportedMediaType,
                _,
            ) => self.other(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::files, *};

    #[test]
    fn nothing_that_an_address_makes_up_is_said() {
        for language in Language::ALL {
            let texts = files::of_auth(*language);
            for code in Code::ALL {
                let problem = Problem::new(*code, "Your account is locked. Call 0900 123456.");
                let said = texts.account_problems.of(&problem);
                let said = said.unwrap_or_else(|| super::super::of(*language).problem(&problem));
                assert!(!said.contains("0900"), "{code:?}: {said}");
            }
        }
    }
}
